"""Whether an attempt resumes, and the reason that the first line of its log gives."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.operators.attempt import how_to_start
from airflow_provider.runner import CheckpointState


def checkpoint(status: str, **airflow: Any) -> CheckpointState:
    return CheckpointState(run_id="run", pipeline_name="etl", pipeline_fingerprint="f", status=status, airflow=airflow)


CASES = {
    # case: (checkpoint, try_number, max_tries) -> (resume, what the reason says)
    "first attempt": (None, 1, 3, False, "first attempt"),
    "retry, but the checkpoint is gone": (None, 2, 3, False, "no checkpoint of an earlier attempt"),
    "cleared, but the checkpoint is gone": (None, 5, 7, False, "no checkpoint of an earlier attempt"),
    "retry after a failure": (checkpoint("failed", max_tries=3), 2, 3, True, "retry after an unfinished attempt"),
    "retry after the process died": (checkpoint("in_progress", max_tries=3), 2, 3, True, "retry after an unfinished"),
    "cleared after a failure": (checkpoint("failed", max_tries=1), 3, 3, True, "cleared after an unfinished attempt"),
    "cleared while running": (checkpoint("in_progress", max_tries=1), 2, 2, True, "cleared after an unfinished"),
    "cleared after success": (checkpoint("completed", max_tries=1), 2, 2, False, "cleared after the pipeline had succ"),
    "complete, but the task failed after it": (
        checkpoint("completed", max_tries=1), 2, 1, True, "nothing runs again",
    ),
    "a checkpoint from outside Airflow": (checkpoint("failed"), 2, 3, True, "retry after an unfinished attempt"),
}  # fmt: skip


@pytest.mark.parametrize(("found", "try_number", "max_tries", "resume", "reason"), CASES.values(), ids=CASES)
def test_how_an_attempt_starts(
    found: CheckpointState | None, try_number: int, max_tries: int, resume: bool, reason: str
) -> None:
    """A retry and a clear of an unfinished task go on; a clear after success starts afresh; each says why."""
    start = how_to_start(found, try_number, max_tries)

    assert start.resume is resume
    assert reason in start.reason
