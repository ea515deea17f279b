"""Which attempt is this: the first one, a retry, or one after a clear? And does it continue or start over?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from airflow_provider.runner.config.policies import OnClear
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.record.checkpoint_state import CheckpointState

KEEP_TASK_STATE = "Keep task state and resume"
"""What the dialog of Airflow 3.4 calls the choice that decides whether a clear keeps the task state."""

_CONTINUES = "so it continues from the checkpoint"
_STARTS_OVER = "so it starts from the beginning"


class StartCase(Enum):
    """Which case an attempt is: whether it continues from the checkpoint, and the sentence that opens its log."""

    CONTINUED = True, "it continues from the checkpoint"
    FRESH_REQUESTED = False, "a fresh start was requested"
    FIRST_ATTEMPT = False, "first attempt"
    NO_CHECKPOINT = False, f"no checkpoint of an earlier attempt, {_STARTS_OVER}"
    RUN_RECREATED = False, f"the DAG run was deleted and created again under the same id, {_STARTS_OVER}"
    RETRY = True, f"retry after an unfinished attempt, {_CONTINUES}"
    COMPLETE = True, "the pipeline was complete but the task did not succeed; nothing runs again"
    COMPLETE_WITH_REQUEST = (
        True,
        "the pipeline was complete but the task did not succeed; only the requested restart runs",
    )
    CLEARED_AFTER_SUCCESS = False, f"cleared after the pipeline had succeeded, {_STARTS_OVER}"
    CLEARED_AFTER_SUCCESS_WITH_REQUEST = (
        True,
        "cleared after the pipeline had succeeded, with a restart request, so only that restart runs",
    )
    CLEARED = True, f"cleared after an unfinished attempt, {_CONTINUES}"
    CLEARED_AND_KEPT = (
        True,
        f"cleared after an unfinished attempt with its task state kept ({KEEP_TASK_STATE!r}, or a clear that does not "
        f"ask), {_CONTINUES}",
    )
    CLEARED_AND_DISCARDED = False, f"cleared without {KEEP_TASK_STATE!r}, {_STARTS_OVER}"
    CLEARED_AND_DISCARDED_WITH_REQUEST = (
        True,
        f"cleared without {KEEP_TASK_STATE!r}, but with a restart request, so only that restart runs",
    )
    CLEARED_AND_DISCARDED_BUT_RESUMES = (
        True,
        f"cleared without {KEEP_TASK_STATE!r}, but on_clear is 'resume', {_CONTINUES}",
    )
    CLEARED_TO_RESTART = False, f"cleared after an unfinished attempt and on_clear is 'restart', {_STARTS_OVER}"

    def __init__(self, resumes: bool, sentence: str) -> None:
        self.resumes = resumes
        self._sentence = sentence

    def __str__(self) -> str:
        return self._sentence


@dataclass(frozen=True)
class StartMode:
    """How an attempt starts.

    :param case: which case it is
    :param cleared: whether a person cleared the Airflow task, so that it is more than a retry
    :param restarts: what is to run again, beside the requests that the attempt finds
    :param notes: what the log should say beside the plan
    """

    case: StartCase = StartCase.CONTINUED
    cleared: bool = False
    restarts: tuple[RestartFrom, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def resumes(self) -> bool:
        """Whether the attempt continues from the checkpoint; otherwise everything runs."""
        return self.case.resumes


@dataclass(frozen=True)
class AirflowTry:
    """What Airflow says of an attempt.

    :param try_number: number of this try; never starts again
    :param max_tries: Airflow raises it to the try number plus ``retries`` when the task is cleared, and leaves it alone
        otherwise, also when ``retries`` changes in the DAG file
    :param retries: the task's ``retries`` as the DAG file has them now
    :param clear_number: how often any task of the DAG run was cleared; None if this Airflow does not say
    :param bundle_version: version of the DAG bundle that the DAG file is of, None if it has none
    :param task_state: id of the marker in the task state store, a new one if there was none; None before Airflow 3.4,
        where a clear always keeps the task state
    :param task_state_found: whether that marker was there already
    """

    try_number: int
    max_tries: int
    retries: int = 0
    clear_number: int | None = None
    bundle_version: str | None = None
    task_state: str | None = None
    task_state_found: bool = False

    def record(self) -> dict[str, Any]:
        """Return what the checkpoint keeps of it."""
        kept = {
            "max_tries": self.max_tries,
            "clear_number": self.clear_number,
            "bundle_version": self.bundle_version,
            "task_state": self.task_state,
        }
        return {key: value for key, value in kept.items() if value is not None}

    def cleared_since(self, checkpoint: CheckpointState) -> bool:
        """Return whether a person cleared the task since the checkpoint's last attempt."""
        before = checkpoint.airflow
        if before.get("max_tries", self.max_tries) != self.max_tries:
            return True
        # With fewer retries in the DAG file than before, a clear may lead to the max_tries that the task had.
        as_after_a_clear = self.max_tries == checkpoint.attempt + self.retries
        return as_after_a_clear and before.get("clear_number", self.clear_number) != self.clear_number

    @property
    def lost_all_state_in_a_clear(self) -> bool:
        """Whether nothing is left of earlier attempts because a clear has discarded the task state."""
        as_after_a_clear = self.max_tries == self.try_number - 1 + self.retries and self.clear_number != 0
        return self.task_state is not None and not self.task_state_found and as_after_a_clear

    def discarded_since(self, checkpoint: CheckpointState) -> bool | None:
        """Return whether a clear has discarded the task state since the checkpoint's last attempt, None if unknown."""
        before = checkpoint.airflow.get("task_state")
        return None if before is None or self.task_state is None else before != self.task_state


