"""The copies of a session that a server keeps, as the checkpoint names them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.session_state.live import LiveSession


@dataclass(frozen=True)
class CopyMade:
    """What to record of a copy.

    :param copy_id: its id, None if none was made
    :param adds: the components whose session state is in it and was not in the one before
    """

    copy_id: str | None = None
    adds: tuple[str, ...] = ()


class LiveCopies:
    """The copies of one attempt: made after a component, named in its record, released when the next one is recorded.

    :param live: the attempt's session, None if its Spark does not outlive it
    """

    def __init__(self, live: LiveSession | None) -> None:
        self._live = live

    def begin(self, plan: RunPlan, before: LiveSessionRecord | None) -> LiveSessionRecord | None:
        """Return what to record when the attempt begins.

        :param plan: what it is going to do
        :param before: what the last attempt recorded
        """
        self._undisturbed = True
        self._used = self._live is not None and bool(plan.runs_until)
        self._runs_until = plan.runs_until
        self._order = [decision.component for decision in plan.decisions]
        kept = before if plan.live else None
        self._present = dict.fromkeys(kept.present if kept else ())
        self._position = 0
        self._copy = kept.copy_id if kept else None
        self._next = CopyMade()
        # Sessions that are no longer needed once the record does not name them any more.
        self._old = {before.session, before.copy_id} - {self._copy} if before else set()
        if self._live is None or not self._used:
            return None
        return LiveSessionRecord(
            session=self._live.session_id,
            origin=self._live.origin,
            copy_id=self._copy,
            present=list(self._present),
        )

    def disturbed(self) -> None:
        """Make no more copies: a component has failed, and what it left would be in them."""
        self._undisturbed = False

    def after(self, position: int) -> CopyMade:
        """Copy the session and return what to record.

        :param position: how many decisions of the plan have been carried out
        """
        if self._live is None or not self._used or not self._undisturbed or position >= self._runs_until:
            return CopyMade()
        copy_id = self._live.copy()
        if copy_id is None:
            return CopyMade()
        done = self._order[self._position : position]
        self._next = CopyMade(copy_id, tuple(name for name in done if name not in self._present))
        self._position = position
        return self._next

    def release_all(self) -> None:
        """Let the next record be the one that names no copy any more."""
        if self._copy is not None:
            self._old.add(self._copy)
        self._copy = None

    def recorded(self) -> None:
        """Release what the record that is durable now no longer names."""
        if self._next.copy_id is not None:
            if self._copy is not None:
                self._old.add(self._copy)
            self._copy = self._next.copy_id
            self._present |= dict.fromkeys(self._next.adds)
            self._next = CopyMade()
        self._release(self._old)
        self._old = set()

    def not_recorded(self) -> None:
        """Release what was made for a record that could not be saved."""
        self._release({self._next.copy_id})
        self._next = CopyMade()

    def _release(self, sessions: set[str | None]) -> None:
        if self._live is None:
            return
        for session_id in sorted(session for session in sessions if session is not None):
            if session_id not in (self._live.session_id, self._copy):
                self._live.release(session_id)
