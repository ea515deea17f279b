"""The details of one component in a progress document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.masking import mask
from airflow_provider.runner.observing.progress_budget import cut_text, storable
from airflow_provider.runner.record.progress_record import ProgressRow, without_nothing
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds import TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionStateKind
from airflow_provider.runner.session_state.kinds.temp_views import lost_view

_MOST_ITEMS = 20
_LONGEST_NAME = 200
_LONGEST_TEXT = 600
_DIGITS = 12

_KEPT = {"kept": "recorded", "replay": "replayed", "unrepeatable": "not kept", "none": "not kept"}
"""How what a component left comes back, by the handling of its record."""


@lru_cache(maxsize=4096)
def shown(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return a text for people: without secrets, storable, and not too long."""
    return cut_text(storable(mask(text)), longest)


def component_details(row: ProgressRow, fingerprint: str | None) -> dict[str, Any]:
    """Return what is known of a component beside its place in the columns; empty if nothing.

    :param fingerprint: of its config
    """
    code = row.code
    found: dict[str, Any] = {
        "saving_seconds": round(row.saving_seconds, 1) or None,
        "restoring_seconds": round(row.restoring_seconds, 1) or None,
        "retries": row.retries or None,
        "costs": row.costs.to_json() if row.costs is not None else None,
        "against_usual": shown(row.against_usual),
        "suspicion": {"kind": row.suspicion.kind, "text": shown(row.suspicion.text)} if row.suspicion else None,
        "left": _left(row.session_state) if row.session_state is not None else None,
        "sources": [shown(name, _LONGEST_NAME) for name in row.sources[:_MOST_ITEMS]] or None,
        "config": fingerprint and fingerprint[:_DIGITS],
        "code": _code_fingerprint(json.dumps([code.functions, code.constants], sort_keys=True)) if code else None,
        "changed": [shown(name, _LONGEST_NAME) for name in row.changed[:_MOST_ITEMS]] or None,
        "sql": row.sql,
    }
    return without_nothing(found)


def _left(record: SessionStateRecord) -> list[dict[str, Any]] | None:
    """Return what a component left in the session, and how each of it comes back."""
    order = sorted(kinds.KINDS, key=lambda kind: kind is not TEMP_VIEWS)
    try:
        found = [item for kind in order for item in _left_of(kind, record)]
    except Exception as error:  # noqa: BLE001 - a record may have been edited by hand, and this only shows it
        return [{"kind": "unknown", "kept": "not kept", "why": describe(error)}]
    return found[:_MOST_ITEMS] or None


def _left_of(kind: SessionStateKind[Any, Any], record: SessionStateRecord) -> Iterator[dict[str, Any]]:
    missing = {item.name: item.why for item in kind.missing(record)} if record.handling == "kept" else {}
    saved = {str(view.view): view for view in record.views} if kind is TEMP_VIEWS else {}
    called = {str(view): lost_view(view) for view in record.left_views} if kind is TEMP_VIEWS else {}
    names = list(kind.names(record))[:_MOST_ITEMS]
    for name in names:
        view, why = saved.get(name), missing.pop(called.get(name, name), None)
        item = {"kind": kind.name, "name": shown(name, _LONGEST_NAME)}
        if view is not None:
            pinned = "a copy as of then, which followed its sources" if view.live else "a copy as of then"
            yield item | {"kept": "saved", "why": shown(record.reason), "pinned": pinned, "bytes": view.bytes}
        elif why is not None:
            yield item | {"kept": "not kept", "why": shown(why)}
        else:
            late = {"pinned": "reads what is there now"} if record.late_bound and kind is TEMP_VIEWS else {}
            yield item | {"kept": _KEPT[record.handling], "why": shown(record.reason)} | late
    for name, why in missing.items():
        yield {"kind": kind.name, "name": shown(name, _LONGEST_NAME), "kept": "not kept", "why": shown(why)}


@lru_cache(maxsize=2000)
def _code_fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
