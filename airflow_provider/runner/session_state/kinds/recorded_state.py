"""What the record of a component's session state says, asked of every kind. Views come first."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.kind_context import MissingState, RecordLimits, SavedStorage


def left_something(record: SessionStateRecord) -> bool:
    """Return whether a later component may need what a component left."""
    if record.handling == "none":
        return False
    return record.handling in ("replay", "unrepeatable") or any(kind.is_recorded(record) for kind in kinds.KINDS)


def left_names(record: SessionStateRecord) -> list[str]:
    """Return the names of all that a component left for others."""
    return list(dict.fromkeys(name for kind in reversed(kinds.KINDS) for name in kind.names(record)))


def reject_record(record: SessionStateRecord, limits: RecordLimits) -> str | None:
    """Return why the session state of a component must not be restored, None if it may."""
    return next(_rejections(record, limits), None)


def record_damage(record: SessionStateRecord, storage: SavedStorage) -> str | None:
    """Return what is wrong with what was saved of a component, None if nothing is."""
    return next(filter(None, (kind.damage(record, storage) for kind in kinds.KINDS)), None)


def missing_state(record: SessionStateRecord) -> list[MissingState]:
    """Return what of a component's session state a record does not bring back, if it is restored."""
    found = {missing.name: missing for kind in kinds.KINDS for missing in kind.missing(record)}
    others = (MissingState(name, why) for name, why in record.lost.items() if name not in found)
    return [*found.values(), *others]


def restored_in_words(record: SessionStateRecord) -> str:
    """Return what a record brings back, for the log; empty if nothing."""
    return "; ".join(filter(None, (kind.restored_words(record) for kind in reversed(kinds.KINDS))))


def restored_in_brief(record: SessionStateRecord) -> str:
    """Return the same for a table: sizes and numbers."""
    return ", ".join(filter(None, (kind.brief_words(record) for kind in reversed(kinds.KINDS))))


def _rejections(record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
    for kind in reversed(kinds.KINDS):
        yield from kind.rejections(record, limits)
