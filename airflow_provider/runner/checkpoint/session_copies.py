"""The copies of a session that a server keeps, as the checkpoint names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.session_state.live import LiveSession


@dataclass(frozen=True)
class SessionCopy:
    """What to record about a copy.

    :param copy_id: its id, None if none was made
    :param adds: the components whose session state is in it and was not in the one before
    """

    copy_id: str | None = None
    adds: tuple[str, ...] = ()


class SessionCopies:
    """The copies of one attempt: made after a component, named in its record, released when the next one is recorded.

    :param live: the attempt's session, None if its Spark does not outlive it
    """

    def __init__(self, live: LiveSession | None) -> None:
        self._live = live
        self._makes_copies = False
        self._runs_until = 0
        self._order: list[str] = []
        self._position = 0
        self._present: dict[str, None] = {}
        self._recorded: str | None = None
        self._next = SessionCopy()
        self._obsolete: set[str | None] = set()

    def begin(self, plan: RunPlan, before: LiveSessionRecord | None) -> LiveSessionRecord | None:
        """Return what to record when the attempt begins.

        :param before: what the last attempt recorded
        """
        self._makes_copies = self._live is not None and bool(plan.runs_until)
        self._runs_until = plan.runs_until
        self._order = [decision.component for decision in plan.decisions]
        kept = before if plan.live else None
        self._present = dict.fromkeys(kept.present if kept else ())
        self._position = 0
        self._recorded = kept.copy_id if kept else None
        self._next = SessionCopy()
        # Nothing needs these once the record no longer names them.
        self._obsolete = {before.session, before.copy_id} - {self._recorded} if before else set()
        if self._live is None or not self._makes_copies:
            return None
        return LiveSessionRecord(
            session=self._live.session_id,
            origin=self._live.origin,
            copy_id=self._recorded,
            present=list(self._present),
        )

    def stop(self) -> None:
        """Make no more copies: a component has failed, and what it left would be in them."""
        self._makes_copies = False

    def after(self, position: int) -> SessionCopy:
        """Copy the session and return what to record.

        :param position: how many decisions of the plan have been carried out
        """
        if self._live is None or not self._makes_copies or position >= self._runs_until:
            return SessionCopy()
        copy_id = self._live.copy()
        if copy_id is None:
            return SessionCopy()
        done = self._order[self._position : position]
        self._next = SessionCopy(copy_id, tuple(name for name in done if name not in self._present))
        self._position = position
        return self._next

    def release_all(self) -> None:
        """Let the next record name no copy, so that :meth:`after_record` releases the last one."""
        if self._recorded is not None:
            self._obsolete.add(self._recorded)
        self._recorded = None

    def after_record(self) -> None:
        """Release the copies that the record, which is durable now, no longer names."""
        if self._next.copy_id is not None:
            if self._recorded is not None:
                self._obsolete.add(self._recorded)
            self._recorded = self._next.copy_id
            self._present |= dict.fromkeys(self._next.adds)
            self._next = SessionCopy()
        self._release(self._obsolete)
        self._obsolete = set()

    def after_lost_record(self) -> None:
        """Release the copy that was made for a record that could not be saved."""
        self._release({self._next.copy_id})
        self._next = SessionCopy()

    def _release(self, sessions: Iterable[str | None]) -> None:
        if self._live is None:
            return
        for session_id in sorted(session for session in sessions if session is not None):
            if session_id not in (self._live.session_id, self._recorded):
                self._live.release(session_id)
