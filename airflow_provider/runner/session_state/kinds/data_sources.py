"""Python data sources. Their code cannot be recorded: a component that registers one is replayed, or they are lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_parts import recorded_names
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.jvm_helpers import load_java
from airflow_provider.runner.session_state.probes.session_look import SessionLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_CARRIER = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;

public class DataSourceCarrier {
    public void carry(SparkSession origin, SparkSession target, String names) throws Exception {
        Map there = sources(origin);
        String[] all = (String[]) new ObjectMapper().readValue(names, String[].class);
        for (int i = 0; i < all.length; i++) {
            sources(target).put(all[i], there.get(all[i]));
        }
    }

    private static Map sources(SparkSession session) throws Exception {
        Object manager = session.sessionState().dataSourceManager();
        Field registered = manager.getClass().getDeclaredField("runtimeDataSourceBuilders");
        registered.setAccessible(true);
        return (Map) registered.get(manager);
    }
}
"""


@dataclass(frozen=True)
class SourceChanges:
    """Which data sources a component registered.

    :param registered: their names
    :param replaced: those of them that the session had before
    """

    registered: list[str]
    replaced: list[str]


class DataSources(SessionStateKind[Mapping[str, str], SourceChanges]):
    """What ``spark.dataSource.register`` leaves."""

    name = "data sources"
    jvm_section = """
import java.lang.reflect.Field;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;

public class DataSources implements java.util.function.Function {
    private Field registered;

    public Object apply(Object session) {
        Object manager = ((SparkSession) session).sessionState().dataSourceManager();
        Map found = new HashMap();
        try {
            if (registered == null) {
                registered = manager.getClass().getDeclaredField("runtimeDataSourceBuilders");
                registered.setAccessible(true);
            }
            Map sources = (Map) registered.get(manager);
            for (java.util.Iterator entries = sources.entrySet().iterator(); entries.hasNext();) {
                Map.Entry entry = (Map.Entry) entries.next();
                found.put(entry.getKey(), SessionContents.identity(entry.getValue()));
            }
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
        return found;
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        return look.sections[self.name] if look.sections is not None else {}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> SourceChanges:
        old, new = before.of(self), after.of(self)
        registered = sorted(name for name, identity in new.items() if old.get(name) != identity)
        return SourceChanges(registered, [name for name in registered if name in old])

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        return name in [_lost_name(there) for there in snapshot.of(self)]

    def is_missed(self, name: str, error: str) -> bool:
        if "DATA_SOURCE_NOT_FOUND" not in error:
            return False
        return name.lower() in {_lost_name(word).lower() for word in re.findall(r"[\w-]+", error)}

    def carry(self, left: Mapping[str, str | None], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        load_java(target, _CARRIER).carry(origin._jsparkSession, target._jsparkSession, json.dumps(list(left)))
        return {}

    def leaves_code(self, changes: SessionChanges) -> bool:
        return bool(changes.of(self).registered)

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = changes.of(self)
        registered = changes.statements.registered or found.registered
        why = f"registered data source {', '.join(map(repr, registered))}, whose code cannot be saved"
        return Assessment(
            lost={_lost_name(name): why for name in registered},
            changes_answers=(
                f"registered data source {', '.join(map(repr, found.replaced))}, whose code cannot be saved and "
                "replaces another one"
                if found.replaced
                else None
            ),
        )

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        return RecordedPart(lost=assessment.lost, own=changes.of(self).registered or None)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(recorded_names(self, record))

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        """Nothing: they are lost, or their component runs again."""

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        known, there = recorded_names(self, recorded), outcome.after.of(self)
        for name in known:
            if name not in there:
                yield f"data source {name!r} is missing"
        for name in outcome.left.of(self).registered:
            if name not in known:
                yield f"data source {name!r} is new"

    def names(self, record: SessionStateRecord) -> list[str]:
        return recorded_names(self, record)

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return []  # a record brings none back


def _lost_name(name: str) -> str:
    return f"data source {quote(name)}"


DATA_SOURCES = DataSources()