def how_to_start(
    checkpoint: CheckpointState | None,
    attempt: AirflowTry,
    on_clear: OnClear = "auto",
    *,
    asked: bool = False,
) -> StartMode:
    """Decide whether an attempt continues from the checkpoint.

    :param checkpoint: what the earlier attempts recorded, None if nothing
    :param attempt: what Airflow says of this one
    :param on_clear: what to do when the task was cleared before the pipeline was complete; with ``auto`` it starts from
        the beginning if the clear has discarded the task state
    :param asked: whether a person or the config asked to restart from a component
    """
    if checkpoint is None:
        if attempt.try_number <= 1:
            return StartMode(StartCase.FIRST_ATTEMPT)
        if attempt.lost_all_state_in_a_clear:
            return StartMode(StartCase.CLEARED_AND_DISCARDED, cleared=True)
        return StartMode(StartCase.NO_CHECKPOINT)
    if attempt.try_number <= checkpoint.attempt:
        return StartMode(StartCase.RUN_RECREATED)
    cleared = attempt.cleared_since(checkpoint)
    if checkpoint.status == "completed":
        return StartMode(_after_success(cleared=cleared, asked=asked), cleared)
    if not cleared:
        return StartMode(StartCase.RETRY)
    return StartMode(_after_clear(attempt.discarded_since(checkpoint), on_clear, asked=asked), cleared)


def _after_success(*, cleared: bool, asked: bool) -> StartCase:
    if cleared:
        return StartCase.CLEARED_AFTER_SUCCESS_WITH_REQUEST if asked else StartCase.CLEARED_AFTER_SUCCESS
    return StartCase.COMPLETE_WITH_REQUEST if asked else StartCase.COMPLETE


def _after_clear(discarded: bool | None, on_clear: OnClear, *, asked: bool) -> StartCase:
    """Return the case of a clear before the pipeline was complete.

    :param discarded: whether it has discarded the task state, None if unknown
    :param on_clear: the policy
    :param asked: whether a restart was requested
    """
    if on_clear == "restart":
        return StartCase.CLEARED_TO_RESTART
    if discarded and on_clear == "auto":
        # A request takes a clear, and whoever makes one need not know that the tick counts.
        return StartCase.CLEARED_AND_DISCARDED_WITH_REQUEST if asked else StartCase.CLEARED_AND_DISCARDED
    return {
        None: StartCase.CLEARED,
        False: StartCase.CLEARED_AND_KEPT,
        True: StartCase.CLEARED_AND_DISCARDED_BUT_RESUMES,
    }[discarded]
