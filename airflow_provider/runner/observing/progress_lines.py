"""What a progress document says, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.observing.report import Column, duration, rows_and_size, table_of
from airflow_provider.runner.record.progress_record import PROGRESS_FORMAT, ProgressState
from airflow_provider.runner.session_state.saved.files import readable_size

_STATES = {
    ProgressState.WAITING: "waiting",
    ProgressState.RUNNING: "running",
    ProgressState.COMPLETED: "completed",
    ProgressState.REUSED: "reused",
    ProgressState.REPLAYED: "replayed",
    ProgressState.FAILED: "FAILED",
    ProgressState.NOT_RUN: "not run",
    ProgressState.LEFT_OUT: "left out",
}

_NOT_READABLE = "progress: not readable here; it was edited, or a state store backend keeps it elsewhere"


@dataclass(frozen=True)
class ShownComponent:
    """One component of a document.

    :param state: its letter
    :param seconds: how long it took, negative if that is not known
    :param usual: its usual time, negative if there is none
    :param details: see :func:`~airflow_provider.runner.observing.progress_details.component_details`
    """

    name: str
    state: str
    seconds: float
    usual: float
    details: Mapping[str, Any]

    @property
    def costs(self) -> Mapping[str, Any]:
        """What it took of Spark, empty if that is not known."""
        found = self.details.get("costs", {})
        return found if isinstance(found, Mapping) else {}


def progress_lines(document: object) -> list[str]:
    """Return what a document says: the attempt, what each component took, what is unusual; and the attempts before.

    :param document: what is stored; a person may have edited it
    """
    try:
        return list(_lines(document)) if document is not None else []
    except (AttributeError, KeyError, TypeError, ValueError):
        return [_NOT_READABLE]


def _lines(document: Any) -> Iterator[str]:
    if document.get("format") != PROGRESS_FORMAT:
        yield _NOT_READABLE
        return
    yield _attempt_line(document["attempt"])
    components = _components(document)
    yield from table_of(_COLUMNS, components)
    for component in components:
        suspicion = component.details.get("suspicion", {}).get("text")
        told = [component.details.get("against_usual"), suspicion]
        yield from (f"{component.name}: {text}" for text in told if text)
    if document.get("folded"):
        yield f"{document['folded']} more components completed, in {duration(document['folded_seconds'])}"
    yield from (_attempt_line(entry) for entry in document.get("earlier", []))


def _attempt_line(attempt: Mapping[str, Any]) -> str:
    parts = [f"attempt {attempt['number']}: {attempt['state']}, began {attempt['began_at']}"]
    parts += [f"ended {attempt['ended_at']}"] if "ended_at" in attempt else []
    parts += [f"asked for by {attempt['asked_by']}"] if "asked_by" in attempt else []
    parts += [attempt["how"]] if "how" in attempt else []
    parts += [attempt["error"]["headline"]] if "error" in attempt else []
    return "; ".join(parts)


def _components(document: Mapping[str, Any]) -> list[ShownComponent]:
    names, details = document["names"], document.get("details", {})
    usual = document.get("usual", [-1.0] * len(names))
    columns = zip(names, document["states"], document["seconds"], usual, strict=True)
    return [ShownComponent(*known, details.get(str(place), {})) for place, known in enumerate(columns)]


def _state(component: ShownComponent) -> str:
    return _STATES[ProgressState(component.state)]


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 0 else ""


def _size(component: ShownComponent, field: str) -> str:
    return readable_size(component.costs[field]) if component.costs.get(field) else ""


_COLUMNS: Sequence[Column[ShownComponent]] = (
    Column("component", lambda c: c.name),
    Column("state", _state),
    Column("time", lambda c: _time(c.seconds), optional=True),
    Column("usual time", lambda c: _time(c.usual), optional=True),
    Column("CPU", lambda c: _time(c.costs.get("cpu_seconds", -1)), optional=True),
    Column("rows read", lambda c: rows_and_size(c.costs.get("input_rows"), c.costs.get("input_bytes")), optional=True),
    Column(
        "rows written", lambda c: rows_and_size(c.costs.get("output_rows"), c.costs.get("output_bytes")), optional=True
    ),
    Column("shuffled", lambda c: _size(c, "shuffle_write_bytes"), optional=True),
    Column("spilled", lambda c: _size(c, "spilled_bytes"), optional=True),
)
