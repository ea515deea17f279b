"""The copies of a session that a server keeps, as the checkpoint names them."""

from __future__ import annotations

from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.session_state.live import LiveSession


class LiveCopies:
    """The copies of one attempt: made after a component, named in its record, released when the next one is recorded.

    :param live: the attempt's session, None if its Spark does not outlive it
    """

    def __init__(self, live: LiveSession | None) -> None:
        self._live = live
        self._plan: RunPlan | None = None
        self._recorded: LiveSessionRecord | None = None
        self._undisturbed = True

    def begin(self, plan: RunPlan, before: LiveSessionRecord | None) -> LiveSessionRecord | None:
        """Return what to record when the attempt takes over.

        :param plan: what it is going to do
        :param before: what the last attempt recorded
        """
        self._plan = plan
        self._recorded = before
        if self._live is None or not plan.runs_until:
            return None
        kept = before if plan.live else None
        return LiveSessionRecord(
            session=self._live.session_id,
            origin=self._live.origin,
            copy_id=kept.copy_id if kept else None,
            holds=kept.holds if kept else [],
        )

    def disturbed(self) -> None:
        """Make no more copies: a component has failed, and what it left would be in them."""
        self._undisturbed = False

    def after(self, position: int) -> LiveSessionRecord | None:
        """Copy the session and return what to record.

        :param position: how many decisions of the plan have been carried out
        """
        plan, record = self._plan, self._recorded
        if self._live is None or plan is None or record is None:
            return None
        if not self._undisturbed or position >= plan.runs_until:
            return record
        copy_id = self._live.copy()
        if copy_id is None:
            return record
        done = [decision.component for decision in plan.decisions[:position]]
        holds = [*done, *(name for name in record.holds if name not in done)]
        return record.model_copy(update={"copy_id": copy_id, "holds": holds})

    def recorded(self, record: LiveSessionRecord | None) -> None:
        """Release what the record that is durable now no longer names."""
        self._release(self._recorded, record)
        self._recorded = record

    def not_recorded(self, record: LiveSessionRecord | None) -> None:
        """Release what was made for a record that could not be saved."""
        self._release(record, self._recorded)

    def _release(self, given_up: LiveSessionRecord | None, kept: LiveSessionRecord | None) -> None:
        if self._live is None or given_up is None:
            return
        still = {self._live.session_id} | ({kept.session, kept.copy_id} if kept else set())
        for session_id in (given_up.session, given_up.copy_id):
            if session_id is not None and session_id not in still:
                self._live.release(session_id)
