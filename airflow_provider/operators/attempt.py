"""Which attempt is this: the first one, an automatic retry, or did somebody clear the task?"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner import CheckpointState


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


def how_to_start(checkpoint: CheckpointState | None, try_number: int, max_tries: int) -> AttemptStart:
    """Decide whether an attempt resumes.

    Airflow raises ``max_tries`` when a task is cleared and leaves it alone when it retries, so a value other than
    the one in the checkpoint tells a clear from a retry.

    :param checkpoint: what the earlier attempts recorded, None if nothing
    :param try_number: Airflow's number of this try
    :param max_tries: Airflow's ``max_tries`` of the task instance
    """
    if checkpoint is None:
        if try_number <= 1:
            return AttemptStart(False, "first attempt")
        return AttemptStart(False, "no checkpoint of an earlier attempt, so it starts from the beginning")
    cleared = checkpoint.airflow.get("max_tries", max_tries) != max_tries
    if checkpoint.status == "completed":
        if cleared:
            return AttemptStart(False, "cleared after the pipeline had succeeded, so it starts afresh", cleared)
        return AttemptStart(True, "the pipeline was complete but the task did not end well; nothing runs again")
    if cleared:
        return AttemptStart(True, "cleared after an unfinished attempt, so it goes on from the checkpoint", cleared)
    return AttemptStart(True, "retry after an unfinished attempt, so it goes on from the checkpoint")
