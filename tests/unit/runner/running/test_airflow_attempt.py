"""Whether an attempt resumes, and the reason that the first line of its log gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider.runner import CheckpointState
from airflow_provider.runner.config.policies import OnClear
from airflow_provider.runner.planning.start_mode import AirflowTry, StartCase, how_to_start


def checkpoint(status: str, attempt: int = 1, **airflow: Any) -> CheckpointState:
    return CheckpointState(
        run_id="run", pipeline_name="etl", pipeline_fingerprint="f", status=status, attempt=attempt, airflow=airflow
    )


def now(try_number: int, max_tries: int, retries: int = 1, clears: int | None = None) -> AirflowTry:
    return AirflowTry(try_number, max_tries, retries, clears)


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
        checkpoint("failed", 3, **FIRST), now(1, 1, clears=0), False, False, "deleted and created again",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "attempt", "resume", "cleared", "reason"), CASES.values(), ids=CASES)
def test_a_retry_and_a_clear_continue_and_a_clear_after_success_starts_over(
    found: CheckpointState | None, attempt: AirflowTry, resume: bool, cleared: bool, reason: str
) -> None:
    """A retry and a clear of an unfinished task go on; a clear after success starts afresh; each says why."""
    start = how_to_start(found, attempt)

    assert (start.resumes, start.cleared) == (resume, cleared)
    assert reason in str(start.case)


def after_a_clear(marker: str | None = "here", *, found: bool = True) -> AirflowTry:
    """The attempt after a clear; the marker that it found in the task state store, or left there."""
    return replace(now(3, 3, clears=1), task_state=marker, task_state_found=found)


UNFINISHED, COMPLETE = checkpoint("failed", 2, **FIRST), checkpoint("completed", 2, **FIRST)
MARKED = checkpoint("in_progress", 2, **FIRST, task_state="here")
MARKED_COMPLETE = checkpoint("completed", 2, **FIRST, task_state="here")
KEPT, DISCARDED, NEVER_ASKED = after_a_clear(), after_a_clear("new", found=False), after_a_clear(None)

AFTER_A_CLEAR = {
    # case: (checkpoint, attempt, on_clear) -> (resume, what the reason says)
    "kept": (
        MARKED,
        KEPT,
        "auto",
        True,
        "after an unfinished attempt with its task state kept ('Keep task state and re",
    ),
    "discarded": (
        MARKED,
        DISCARDED,
        "auto",
        False,
        "cleared without 'Keep task state and resume', so it starts from the beginning",
    ),
    "discarded, record and all": (None, DISCARDED, "auto", False, "without 'Keep task state and resume', so it starts"),
    "discarded, record and all, resume": (None, DISCARDED, "resume", False, "without 'Keep task state and resume', so"),
    "discarded, resume": (MARKED, DISCARDED, "resume", True, "but on_clear is 'resume', so it continues from the ch"),
    "kept, restart": (MARKED, KEPT, "restart", False, "on_clear is 'restart', so it starts from the beginning"),
    "discarded, restart": (
        MARKED,
        DISCARDED,
        "restart",
        False,
        "on_clear is 'restart', so it starts from the beginning",
    ),
    "before Airflow 3.4": (UNFINISHED, NEVER_ASKED, "auto", True, "unfinished attempt, so it continues"),
    "before Airflow 3.4, resume": (UNFINISHED, NEVER_ASKED, "resume", True, "unfinished attempt, so it continues"),
    "before Airflow 3.4, restart": (UNFINISHED, NEVER_ASKED, "restart", False, "on_clear is 'restart'"),
    "Airflow was upgraded meanwhile": (UNFINISHED, DISCARDED, "auto", True, "unfinished attempt, so it continues"),
    "Airflow was downgraded meanwhile": (MARKED, NEVER_ASKED, "auto", True, "unfinished attempt, so it continues"),
    "complete": (
        COMPLETE,
        NEVER_ASKED,
        "auto",
        False,
        "after the pipeline had succeeded, so it starts from the beginning",
    ),
    "complete, kept": (
        MARKED_COMPLETE,
        KEPT,
        "resume",
        False,
        "after the pipeline had succeeded, so it starts from the beginning",
    ),
    "complete, discarded": (MARKED_COMPLETE, DISCARDED, "auto", False, "after the pipeline had succeeded"),
}


@pytest.mark.parametrize(
    ("found", "attempt", "on_clear", "resume", "reason"), AFTER_A_CLEAR.values(), ids=AFTER_A_CLEAR
)
def test_a_clear_does_what_the_person_chose_and_after_success_starts_over(
    found: CheckpointState | None, attempt: AirflowTry, on_clear: OnClear, resume: bool, reason: str
) -> None:
    """``auto`` does as the person chose in the dialog, in its words; success always starts anew."""
    start = how_to_start(found, attempt, on_clear)

    assert start.resumes is resume
    assert start.cleared
    assert str(start.case).startswith("cleared ")
    assert reason in str(start.case)


def test_a_request_to_restart_goes_before_the_dialog() -> None:
    """It takes a clear, and who makes one need not know that the tick counts; what the author wants at a clear does."""
    start = how_to_start(MARKED, DISCARDED, asked=True)

    assert (start.resumes, start.cleared) == (True, True)
    assert (
        str(start.case)
        == "cleared without 'Keep task state and resume', but with a restart request, so only that restart runs"
    )
    assert not how_to_start(MARKED, DISCARDED, "restart", asked=True).resumes


@pytest.mark.parametrize("on_clear", ["auto", "resume", "restart"])
@pytest.mark.parametrize("attempt", [DISCARDED, KEPT])
def test_the_task_state_decides_nothing_in_a_retry(on_clear: OnClear, attempt: AirflowTry) -> None:
    """A row that has expired or that somebody has deleted is no clear."""
    retry = replace(attempt, max_tries=1, clear_number=0)

    start = how_to_start(MARKED, retry, on_clear)
    assert (start.resumes, start.cleared) == (True, False)
    assert how_to_start(None, retry, on_clear).case is StartCase.NO_CHECKPOINT


def test_on_clear_says_nothing_about_a_retry() -> None:
    """An automatic retry goes on, whatever ``on_clear`` is."""
    assert how_to_start(checkpoint("failed", **FIRST), now(2, 1, clears=0), "restart").resumes


def test_the_checkpoint_keeps_of_a_try_only_what_airflow_said() -> None:
    """Only what Airflow said: JSON for the task state store cannot hold nulls."""
    assert AirflowTry(2, 3, 1).record() == {"max_tries": 3}
    assert AirflowTry(2, 3, 1, 0, "abc", "id", True).record() == {
        "max_tries": 3,
        "clear_number": 0,
        "bundle_version": "abc",
        "task_state": "id",
    }
