"""Whether an attempt resumes, and the reason that the first line of its log gives."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from airflow_provider.runner import CheckpointState
from airflow_provider.runner.planning.start import AirflowAttempt, how_to_start


def checkpoint(status: str, attempt: int = 1, **airflow: Any) -> CheckpointState:
    return CheckpointState(
        run_id="run", pipeline_name="etl", pipeline_fingerprint="f", status=status, attempt=attempt, airflow=airflow
    )


def now(try_number: int, max_tries: int, retries: int = 1, clears: int | None = None) -> AirflowAttempt:
    return AirflowAttempt(try_number, max_tries, retries, clears)


FIRST = {"max_tries": 1, "clear_number": 0}

CASES = {
    # case: (checkpoint, attempt) -> (resume, cleared, what the reason says)
    "first attempt": (None, now(1, 3), False, False, "first attempt"),
    "retry, but the checkpoint is gone": (None, now(2, 3), False, False, "no checkpoint of an earlier attempt"),
    "cleared, but the checkpoint is gone": (None, now(5, 7), False, False, "no checkpoint of an earlier attempt"),
    "retry after a failure": (checkpoint("failed", **FIRST), now(2, 1, clears=0), True, False, "retry after an unfin"),
    "retry after the process died": (checkpoint("in_progress", **FIRST), now(2, 1, clears=0), True, False, "retry"),
    "cleared after a failure": (checkpoint("failed", 2, **FIRST), now(3, 3, clears=1), True, True, "cleared after"),
    "cleared while running": (checkpoint("in_progress", **FIRST), now(2, 2, clears=1), True, True, "cleared after"),
    "cleared after success": (
        checkpoint("completed", **FIRST), now(2, 2, clears=1), False, True, "cleared after the pipeline had succeeded",
    ),
    "complete, but the task failed after it": (
        checkpoint("completed", **FIRST), now(2, 1, clears=0), True, False, "nothing runs again",
    ),
    "a checkpoint from outside Airflow": (checkpoint("failed"), now(2, 3), True, False, "retry after an unfinished"),
    "retries raised in the DAG file, then a retry": (
        checkpoint("failed", **FIRST), now(2, 1, retries=5, clears=0), True, False, "retry after an unfinished",
    ),
    "retries lowered in the DAG file, then a clear to the same max_tries": (
        checkpoint("failed", max_tries=3, clear_number=0), now(2, 3, retries=2, clears=1), True, True, "cleared after",
    ),
    "retry while another task of the run was cleared": (
        checkpoint("failed", max_tries=3, clear_number=0), now(2, 3, retries=3, clears=1), True, False, "retry after",
    ),
    "an Airflow that does not count clears": (
        checkpoint("failed", max_tries=1), now(3, 3), True, True, "cleared after an unfinished attempt",
    ),
    "the run was deleted and made again": (
        checkpoint("failed", 3, **FIRST), now(1, 1, clears=0), False, False, "deleted and made again",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "attempt", "resume", "cleared", "reason"), CASES.values(), ids=CASES)
def test_how_an_attempt_starts(
    found: CheckpointState | None, attempt: AirflowAttempt, resume: bool, cleared: bool, reason: str
) -> None:
    """A retry and a clear of an unfinished task go on; a clear after success starts afresh; each says why."""
    start = how_to_start(found, attempt)

    assert (start.resume, start.cleared) == (resume, cleared)
    assert reason in start.reason


@pytest.mark.parametrize(
    ("status", "on_clear", "dialog", "resume"),
    [
        ("failed", "resume", False, True),
        ("failed", "restart", False, False),
        ("in_progress", "restart", False, False),
        ("failed", "restart", True, True),  # whoever cleared chose to keep the task state
        ("completed", "resume", True, False),
        ("completed", "resume", False, False),
    ],
)
def test_what_a_clear_does(status: str, on_clear: Literal["resume", "restart"], dialog: bool, resume: bool) -> None:
    """``on_clear`` decides for an unfinished pipeline unless the clear dialog did; success always starts anew."""
    start = how_to_start(checkpoint(status, 2, **FIRST), now(3, 3, clears=1), on_clear, dialog_decides=dialog)

    assert start.resume is resume
    assert start.cleared
    assert start.reason.startswith("cleared after")


def test_on_clear_says_nothing_about_a_retry() -> None:
    """An automatic retry goes on, whatever ``on_clear`` is."""
    assert how_to_start(checkpoint("failed", **FIRST), now(2, 1, clears=0), "restart").resume


def test_what_the_checkpoint_keeps_of_an_attempt() -> None:
    """Only what Airflow said: JSON for the task state store cannot hold nulls."""
    assert AirflowAttempt(2, 3, 1).record() == {"max_tries": 3}
    assert AirflowAttempt(2, 3, 1, 0, "abc").record() == {"max_tries": 3, "clear_number": 0, "bundle_version": "abc"}
