"""Which attempt is this: the first one, an automatic retry, or did somebody clear the task? And does it resume?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.config.policies import OnClear
from airflow_provider.runner.record.state import CheckpointState


@dataclass(frozen=True)
class AirflowAttempt:
    """What Airflow says of an attempt.

    :param try_number: number of this try; never starts again
    :param max_tries: Airflow raises it to the try number plus ``retries`` when the task is cleared, and leaves it alone
        otherwise, also when ``retries`` changes in the DAG file
    :param retries: the task's ``retries`` as the DAG file has them now
    :param clear_number: how often any task of the DAG run was cleared; None if this Airflow does not say
    :param bundle_version: version of the DAG bundle that the DAG file is of, None if it has none
    """

    try_number: int
    max_tries: int
    retries: int = 0
    clear_number: int | None = None
    bundle_version: str | None = None

    def record(self) -> dict[str, Any]:
        """Return what the checkpoint keeps of it."""
        kept = {
            "max_tries": self.max_tries,
            "clear_number": self.clear_number,
            "bundle_version": self.bundle_version,
        }
        return {key: value for key, value in kept.items() if value is not None}

    def cleared_since(self, checkpoint: CheckpointState) -> bool:
        """Return whether somebody cleared the task since the checkpoint's last attempt."""
        before = checkpoint.airflow
        if before.get("max_tries", self.max_tries) != self.max_tries:
            return True
        # With fewer retries in the DAG file than before, a clear may come to the same max_tries as it had.
        as_after_a_clear = self.max_tries == checkpoint.attempt + self.retries
        return as_after_a_clear and before.get("clear_number", self.clear_number) != self.clear_number


@dataclass(frozen=True)
class AttemptStart:
    """Whether the attempt goes on from the checkpoint.

    :param resume: False to start afresh
    :param reason: which case it is and why, for the first line of the log
    :param cleared: whether somebody cleared the task
    """

    resume: bool
    reason: str
    cleared: bool = False


def how_to_start(
    checkpoint: CheckpointState | None,
    attempt: AirflowAttempt,
    on_clear: OnClear = "resume",
    *,
    dialog_decides: bool = False,
    asked: bool = False,
) -> AttemptStart:
    """Decide whether an attempt resumes.

    :param checkpoint: what the earlier attempts recorded, None if nothing
    :param attempt: what Airflow says of this one
    :param on_clear: what to do when the task was cleared before the pipeline was complete
    :param dialog_decides: whether a checkpoint that is still there after a clear was kept by whoever cleared, in
        Airflow's clear dialog; then ``on_clear`` is not asked
    :param asked: whether somebody asked to restart from a component
    """
    if checkpoint is None:
        if attempt.try_number <= 1:
            return AttemptStart(False, "first attempt")
        return AttemptStart(False, "no checkpoint of an earlier attempt, so it starts from the beginning")
    if attempt.try_number <= checkpoint.attempt:
        return AttemptStart(False, "the DAG run was deleted and made again under the same id, so it starts afresh")
    cleared = attempt.cleared_since(checkpoint)
    if checkpoint.status == "completed":
        if cleared:
            if asked:
                reason = "cleared after the pipeline had succeeded, and a restart was asked for, so it does that alone"
                return AttemptStart(True, reason, cleared)
            return AttemptStart(False, "cleared after the pipeline had succeeded, so it starts afresh", cleared)
        again = "only what was asked for runs again" if asked else "nothing runs again"
        return AttemptStart(True, f"the pipeline was complete but the task did not end well; {again}")
    if not cleared:
        return AttemptStart(True, "retry after an unfinished attempt, so it goes on from the checkpoint")
    if dialog_decides:
        why = "cleared after an unfinished attempt and its task state was kept, so it goes on from the checkpoint"
        return AttemptStart(True, why, cleared)
    if on_clear == "restart":
        why = "cleared after an unfinished attempt and on_clear is 'restart', so it starts afresh"
        return AttemptStart(False, why, cleared)
    return AttemptStart(True, "cleared after an unfinished attempt, so it goes on from the checkpoint", cleared)
