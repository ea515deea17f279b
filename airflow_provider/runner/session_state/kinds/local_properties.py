"""Local properties of the thread that runs components: what Spark sends with each job of it.

Without one there may be another answer and no error: tasks read the author's own ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider.masking import looks_secret
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_parts import (
    changed_values,
    compared_values,
    recorded_values,
    values_for_record,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OF_SPARK = re.compile(
    r"callSite\..*|spark\.(sql\.execution\..*|rdd\.scope.*|job\.tags|job\.interruptOnCancel|jobGroup\.id)"
    r"|(sql\.streaming|streaming\.sql)\..*"
)
"""What Spark sets itself, and what only says which jobs are cancelled together."""

_LABELS = {"spark.scheduler.pool", "spark.job.description"}
_LONGEST = 10_000


@dataclass(frozen=True)
class PropertyChanges:
    """What a component did to local properties.

    :param values: those that it changed; None for one that it removed
    :param secret: names of changed ones whose value must not be recorded
    """

    values: dict[str, str | None]
    secret: list[str]


class LocalProperties(SessionStateKind[Mapping[str, str], PropertyChanges]):
    """What ``setLocalProperty`` and ``setJobDescription`` leave, without what Spark and this package set."""

    name = "local properties"
    of_thread = True
    jvm_section = """
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.spark.sql.classic.SparkSession;

public class LocalProperties implements java.util.function.Function {
    public Object apply(Object session) {
        Properties properties = ((SparkSession) session).sparkContext().getLocalProperties();
        Map found = new HashMap();
        for (java.util.Iterator names = properties.stringPropertyNames().iterator(); names.hasNext();) {
            String name = (String) names.next();
            found.put(name, properties.getProperty(name));
        }
        return found;
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        if look.sections is None:
            return {}  # a client of Spark Connect has none
        return {name: text for name, text in look.sections[self.name].items() if not _OF_SPARK.fullmatch(name)}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> PropertyChanges:
        old, new = before.of(self), after.of(self)
        values = {name: new.get(name) for name in changed_values(old, new)}
        secret = {name for name, value in values.items() if looks_secret(name, value, {})}
        return PropertyChanges(
            {name: value for name, value in values.items() if name not in secret},
            sorted(secret),
        )

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        old = before.of(self)
        for name in changed_values(old, now.of(self)):
            _change(spark, name, old.get(name))

    def carry(self, left: Mapping[str, str | None], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        for name, value in left.items():
            _change(target, name, value)
        return {}

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = changes.of(self)
        reasons = [
            *(f"changed local property {name!r}, which looks like a secret" for name in found.secret),
            *(why for name, value in found.values.items() if (why := _reject(name, value)) is not None),
        ]
        return Assessment(changes_answers=next(iter(reasons), None))

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        restorable = {name: value for name, value in found.values.items() if _reject(name, value) is None}
        return RecordedPart(own=values_for_record(found.values, found.secret, restorable))

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(self.names(record))

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for name, value in recorded_values(self, record, "restored").items():
            if (why := _reject(name, value)) is not None:
                yield why

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for name, value in recorded_values(self, record, "restored").items():
            _change(target.spark, name, value)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        left = outcome.left.of(self)
        now = outcome.after.of(self)
        there: dict[str, str | None] = dict(now.items())
        for what in compared_values(self, recorded, there, {*left.values, *left.secret}):
            yield f"local property {what}"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "compared"))

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "restored"))


def _reject(name: str, value: str | None) -> str | None:
    """Return why a local property must not come from a record, None if it may: Spark must not know its name."""
    if _OF_SPARK.fullmatch(name) or (name.lower().startswith("spark.") and name not in _LABELS):
        return f"local property {shown(name)!r} means something to Spark, so it is not restored from a record"
    if value is not None and len(value) > _LONGEST:
        return f"local property {shown(name)!r} has {len(value):,} characters, too many to restore"
    return None


def _change(spark: SparkSession, name: str, value: str | None) -> None:
    spark.sparkContext.setLocalProperty(name, value)


LOCAL_PROPERTIES = LocalProperties()
