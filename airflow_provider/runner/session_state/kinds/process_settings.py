"""Settings of the process that are plain data, so that a record may bring them back: locale and recursion limit."""

from __future__ import annotations

import locale
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider.errors import NotRestoredError
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
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCALE, _LIMIT = "locale", "recursion limit"
_NAMES = re.compile(r"[\w.@;=-]{1,1000}")
_LIMITS = range(100, 10_001)
"""Recursion limits that a record may set: with a higher one the process could die instead of raising an error."""


def _set_locale(value: str) -> None:
    try:
        locale.setlocale(locale.LC_ALL, value)
    except locale.Error as error:
        raise NotRestoredError(f"the locale {shown(value)!r} cannot be set here: {error}") from error


_SET: Mapping[str, Callable[[str], None]] = MappingProxyType(
    {_LOCALE: _set_locale, _LIMIT: lambda value: sys.setrecursionlimit(int(value))}
)


class ProcessSettings(SessionStateKind[Mapping[str, str], Mapping[str, str]]):
    """What ``locale.setlocale`` and ``sys.setrecursionlimit`` change."""

    name = "process settings"
    shared = True

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        return {_LOCALE: locale.setlocale(locale.LC_ALL), _LIMIT: str(sys.getrecursionlimit())}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[str, str]:
        old, new = before.of(self), after.of(self)
        return {name: value for name, value in new.items() if old[name] != value}

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        for name, value in before.of(self).items():
            if now.of(self)[name] != value:
                _SET[name](value)

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = {name: why for name, value in changes.of(self).items() if (why := _rejection(name, value))}
        return Assessment(
            {name: why for name, why in found.items() if name == _LIMIT}, changes_answers=found.get(_LOCALE)
        )

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = {name: value for name, value in changes.of(self).items() if not (kept and _rejection(name, value))}
        return RecordedPart(lost=assessment.lost, own=found or None)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.parts.get(self.name))

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        found = record.parts.get(self.name)
        if found is not None and not isinstance(found, dict):
            yield "its process settings are no settings"
        elif found:
            yield from filter(None, (_rejection(name, value) for name, value in found.items()))

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for name, value in self._recorded(record).items():
            _SET[name](value)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        there = outcome.after.of(self)
        for name, value in self._recorded(recorded).items():
            if there.get(name) != value:
                yield f"the {name} is {there.get(name)}, it was {shown(value)}"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(self._recorded(record))

    def _recorded(self, record: SessionStateRecord) -> Mapping[str, str]:
        found = record.parts.get(self.name)
        return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _rejection(name: str, value: object) -> str | None:
    """Return why a record must not set it, None if it may."""
    text = str(value)
    if name == _LOCALE:
        return None if _NAMES.fullmatch(text) else f"its locale {shown(text)!r} is not the name of one"
    if name != _LIMIT:
        return f"{shown(name)!r} is no setting of the process"
    allowed = text.isascii() and text.isdigit() and len(text) < 7 and int(text) in _LIMITS
    return (
        None
        if allowed
        else f"changed the recursion limit to {shown(text)}, and a record sets none beyond {_LIMITS[-1]}"
    )


PROCESS_SETTINGS = ProcessSettings()
