"""Whether an attempt at a run may be running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from airflow_provider.runner.observing.report import duration
from airflow_provider.runner.record.checkpoint_state import CheckpointState


class ActivityKind(Enum):
    """What is known of the newest attempt."""

    RUNNING = "running"
    DUE = "due"
    """Airflow is about to start it."""
    PRESUMED = "presumed"
    """Its checkpoint says so, and there is no Airflow to ask."""
    ENDED = "ended"


@dataclass(frozen=True)
class Activity:
    """What the newest attempt at a run is doing, as facts; its text is for people.

    :param attempt: its number
    :param since: since when; for a presumed one when it last recorded something
    :param silent_for: how long ago that was
    :param airflow_state: the state of its task instance in Airflow's database, None if that was not asked or has none
    """

    kind: ActivityKind
    attempt: int | None = None
    since: datetime | None = None
    silent_for: timedelta | None = None
    airflow_state: str | None = None

    @property
    def active(self) -> bool:
        """Whether the attempt is running or about to, or may be."""
        return self.kind is not ActivityKind.ENDED

    def __str__(self) -> str:
        at = f"{self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else None
        if self.kind is ActivityKind.PRESUMED:
            last = f"has not changed since {at}" if at else "does not say since when"
            ago = f" ({duration(max(0.0, self.silent_for.total_seconds()))} ago)" if self.silent_for is not None else ""
            return f"attempt {self.attempt} may be running: its checkpoint says in_progress and {last}{ago}"
        if self.airflow_state is None:
            return "Airflow's database no longer has the task instance"
        state = f"Airflow's database says the task instance is {self.airflow_state!r} (try {self.attempt})"
        return f"{state} since {at}" if at else state


def active_attempt(state: CheckpointState, in_airflow: Activity | None, now: datetime) -> Activity | None:
    """Return the attempt that is or may be active, None if there is none.

    :param in_airflow: what Airflow says; None if it is not asked or does not know
    """
    if in_airflow is not None:
        return in_airflow if in_airflow.active else None
    if state.status != "in_progress":
        return None
    silent_for = now - state.updated_at if state.updated_at is not None else None
    return Activity(ActivityKind.PRESUMED, state.attempt, state.updated_at, silent_for)
