"""Settings of the session, such as ``spark.sql.shuffle.partitions``.

Not all of them may come from a record, which people can edit; a component that changes one of these is replayed, or the
setting is lost. Without a setting there may be another answer and no error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.application import SessionSettings
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.saved.session_calls import change_setting
from airflow_provider.runner.session_state.trusted.trusted_settings import (
    COPIED,
    reject_setting,
    reject_setting_in_session,
    reject_unknown_setting,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CATALOG = re.compile(r"spark\.sql\.catalog\.(\w+)(\..*)?")
"""Settings that make a catalog known: without them its names lead nowhere."""


@dataclass(frozen=True)
class SettingChanges:
    """What a component did to settings.

    :param values: those that it changed; None for one that it unset
    :param secret: names of changed settings whose value must not be recorded
    :param replaced: those of both that the session had before
    """

    values: dict[str, str | None]
    secret: list[str]
    replaced: frozenset[str]


class SqlSettings(SessionStateKind[Mapping[str, str], SettingChanges]):
    """What ``SET`` and ``spark.conf.set`` change, without what belongs to the application."""

    name = "settings"
    jvm_section = """
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;
import scala.Tuple2;
import scala.collection.Iterator;

public class SqlSettings implements java.util.function.Function {
    public Object apply(Object session) {
        Map found = new LinkedHashMap();
        Iterator entries = ((SparkSession) session).sessionState().conf().getAllConfs().iterator();
        while (entries.hasNext()) {
            Tuple2 entry = (Tuple2) entries.next();
            found.put(entry._1(), entry._2());
        }
        return found;
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        spark = look.spark
        if look.sections is not None:
            found = look.sections[self.name]
        else:
            found = {str(key): str(value) for key, value in spark.conf.getAll.items()}
        settings = look.memory.get(self.name)
        if settings is None:
            is_registered = _registry(spark) if look.sections is not None else lambda key: False
            settings = look.memory[self.name] = SessionSettings(found, spark.conf.isModifiable, is_registered)
        own: dict[str, str] = settings.of(found)
        return own

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> SettingChanges:
        old, new = before.of(self), after.of(self)
        values: dict[str, str | None] = {key: value for key, value in new.items() if old.get(key) != value}
        values |= {key: None for key in old if key not in new}
        secret = {key for key, value in values.items() if looks_secret(key, value, new)}
        return SettingChanges(
            values={key: value for key, value in values.items() if key not in secret},
            secret=sorted(secret),
            replaced=frozenset(values.keys() & old.keys()),
        )

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        old, new = before.of(self), now.of(self)
        for key, value in old.items():
            if new.get(key) != value:
                change_setting(spark, key, value)
        for key in new.keys() - old.keys():
            change_setting(spark, key, None)

    def carry(self, left: Mapping[str, str | None], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        for key, value in left.items():
            change_setting(target, key, value)
        return {}

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found, spark = changes.of(self), session.spark
        lost = {f"setting {key!r}": _secret(key) for key in found.secret if not key.startswith(COPIED)}
        for key, value in found.values.items():
            if catalog := _CATALOG.fullmatch(key):
                lost.setdefault(f"catalog {quote(catalog[1])}", reject_setting(key, value) or f"changed {key!r}")
        better = [
            why
            for key, value in found.values.items()
            if (why := reject_setting(key, value) or reject_unknown_setting(spark, key)) is not None
        ]
        return Assessment(lost, _changes_answers(found, spark), (*better, *map(_secret, found.secret)))

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        return RecordedPart({"settings": _restorable(found.values) if kept else found.values}, assessment.lost)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.settings)

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for key, value in record.settings.items():
            spark = limits.spark
            why = reject_setting(key, value) if spark is None else reject_setting_in_session(spark, key, value)
            if why is not None:
                yield why

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for key, value in record.settings.items():
            if value is None:
                target.spark.conf.unset(key)
            else:
                target.spark.conf.set(key, value)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        there = outcome.after.of(self)
        for key, value in recorded.settings.items():
            if there.get(key) != value:
                yield f"setting {key!r} has another value"
        for key in outcome.left.of(self).values:
            if key not in recorded.settings:
                yield f"setting {key!r} changed, too"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(record.settings)


def _registry(spark: SparkSession) -> Callable[[str], bool]:
    """Return what tells whether Spark knows a setting at all; a client of Spark Connect cannot ask for that."""
    entries: Any = spark._jvm.org.apache.spark.internal.config.ConfigEntry
    return lambda key: entries.findEntry(key) is not None


def _restorable(settings: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the settings that a record may have to bring back."""
    return {key: value for key, value in settings.items() if not key.startswith(COPIED) and not _CATALOG.fullmatch(key)}


def _changes_answers(found: SettingChanges, spark: SparkSession) -> str | None:
    """Return what later components might lack without an error, and why it cannot be recorded; None if nothing."""
    if secret := [key for key in found.secret if key in found.replaced and not key.startswith(COPIED)]:
        return _secret(secret[0])
    settings = _restorable(found.values)
    settings |= {key: value for key, value in found.values.items() if key in found.replaced and _CATALOG.fullmatch(key)}
    reasons = (reject_setting_in_session(spark, key, value) for key, value in settings.items())
    return next(filter(None, reasons), None)


def _secret(key: str) -> str:
    return f"changed {key!r}, which looks like a secret and is not recorded"


SQL_SETTINGS = SqlSettings()
