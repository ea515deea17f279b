"""Session variables. Spark has no statement that lists them, but a classic session holds them in its JVM.

A variable of a simple type comes back from a record: the type, the value and the default are data, of which Spark makes
literals. Any other is lost, or its component is replayed. A client of Spark Connect sees none; there the statements of
a component are all that tells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider.masking import looks_secret
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_parts import (
    compared_values,
    recorded_values,
    values_for_record,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
    StatementEffects,
)
from airflow_provider.runner.session_state.probes.jvm_helpers import load_java
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WHY = "set a session variable, which cannot be saved"
_TYPES = re.compile(
    r"BOOLEAN|TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL\(\d{1,2},\d{1,2}\)|STRING|DATE|TIMESTAMP|TIMESTAMP_NTZ"
)
_LONGEST = 100_000

_DECLARE = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.util.Collections;
import org.apache.spark.sql.catalyst.catalog.TempVariableManager;
import org.apache.spark.sql.catalyst.catalog.VariableDefinition;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataType$;
import org.apache.spark.sql.types.StringType$;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

public class VariableMaker {
    public void declare(SparkSession session, String name, String typeName, String value, String byDefault) {
        DataType type = DataType$.MODULE$.fromDDL(typeName);
        Identifier identifier = manager(session).qualify(name).identifier();
        String sql = literal(type, byDefault).sql();
        VariableDefinition variable = new VariableDefinition(identifier, sql, literal(type, value));
        manager(session).create(parts(name), variable, true);
    }

    public void drop(SparkSession session, String name) {
        manager(session).remove(parts(name));
    }

    public void carry(SparkSession origin, SparkSession target, String names) throws Exception {
        String[] all = (String[]) new ObjectMapper().readValue(names, String[].class);
        for (int i = 0; i < all.length; i++) {
            Option variable = manager(origin).get(parts(all[i]));
            if (variable.isDefined()) {
                manager(target).create(parts(all[i]), (VariableDefinition) variable.get(), true);
            } else {
                manager(target).remove(parts(all[i]));
            }
        }
    }

    public void carryAll(SparkSession origin, SparkSession target) throws Exception {
        Field variables = TempVariableManager.class.getDeclaredField("variables");
        variables.setAccessible(true);
        TempVariableManager from = manager(origin);
        synchronized (from) {
            for (Iterator each = ((scala.collection.Map) variables.get(from)).iterator(); each.hasNext();) {
                Tuple2 entry = (Tuple2) each.next();
                manager(target).create(parts((String) entry._1()), (VariableDefinition) entry._2(), true);
            }
        }
    }

    private static TempVariableManager manager(SparkSession session) {
        return session.sessionState().catalogManager().tempVariableManager();
    }

    private static Literal literal(DataType type, String text) {
        Literal given = Literal$.MODULE$.create(text, StringType$.MODULE$);
        return new Literal(Cast$.MODULE$.apply(given, type, Option.apply("UTC"), true).eval(null), type);
    }

    private static Seq parts(String name) {
        return CollectionConverters.asScala(Collections.singletonList(name)).toSeq();
    }
}
"""


class Variable(NamedTuple):
    """What a snapshot holds of a session variable.

    :param identity: differs when the variable is declared or set anew
    :param type_name: its type as SQL names it; None if it is not a simple one, or its default is no literal
    :param value: its value as text; None for null
    :param default: its default as text; None for null
    """

    identity: str
    type_name: str | None = None
    value: str | None = None
    default: str | None = None


@dataclass(frozen=True)
class VariableChanges:
    """What a component did to session variables.

    :param values: those that it declared or set
    :param dropped: those that it dropped
    :param secret: names of those of them whose value must not be recorded
    :param replaced: those that the session had before
    """

    values: dict[str, Variable] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    secret: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


class SessionVariables(SessionStateKind[Mapping[str, Variable], VariableChanges]):
    """What ``DECLARE`` and ``SET VARIABLE`` leave."""

    name = "session variables"
    jvm_section = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.catalog.TempVariableManager;
import org.apache.spark.sql.catalyst.catalog.VariableDefinition;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.UnaryMinus;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SessionState;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType$;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;

public class SessionVariables implements java.util.function.Function {
    private final ObjectMapper json = new ObjectMapper();
    private Map known = new HashMap(); // name to what was told, with the definition that it was told of
    private Field variables;

