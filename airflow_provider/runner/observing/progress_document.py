"""Makes one small JSON document of an attempt's progress: format 1, in columns, without nulls, at most 48 kB.

It holds what every reader needs first: the attempt, the columns, the reasons. What is left of the budget goes to the
newest requests, to what the next attempt would do, to earlier attempts and to the details of components. If even the
columns are too large, times are rounded, then reasons and names are cut, then completed components are folded into a
number, and at last waiting ones from the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider.runner.observing.progress_budget import add_as_many_as_fit, cut_names, json_size
from airflow_provider.runner.observing.progress_details import component_details, shown
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.progress_record import (
    NOT_KNOWN,
    PROGRESS_FORMAT,
    AttemptOverview,
    ProgressAction,
    ProgressRow,
    ProgressSnapshot,
    ProgressState,
    without_nothing,
)

LARGEST = 48_000
"""Characters of JSON; Airflow's REST API refuses a row of more than 65,535."""

_LONGEST_TEXT = 4_000
_MOST_REQUESTS = 10
_MOST_ROWS = 1_600  # more never fit: a row takes 30 characters
ACTIONS = {
    Action.RUN: ProgressAction.RUN,
    Action.REUSE: ProgressAction.REUSE,
    Action.REPLAY: ProgressAction.REPLAY,
}
_DONE = (ProgressState.COMPLETED, ProgressState.REUSED, ProgressState.REPLAYED)
_FIRST = (ProgressState.FAILED, ProgressState.RUNNING)

_SQUEEZES: tuple[tuple[int, int, bool], ...] = (
    (1_000, 1_200, False),
    (300, 1_200, True),
    (300, 300, True),
    (100, 60, True),
    (60, 36, True),
)
"""Most characters of a reason and of a name, and whether times are rounded; the first that is small enough counts."""


