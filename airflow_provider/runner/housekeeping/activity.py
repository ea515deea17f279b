"""Whether an attempt may be running, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_provider.runner.observing.report import duration
from airflow_provider.runner.record.checkpoint_state import CheckpointState


@dataclass(frozen=True)
class Activity:
    """What Airflow says of the task instance that a run belongs to.

    :param active: whether an attempt is running or about to
    :param words: what Airflow says, for people
    """

    active: bool
    words: str


def may_be_running(state: CheckpointState, activity: Activity | None, now: datetime) -> str | None:
    """Return why an attempt may be running and since when, None if none can be.

    :param state: its checkpoint
    :param activity: what Airflow says; None if it is not asked or does not know
    :param now: the time
    """
    if activity is not None:
        return activity.words if activity.active else None
    if state.status != "in_progress":
        return None
    if state.updated_at is None:
        return f"attempt {state.attempt} may be running: its checkpoint says in_progress, and not since when"
    ago = duration(max(0.0, (now - state.updated_at).total_seconds()))
    return (
        f"attempt {state.attempt} may be running: its checkpoint says in_progress, and it last recorded something at "
        f"{state.updated_at:%Y-%m-%d %H:%M:%S} UTC, {ago} ago"
    )
