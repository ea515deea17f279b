"""The current catalog and database: where a name without them leads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
    counted,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.saved.session_calls import make_current
from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# As Spark writes them: parts of letters, digits, _ and -, or in backticks.
_PART = r"(?:[\w-]+|`(?:[^`]|``)+`)"
_IDENTIFIER = re.compile(rf"{_PART}(?:\.{_PART})*")


class CurrentPlace(NamedTuple):
    """Where unqualified names lead."""

    catalog: str
    database: str

    def __str__(self) -> str:
        return f"{self.catalog}.{self.database}"


class CurrentDatabase(SessionStateKind[CurrentPlace, CurrentPlace | None]):
    """What ``USE`` and ``SET CATALOG`` change."""

    name = "current database"
    jvm_section = """
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;

public class CurrentDatabase implements java.util.function.Function {
    public Object apply(Object session) {
        Map found = new HashMap();
        found.put("catalog", ((SparkSession) session).catalog().currentCatalog());
        found.put("database", ((SparkSession) session).catalog().currentDatabase());
        return found;
    }
}
"""

    def unseen(self) -> CurrentPlace:
        return CurrentPlace("", "")

    def capture(self, look: SessionLook) -> CurrentPlace:
        if look.sections is not None:
            return CurrentPlace(**look.sections[self.name])
        return CurrentPlace(look.spark.catalog.currentCatalog(), look.spark.catalog.currentDatabase())

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> CurrentPlace | None:
        return after.of(self) if before.of(self) != after.of(self) else None

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        if before.of(self) != now.of(self) and before.of(self).database:
            make_current(spark, *before.of(self))

    def fill_clone(self, origin: SparkSession, clone: SparkSession) -> None:
        catalog = origin.catalog.currentCatalog()
        if clone.catalog.currentCatalog() != catalog:  # Spark copies the current database of its own catalog only
            make_current(clone, catalog, origin.catalog.currentDatabase())

    def carry(self, left: Mapping[str, CurrentPlace], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        for place in left.values():
            make_current(target, *place)
        return {}

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        place = changes.of(self)
        return RecordedPart(place._asdict() if place is not None else {})

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return record.database is not None

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for what, name in (("catalog", record.catalog), ("database", record.database)):
            if name is not None and not _IDENTIFIER.fullmatch(name):
                yield f"its current {what} {shown(name)!r} is not a name"

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        if (place := self.recorded_place(record)) is not None:
            make_current(target.spark, *place)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        place, there = self.recorded_place(recorded), outcome.after.of(self)
        if place is not None and there != place:
            yield f"the current database is {there}, it was {place}"

    def names(self, record: SessionStateRecord) -> list[str]:
        place = self.recorded_place(record)
        return [str(place)] if place is not None else []

    def brief_words(self, record: SessionStateRecord) -> str:
        return counted(len(self.names(record)), "databases")

    def recorded_place(self, record: SessionStateRecord) -> CurrentPlace | None:
        """Return where a component moved, None if it did not."""
        if record.catalog is None or record.database is None:
            return None
        return CurrentPlace(record.catalog, record.database)


CURRENT_DATABASE = CurrentDatabase()