    public Object apply(Object session) {
        SessionState state = ((SparkSession) session).sessionState();
        TempVariableManager manager = state.catalogManager().tempVariableManager();
        Map found = new HashMap();
        Map told = new HashMap();
        try {
            if (variables == null) {
                variables = TempVariableManager.class.getDeclaredField("variables");
                variables.setAccessible(true);
            }
            synchronized (manager) {
                Iterator entries = ((scala.collection.Map) variables.get(manager)).iterator();
                while (entries.hasNext()) {
                    Tuple2 entry = (Tuple2) entries.next();
                    Object[] last = (Object[]) known.get(entry._1());
                    Object text = last != null && last[0] == entry._2()
                        ? last[1] : text((VariableDefinition) entry._2(), state);
                    told.put(entry._1(), new Object[] {entry._2(), text});
                    found.put(entry._1(), text);
                }
            }
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        known = told;
        return found;
    }

    private String text(VariableDefinition variable, SessionState state) throws Exception {
        String identity = SessionContents.identity(variable);
        DataType type = variable.currentValue().dataType();
        Expression byDefault = state.sqlParser().parseExpression(variable.defaultValueSQL());
        if (!isLiteral(byDefault)) {
            return json.writeValueAsString(new Object[] {identity});
        }
        Object value = text(variable.currentValue());
        return json.writeValueAsString(new Object[] {identity, type.sql(), value, text(cast(byDefault, type))});
    }

    private static boolean isLiteral(Expression expression) {
        if (expression instanceof UnaryMinus || expression instanceof Cast) {
            return isLiteral((Expression) expression.children().head());
        }
        return expression instanceof Literal;
    }

    private static Expression cast(Expression expression, DataType type) {
        return (Expression) Cast$.MODULE$.apply(expression, type, Option.apply("UTC"), true);
    }

    private static String text(Expression expression) {
        Object text = cast(expression, StringType$.MODULE$).eval(null);
        return text == null ? null : text.toString();
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, Variable]:
        if look.sections is None:
            return {}
        return {name: Variable(*json.loads(text)) for name, text in look.sections[self.name].items()}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> VariableChanges:
        old, new = before.of(self), after.of(self)
        values = {name: variable for name, variable in sorted(new.items()) if old.get(name) != variable}
        return VariableChanges(
            values=values,
            dropped=sorted(name for name in old if name not in new),
            secret=frozenset(name for name, variable in values.items() if looks_secret(name, variable.value, {})),
            replaced=frozenset(values.keys() & old.keys()),
        )

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        old, new = before.of(self), now.of(self)
        return all(_is_simple(old[name]) for name in old if new.get(name) != old[name])  # reset() undoes the rest

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        old, new = before.of(self), now.of(self)
        for name in new.keys() - old.keys():
            _drop(spark, name)
        for name, variable in old.items():
            if new.get(name) != variable and _is_simple(variable):
                _declare(spark, name, variable)

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        return name in [_lost_name(there) for there in snapshot.of(self)]

    def fill_clone(self, origin: SparkSession, clone: SparkSession) -> None:
        load_java(origin, _DECLARE).carryAll(origin._jsparkSession, clone._jsparkSession)

    def outcomes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[str, Variable | None]:
        found = super().outcomes(before, after)
        return {name: None if new is None else _without_identity(new) for name, new in found.items()}

    def carry(
        self, left: Mapping[str, Variable | None], origin: SparkSession, target: SparkSession
    ) -> Mapping[str, str]:
        java = origin._jsparkSession, target._jsparkSession
        load_java(target, _DECLARE).carry(*java, json.dumps(list(left)))
        return {}

    def renamed(self, changes: SessionChanges) -> list[str]:
        found = changes.of(self)
        return ["@"] if found.values or found.dropped or changes.statements.set_variables else []

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        if session.is_connect:
            return _of_statements(changes.statements)
        found = changes.of(self)
        unsavable = [name for name, variable in found.values.items() if not _is_savable(name, variable, found)]
        return Assessment(
            lost={_lost_name(name): _WHY for name in unsavable if name not in found.replaced},
            changes_answers=_WHY if found.replaced.intersection(unsavable) else None,
        )

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        savable = {name: variable for name, variable in found.values.items() if _is_savable(name, variable, found)}
        texts = {name: _text(variable) for name, variable in savable.items()}
        part = values_for_record(
            {**texts, **dict.fromkeys(found.dropped)},
            found.values.keys() - savable.keys(),
            {**texts, **dict.fromkeys(found.dropped)},
        )
        return RecordedPart(lost=assessment.lost, own=part)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(self.names(record))

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for name, text in recorded_values(self, record, "restored").items():
            if text is not None and _variable(text) is None:
                yield f"its session variable {shown(name)!r} is not one of a simple type"

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for name, text in recorded_values(self, record, "restored").items():
            variable = _variable(text) if text is not None else None
            if variable is not None:
                _declare(target.spark, name, variable)
            else:
                _drop(target.spark, name)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        left = outcome.left.of(self)
        now = {name: _text(variable) for name, variable in outcome.after.of(self).items()}
        for what in compared_values(self, recorded, now, [*left.values, *left.dropped]):
            yield f"session variable {what}"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "compared"))

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "restored"))


def _of_statements(statements: StatementEffects) -> Assessment:
    if not statements.set_variables:
        return Assessment()
    return Assessment(
        lost={_lost_name(name.strip("`")): _WHY for name in statements.declared},
        changes_answers=None if statements.declared else _WHY,  # it set a variable of another component
    )


def _is_savable(name: str, variable: Variable, found: VariableChanges) -> bool:
    return name not in found.secret and _is_simple(variable)


def _is_simple(variable: Variable) -> bool:
    texts = (variable.value or "", variable.default or "")
    return (
        variable.type_name is not None
        and _TYPES.fullmatch(variable.type_name) is not None
        and max(map(len, texts)) <= _LONGEST
    )


def _without_identity(variable: Variable) -> Variable:
    """Return a variable that is equal to another one of the same value, if that can be told."""
    return variable._replace(identity="") if variable.type_name is not None else variable


def _text(variable: Variable) -> str:
    """Return a variable without its identity, as a record has it."""
    return json.dumps(variable[1:])


def _variable(text: str) -> Variable | None:
    """Return the variable of a record, None if it is not right."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if (
        not isinstance(found, list)
        or len(found) != 3
        or not all(part is None or isinstance(part, str) for part in found)
    ):
        return None
    variable = Variable("", *found)
    return variable if _is_simple(variable) else None


def _declare(spark: SparkSession, name: str, variable: Variable) -> None:
    maker = load_java(spark, _DECLARE)
    maker.declare(spark._jsparkSession, name, variable.type_name, variable.value, variable.default)


def _drop(spark: SparkSession, name: str) -> None:
    load_java(spark, _DECLARE).drop(spark._jsparkSession, name)


def _lost_name(name: str) -> str:
    return f"variable {quote(name)}"


SESSION_VARIABLES = SessionVariables()
