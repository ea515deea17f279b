"""Reads what kinds without a field of their own keep in ``parts`` of a record, which people may have edited."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionStateKind


def recorded_names(kind: SessionStateKind[Any, Any], record: SessionStateRecord) -> list[str]:
    """Return the texts of a list; empty if there is none."""
    found = record.parts.get(kind.name)
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def recorded_values(kind: SessionStateKind[Any, Any], record: SessionStateRecord, field: str) -> dict[str, str | None]:
    """Return one mapping of names to texts, or to None; empty if there is none."""
    part = record.parts.get(kind.name)
    found = part.get(field) if isinstance(part, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {str(name): value for name, value in found.items() if value is None or isinstance(value, str)}


def changed_values(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names whose text differs, sorted."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def values_for_record(
    values: Mapping[str, str | None], secret: Iterable[str], restorable: Mapping[str, str | None]
) -> dict[str, Any] | None:
    """Return what a record says of changed values: those to restore, and of all of them enough to compare.

    :param values: all that may be recorded; None for what was removed
    :param secret: names of those of which nothing but the name may be recorded
    :param restorable: those that may come from a record
    """
    compared: dict[str, str | None] = {name: None if value is None else _hash(value) for name, value in values.items()}
    compared |= dict.fromkeys(secret, "")
    return {"restored": dict(restorable), "compared": compared} if compared else None


def compared_values(
    kind: SessionStateKind[Any, Any],
    record: SessionStateRecord,
    now: Mapping[str, str | None],
    changed: Collection[str],
) -> Iterator[str]:
    """Yield what differs after a replay, in words.

    :param now: the values that there are
    :param changed: the names of what the replay changed
    """
    compared = recorded_values(kind, record, "compared")
    for name, hashed in compared.items():
        value = now.get(name)
        same = value is not None if hashed == "" else (None if value is None else _hash(value)) == hashed
        if not same:
            yield f"{name!r} has another value"
    for name in changed:
        if name not in compared:
            yield f"{name!r} changed, too"


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]