def progress_document(snapshot: ProgressSnapshot, written_at: datetime) -> dict[str, Any]:
    """Return the document. Earlier attempts are added where it is kept, see :func:`with_earlier`.

    :param snapshot: what is known
    :param written_at: the time, with time zone
    """
    kept, folded = _kept_rows(snapshot, written_at)
    document = _squeezed(snapshot, kept, written_at)
    document |= folded
    budget = LARGEST - json_size(document) - 200
    if requests := [without_nothing(_masked(r)) for r in snapshot.requests[:_MOST_REQUESTS]]:
        budget -= add_as_many_as_fit(document, "requests", requests, budget // 4)
    if snapshot.what_if is not None and not folded:
        budget -= _add_what_if(document, snapshot.what_if, budget // 2)
    if details := _details(snapshot, kept, budget):
        document["details"] = details
    return document


def _kept_rows(snapshot: ProgressSnapshot, written_at: datetime) -> tuple[list[int], dict[str, Any]]:
    """Return the places of the components that are in the columns, and what the others are folded into."""
    rows = snapshot.rows
    places = list(range(len(rows)))
    if len(rows) <= _MOST_ROWS and json_size(_squeezed(snapshot, places, written_at)) <= LARGEST - 1_000:
        return places, {}
    completed = [place for place in places if rows[place].state in _DONE]
    others = [place for place in places if rows[place].state not in (*_DONE, *_FIRST)]
    victims = [*completed, *reversed(others)]
    low, high = max(1, len(rows) - _MOST_ROWS), len(victims)
    while low < high:
        middle = (low + high) // 2
        gone = set(victims[:middle])
        kept = [place for place in places if place not in gone]
        fits = json_size(_squeezed(snapshot, kept, written_at, _SQUEEZES[-1:])) <= LARGEST - 2_000
        low, high = (low, middle) if fits else (middle + 1, high)
    gone = set(victims[:low])
    done = [rows[place] for place in gone if rows[place].state in _DONE]
    folded: dict[str, Any] = {
        "folded": len(done),
        "folded_seconds": round(sum(max(0.0, row.seconds) for row in done), 1),
    }
    if len(gone) > len(done):
        folded["folded_waiting"] = len(gone) - len(done)
    return [place for place in places if place not in gone], folded


def _squeezed(
    snapshot: ProgressSnapshot,
    places: Sequence[int],
    written_at: datetime,
    squeezes: Sequence[tuple[int, int, bool]] = _SQUEEZES,
) -> dict[str, Any]:
    """Return the part that every reader needs, as exactly as there is room for."""
    document: dict[str, Any] = {}
    for longest_reason, longest_name, rounded in squeezes:
        rows = [snapshot.rows[place] for place in places]
        document = _head(snapshot, places, written_at, longest_name)
        document |= _columns(rows, places, longest_name, longest_reason, coarse=rounded)
        if json_size(document) <= LARGEST - 2_000:
            break
    return document


def _head(snapshot: ProgressSnapshot, places: Sequence[int], written_at: datetime, longest: int) -> dict[str, Any]:
    return {
        "format": PROGRESS_FORMAT,
        "pipeline": shown(snapshot.pipeline, longest),
        "run_id": shown(snapshot.run_id, longest),
        "written_at": timestamp(written_at),
        "attempt": _attempt(snapshot.attempt, {place: index for index, place in enumerate(places)}),
    }


def _columns(
    rows: Sequence[ProgressRow], places: Sequence[int], longest_name: int, longest_reason: int, *, coarse: bool
) -> dict[str, Any]:
    index_of = {place: index for index, place in enumerate(places)}
    reasons: dict[str, int] = {}
    for row in rows:
        reasons.setdefault(row.reason, len(reasons))
    columns: dict[str, Any] = {
        "names": cut_names([shown(row.name, 12 * len(row.name)) for row in rows], longest_name),
        "needs": [[index_of[place] for place in row.needs if place in index_of] for row in rows],
        "states": "".join(row.state for row in rows),
        "actions": "".join(row.action for row in rows),
        "reason_texts": [shown(reason, longest_reason) for reason in reasons],
        "reasons": [reasons[row.reason] for row in rows],
        "began": [_seconds(row.began, coarse=coarse) for row in rows],
        "seconds": [_seconds(row.seconds, coarse=coarse) for row in rows],
        "folded": 0,
    }
    if any(row.usual_of for row in rows):
        columns["usual"] = [_seconds(row.usual, coarse=coarse) for row in rows]
        columns["usual_of"] = [row.usual_of for row in rows]
    return columns


def _seconds(value: float, *, coarse: bool) -> float:
    if value < 0:
        return int(NOT_KNOWN)
    if coarse:
        return round(value) if value >= 10 else round(value, 1)
    return round(value, 1 if value >= 10 else 2)


def timestamp(at: datetime) -> str:
    """Return a time as the document has it: UTC, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attempt(attempt: AttemptOverview, index_of: Mapping[int, int]) -> dict[str, Any]:
    found = dataclasses.asdict(attempt) | {"error": None, "work": None}
    for name in ("saved_seconds", "spark_seconds"):
        found[name] = found[name] and round(found[name], 1)
    for part in ("error", "work"):
        if (told := getattr(attempt, part)) is not None:
            found[part] = _masked(told) | {"component": index_of.get(told.component)}
    return without_nothing({key: shown(v, _LONGEST_TEXT) if isinstance(v, str) else v for key, v in found.items()})


def _masked(record: Any) -> dict[str, Any]:
    return {
        key: shown(value, _LONGEST_TEXT) if isinstance(value, str) else value
        for key, value in dataclasses.asdict(record).items()
    }


def _details(snapshot: ProgressSnapshot, places: Sequence[int], budget: int) -> dict[str, Any]:
    """Return the details of the components for which there is room: those first that people ask for first."""
    rows = snapshot.rows
    newest = sorted(places, key=lambda place: -rows[place].began)

    def rank(place: int) -> tuple[bool, bool, int, float]:
        row = rows[place]
        is_new = place in newest[:5]
        return (row.state not in _FIRST, row.suspicion is None and not row.against_usual, not is_new, -row.seconds)

    index_of = {place: index for index, place in enumerate(places)}
    found: dict[str, Any] = {}
    for place in sorted(places, key=rank):
        row = rows[place]
        details = component_details(row, snapshot.fingerprints.get(row.name))
        size = json_size(details) + 12
        if size > budget:
            break
        if details:
            found[str(index_of[place])] = details
            budget -= size
    return found


def _add_what_if(document: dict[str, Any], what_if: Mapping[str, Any], budget: int) -> int:
    """Add what the next attempt would do; single requests are left out where there is no room."""
    found = dict(what_if)
    singles = {part: dict(found.pop(part)) for part in ("from", "only") if part in found}
    size = json_size(found) + 60
    if size > budget:
        return 0
    kept: dict[str, dict[str, Any]] = {part: {} for part in singles}
    queues = {part: list(entries.items()) for part, entries in singles.items()}
    while any(queues.values()):
        for part, queue in queues.items():
            if queue:
                key, value = queue.pop(0)
                size += json_size({key: value})
                if size > budget:
                    queues = {}
                    break
                kept[part][key] = value
    document["what_if"] = found | kept
    return json_size(document["what_if"]) + 14
