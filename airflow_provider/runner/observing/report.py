"""Text for people: tables and durations for the log and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from rich.cells import cell_len

from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus, PipelineResult
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.planning.reasons import Reason
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.progress_record import SparkCosts
from airflow_provider.runner.session_state.kinds.recorded_state import restored_in_brief
from airflow_provider.runner.session_state.kinds.session_state_kind import counted
from airflow_provider.runner.session_state.saved.files import readable_size

_GAP = "   "

Row = TypeVar("Row")


def duration(seconds: float) -> str:
    """Return a duration that reads well: ``0.4 s``, ``3 min 05 s``, ``6 h 02 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table.

    :param title: its title
    :param cell: returns the text for a row
    :param optional: whether the table leaves it out when it is empty in every row
    """

    title: str
    cell: Callable[[Row], str]
    optional: bool = False


def plan_table(plan: RunPlan) -> list[str]:
    """Return the lines of a table: component, action, why, and what is restored if anything is."""
    return table_of(_PLAN_COLUMNS, plan.decisions)


def only_reason(plan: RunPlan) -> Reason | None:
    """Return the reason for which all of several components run, None if they differ or not all run.

    :param plan: the plan
    """
    first, *others = plan.decisions
    same = all((other.action, other.reason) == (first.action, first.reason) for other in others)
    return first.reason if others and same and first.action is Action.RUN else None


def result_table(result: PipelineResult) -> list[str]:
    """Return the lines of a table: component, action, outcome, own time, and that of saving or restoring if any was.

    If some ran side by side, it says from when to when each of them ran, since the attempt began.
    """
    columns = [column for column in _RESULT_COLUMNS if column not in _WHEN or result.ran_side_by_side]
    return table_of(columns, result.component_results)


def table_of(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table.

    :param columns: the columns, from left to right
    :param rows: what each row is about
    """
    shown = [column for column in columns if not column.optional or any(map(column.cell, rows))]
    return table([column.title for column in shown], ([column.cell(row) for column in shown] for row in rows))


def time_line(result: PipelineResult) -> str:
    """Return where the attempt's time went: ``components 40.1 s, saving session state 18.2 s, the rest 0.3 s``.

    If some components ran side by side: ``components 41.0 s of work in 17.2 s, the rest 0.3 s``.
    """
    names = {
        "components": "components",
        "saving": "saving session state",
        "restoring": "restoring session state",
        "spark_start": "starting Spark",
        "rest": "the rest",
    }
    if result.ran_side_by_side:
        names["components"] = f"components {duration(result.work_seconds)} of work in"
    kinds = result.seconds_by_kind.items()
    return ", ".join(f"{names[kind]} {duration(seconds)}" for kind, seconds in kinds if seconds or kind == "components")


def checkpoints_table(states: Iterable[CheckpointState]) -> list[str]:
    """Return the lines of a table with a row for each checkpoint, the one that changed last at the end."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return table(
        ("run id", "pipeline", "dag/task/map index", "status", "complete", "attempt", "changed"),
        (
            (
                state.run_id,
                state.pipeline_name,
                "/".join(state.scope) or "-",
                state.status,
                f"{len(state.completed_components)} of {len(state.fields)}",
                str(state.attempt),
                f"{state.updated_at:%Y-%m-%d %H:%M:%S} UTC" if state.updated_at else "-",
            )
            for state in sorted(states, key=lambda state: state.updated_at or long_ago)
        ),
    )


def checkpoint_lines(state: CheckpointState) -> list[str]:
    """Return what a checkpoint says.

    That is a line about the run, a table with a row for each component, and a line for each request to restart.
    """
    head = f"run {state.run_id!r}, pipeline {state.pipeline_name!r}: {state.status}, attempt {state.attempt}"
    rows = []
    for name in [*state.completed_components, *(n for n in state.fields if n not in state.completed_components)]:
        record = state.components.get(name)
        if record is None:
            status = "failed" if name == state.failed_component else "not completed"
            rows.append((name, "completed" if name in state.completed_components else status, "", "", ""))
            continue
        kept = record.session_state
        left = f"{kept.handling}: {kept.reason}" if kept else ""
        rows.append((name, "completed", str(record.attempt), duration(record.duration_seconds), left))
    requests = [f"restart request: {request}" for request in state.requests]
    return [head, *table(("component", "status", "attempt", "time", "session state"), rows), *requests]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table with aligned columns, whatever the width of the characters."""
    # A name is data: a line break in it must not break the table.
    grid = [tuple(header), *(tuple(" ".join(cell.splitlines()) for cell in row) for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*grid, strict=True)]
    lines = [
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in grid
    ]
    return [lines[0], "─" * (sum(widths) + len(_GAP) * (len(widths) - 1)), *lines[1:]]


