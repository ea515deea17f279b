"""Temp functions. Their code cannot be recorded, so a component that registers one is replayed, or they are lost."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    MissingState,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.needs.function_calls import find_function_caller
from airflow_provider.runner.session_state.probes.jvm_helpers import load_java
from airflow_provider.runner.session_state.probes.session_look import SessionLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_ORDER = "spark.sql.functionResolution.sessionOrder"


_CARRIER = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SessionState;
import scala.Function1;
import scala.collection.Iterator;

public class FunctionCarrier {
    private static final String SESSION = "system.session."; // what Spark 4.2 puts before a temp function's name

    public void carry(SparkSession origin, SparkSession target, String registered, String dropped) throws Exception {
        SessionState from = origin.sessionState();
        SessionState to = target.sessionState();
        String[] names = (String[]) new ObjectMapper().readValue(dropped, String[].class);
        for (int i = 0; i < names.length; i++) {
            to.catalog().dropTempFunction(names[i], true);
        }
        Set wanted = new HashSet(Arrays.asList((Object[]) new ObjectMapper().readValue(registered, String[].class)));
        carry(wanted, from.functionRegistry(), to.functionRegistry());
        carry(wanted, from.tableFunctionRegistry(), to.tableFunctionRegistry());
    }

    private static void carry(Set wanted, FunctionRegistryBase from, FunctionRegistryBase to) {
        for (Iterator known = from.listFunction().iterator(); known.hasNext();) {
            FunctionIdentifier identifier = (FunctionIdentifier) known.next();
            String text = identifier.toString();
            if (wanted.contains(text.startsWith(SESSION) ? text.substring(SESSION.length()) : text)) {
                ExpressionInfo info = (ExpressionInfo) from.lookupFunction(identifier).get();
                to.registerFunction(identifier, info, (Function1) from.lookupFunctionBuilder(identifier).get());
            }
        }
    }
}
"""


@dataclass(frozen=True)
class FunctionChanges:
    """What a component did to temp functions.

    :param registered: those that it registered, anew or for the first time
    :param dropped: those that it dropped
    :param replaced: those of them that the session had before
    """

    registered: list[str]
    dropped: list[str]
    replaced: frozenset[str]


