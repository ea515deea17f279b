"""Rows and snapshots of an attempt's progress."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_provider.runner.record.progress_record import (
    AttemptOverview,
    AttemptState,
    ProgressRow,
    ProgressSnapshot,
    ProgressState,
    SparkCosts,
)

NOW = datetime(2026, 11, 30, 19, 30, 0, 123000, tzinfo=UTC)
COSTS = SparkCosts(*[12345.6] * 2, *[123456789] * 10)


def row(name: str, state: ProgressState = ProgressState.COMPLETED, **fields: Any) -> ProgressRow:
    ended = state is ProgressState.COMPLETED
    known: dict[str, Any] = {"began": 1234.5, "seconds": 12.34, "usual": 11.9, "usual_of": 10, "costs": COSTS}
    return ProgressRow(name, state=state, **{**(known if ended else {}), "reason": "no checkpoint yet", **fields})


def snapshot(rows: list[ProgressRow], **fields: Any) -> ProgressSnapshot:
    attempt = AttemptOverview(2, 2, "2026-11-30T19:29:00.000Z", state=AttemptState.RUNNING)
    return ProgressSnapshot(
        **{"pipeline": "etl", "run_id": "manual__1", "attempt": attempt, "rows": tuple(rows), **fields}
    )