def rows_and_size(count: int | None, size: int | None) -> str:
    """Return a number of rows and of bytes: ``1,200,000 (34.0 MB)``; empty for none."""
    parts = [f"{count:,}"] if count else []
    parts += [f"({readable_size(size)})" if parts else readable_size(size)] if size else []
    return " ".join(parts)


def _to_restore(decision: Decision) -> str:
    state = decision.session_state
    if state is None:
        return ""
    if decision.action is Action.REPLAY and state.left_views:
        how = "by SQL text" if state.late_bound else "made again"
        return f"{counted(len(state.left_views), 'views')} {how}, as of now"
    return restored_in_brief(state) if decision.restore else ""


def _state_time(result: ComponentResult) -> str:
    times = (("restored in", result.restoring_seconds), ("saved in", result.saving_seconds))
    return ", ".join(f"{what} {duration(seconds)}" for what, seconds in times if round(seconds, 1))


def _outcome(result: ComponentResult) -> str:
    if result.status is ComponentStatus.NOT_RUN:
        return f"not run: {result.reason}"
    if result.status is ComponentStatus.FAILED:
        return "FAILED"
    if result.retries:
        return f"completed after {result.retries} own {'retry' if result.retries == 1 else 'retries'}"
    return "completed" if result.duration_seconds else "completed earlier"


def _time(result: ComponentResult) -> str:
    if result.seconds_saved:
        return f"{duration(result.seconds_saved)} saved"
    return duration(result.duration_seconds) if result.duration_seconds else "-"


def _cost_column(title: str, cell: Callable[[SparkCosts], str]) -> Column[ComponentResult]:
    return Column[ComponentResult](title, lambda r: cell(r.usage.costs) if r.usage else "", optional=True)


def _size(size: int | None) -> str:
    return readable_size(size) if size else ""


_PLAN_COLUMNS = (
    Column[Decision]("component", lambda decision: decision.component),
    Column[Decision]("action", lambda decision: decision.action.value),
    Column[Decision]("why", lambda decision: str(decision.reason)),
    Column[Decision]("to restore", _to_restore, optional=True),
)

_WHEN = (
    Column[ComponentResult]("from", lambda r: duration(r.ran_during.start) if r.ran_during else "", optional=True),
    Column[ComponentResult]("to", lambda r: duration(r.ran_during.end) if r.ran_during else "", optional=True),
)
"""Only for an attempt in which some components ran side by side."""

_RESULT_COLUMNS = (
    Column[ComponentResult]("component", lambda result: result.component_name),
    Column[ComponentResult]("action", lambda result: result.action.value),
    Column[ComponentResult]("outcome", _outcome),
    Column[ComponentResult]("time", _time),
    *_WHEN,
    Column[ComponentResult]("session state", _state_time, optional=True),
    _cost_column("rows read", lambda costs: rows_and_size(costs.input_rows, costs.input_bytes)),
    _cost_column("rows written", lambda costs: rows_and_size(costs.output_rows, costs.output_bytes)),
    _cost_column("shuffled", lambda costs: _size(costs.shuffle_write_bytes)),
    _cost_column("spilled", lambda costs: _size(costs.spilled_bytes)),
)
"""The last table of the log. A new column is a line here, and a property of :class:`ComponentResult` if it takes more
than a line to work out."""