class TempFunctions(SessionStateKind[Mapping[str, str], FunctionChanges]):
    """Functions in Python, Java or SQL that only the session knows."""

    name = "temp functions"
    is_missed_loudly = True
    # A temp function may have the name of one of Spark's own. Before Spark 4.2 it then takes its place.
    jvm_section = """
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.analysis.TableFunctionRegistry$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SessionState;
import scala.Option;
import scala.collection.Iterator;

public class TempFunctions implements java.util.function.Function {
    private static final String SESSION = "system.session."; // what Spark 4.2 puts before a temp function's name

    public Object apply(Object session) {
        SessionState state = ((SparkSession) session).sessionState();
        Map found = new LinkedHashMap();
        add(found, state.functionRegistry(), FunctionRegistry$.MODULE$.builtin());
        add(found, state.tableFunctionRegistry(), TableFunctionRegistry$.MODULE$.builtin());
        return found;
    }

    private static void add(Map found, FunctionRegistryBase registry, FunctionRegistryBase builtin) {
        for (Iterator known = registry.listFunction().iterator(); known.hasNext();) {
            FunctionIdentifier identifier = (FunctionIdentifier) known.next();
            Option builder = registry.lookupFunctionBuilder(identifier);
            Option own = builtin.lookupFunctionBuilder(identifier);
            if (builder.isEmpty() || own.isDefined() && own.get() == builder.get()) {
                continue;
            }
            String text = identifier.toString();
            boolean qualified = text.startsWith(SESSION);
            String name = qualified ? text.substring(SESSION.length()) : text;
            if (qualified || identifier.database().isEmpty() && !found.containsKey(name)) {
                found.put(name, SessionContents.identity(builder.get()));
            }
        }
    }
}
"""

    def unchanged(self) -> FunctionChanges:
        return FunctionChanges([], [], frozenset())

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        if look.sections is not None:
            return look.sections[self.name]
        # A temp function has no database in its name.
        listed = [row[0] for row in collected(look.spark.sql("SHOW USER FUNCTIONS"))]
        return {name.rpartition(".")[2]: "" for name in listed if name.count(".") != 2 or "session" in name}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> FunctionChanges:
        old, new = before.of(self), after.of(self)
        return FunctionChanges(
            registered=sorted(name for name, identity in new.items() if old.get(name) != identity),
            dropped=sorted(name for name in old if name not in new),
            replaced=frozenset(old.keys() & new.keys()),
        )

    def carry(self, left: Mapping[str, str | None], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        registered = [name for name, identity in left.items() if identity is not None]
        dropped = [name for name, identity in left.items() if identity is None]
        java = origin._jsparkSession, target._jsparkSession
        load_java(target, _CARRIER).carry(*java, json.dumps(registered), json.dumps(dropped))
        return {}

    def renamed(self, changes: SessionChanges) -> list[str]:
        found = changes.of(self)
        return [f"{name.lower()}()" for name in (*found.registered, *found.dropped)]

    def leaves_code(self, changes: SessionChanges) -> bool:
        return bool(changes.of(self).registered)

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = changes.of(self)
        if not found.registered:
            return Assessment()
        _warn_of_ignored(session.spark, found.registered)
        why = f"registered temp function {', '.join(map(repr, found.registered))}, which cannot be saved"
        hiding = [name for name in found.registered if name in found.replaced or _hides(session.spark, name)]
        return Assessment(
            lost={_lost_function(name): why for name in found.registered},
            changes_answers=(
                f"registered temp function {', '.join(map(repr, hiding))}, which cannot be saved and hides another one"
                if hiding
                else None
            ),
        )

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        return RecordedPart({"functions": found.registered, "dropped_functions": found.dropped}, assessment.lost)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.functions or record.dropped_functions)

    def missing(self, record: SessionStateRecord) -> Iterator[MissingState]:
        for name in record.functions:
            if (why := record.lost.get(_lost_function(name))) is not None:
                yield MissingState(
                    _lost_function(name), why, partial(find_function_caller, name), partial(_is_renewed, name)
                )

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for name in record.dropped_functions:
            target.probe.drop_function(name)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        there = outcome.after.of(self)
        for name in recorded.functions:
            if name not in there:
                yield f"temp function {name!r} is missing"
        for name in outcome.left.of(self).registered:
            if name not in recorded.functions:
                yield f"temp function {name!r} is new"
        for name in recorded.dropped_functions:
            if name in there and name not in recorded.functions:
                yield f"temp function {name!r} is there again"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(record.functions)

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return []  # a record only drops functions


def _lost_function(name: str) -> str:
    return f"temp function {quote(name)}"


def _is_renewed(name: str, record: SessionStateRecord) -> bool:
    return name in record.functions or name in record.dropped_functions


def _warn_of_ignored(spark: SparkSession, functions: list[str]) -> None:
    """Warn of functions that a statement does not find, because Spark has one of that name itself."""
    if not functions or _order(spark) == "first":
        return
    for name in filter(lambda name: _is_sparks(spark, name), functions):
        logger.warning(
            "temp function %r is ignored: since Spark 4.2 the built-in %s() of that name comes first. Give it another "
            "name, call it as session.%s(), or set %s to 'first'",
            name,
            name.lower(),
            name,
            _ORDER,
        )


def _order(spark: SparkSession) -> str:
    from pyspark.errors import PySparkException

    try:
        return str(spark.conf.get(_ORDER))  # with a default of ours Spark would not tell its own
    except PySparkException:
        return "first"  # as it was before there was a choice


def _is_sparks(spark: SparkSession, function: str) -> bool:
    pattern = re.sub(r"[^\w]", "*", function)
    return any(
        row[0].lower() == function.lower() for row in collected(spark.sql(f"SHOW SYSTEM FUNCTIONS LIKE '{pattern}'"))
    )


def _hides(spark: SparkSession, function: str) -> bool:
    """Whether a statement finds another function of that name when there is no temp function."""
    if spark.catalog.functionExists(f"{quote(spark.catalog.currentDatabase())}.{quote(function)}"):
        return True
    return _is_sparks(spark, function)


TEMP_FUNCTIONS = TempFunctions()
