"""A session that outlives the client: a frozen copy of it on the server spares the next attempt restore and replay.

After every component the server copies the session, before the component is recorded, and the record names the copy.
So a copy holds what completed components left and nothing of one that was still running; and because each attempt
works in a copy of the copy, a replaced attempt that still runs shares nothing with its successor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from airflow_provider.runner.checkpoint.state import CheckpointState
    from airflow_provider.runner.plan import RunPlan


class LiveSession(Protocol):
    """The session of one attempt, on a server that can copy it."""

    @property
    def session_id(self) -> str:
        """The id of this attempt's own session on the server."""

    @property
    def origin(self) -> str:
        """A hash of the server, the user and the properties that a new session would begin with."""

    def attach(self, copy: str) -> bool:
        """Begin with what a copy holds. False if the server no longer has it or cannot do that."""

    def detach(self) -> None:
        """Give up what :meth:`attach` gave: the next session begins empty."""

    def copy(self) -> str | None:
        """Let the server copy the session as it is now and return the copy's id; None if it cannot."""

    def release(self, session_id: str) -> None:
        """Let the server forget a session and stop what still runs in it. Never fails."""


class LiveSessionRecord(BaseModel):
    """Where the server keeps the session of a run.

    :param session: id of the newest attempt's own session
    :param origin: see :class:`LiveSession`
    :param copy_id: id of the frozen copy; None if there is none
    :param holds: the components whose session state is in the copy
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    session: str
    origin: str
    copy_id: str | None = None
    holds: list[str] = Field(default_factory=list)


def why_not_live(plan: RunPlan, checkpoint: CheckpointState, record: LiveSessionRecord, origin: str) -> str | None:
    """Return why the copy must not be used, None if it is what a session would be that never failed.

    It is all or nothing: what one component left in a session cannot be taken out of it again.

    :param plan: what this attempt is to do
    :param checkpoint: what is recorded of the components
    :param record: where the copy is
    :param origin: what the session would begin with today
    """
    if record.origin != origin:
        return "the connection or the Spark properties have changed since"
    kept = [decision.component for decision in plan.decisions if decision.action != "RUN"]
    runs = next((decision.component for decision in plan.decisions if decision.action == "RUN"), None)
    after = False
    for name in [decision.component for decision in plan.decisions]:
        after = after or name == runs
        if after and name in kept and _left_something(checkpoint, name):
            return f"{runs!r} runs before {name!r}, which has completed and left something in it"
    for name in record.holds:
        if name not in kept and _left_something(checkpoint, name):
            return f"it holds what {name!r} left, which no longer counts"
    for name in kept:
        if name not in record.holds and _left_something(checkpoint, name):
            return f"it does not hold what {name!r} left"
        if _touched_global_view(checkpoint, name):
            return f"{name!r} made or dropped a global temp view, and all sessions of the server share those"
    return None


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


def _left_something(checkpoint: CheckpointState, name: str) -> bool:
    record = checkpoint.components.get(name)
    return record is None or record.session_state is None or record.session_state.left_something


def _touched_global_view(checkpoint: CheckpointState, name: str) -> bool:
    record = checkpoint.components.get(name)
    state = record.session_state if record else None
    return state is not None and any(view.is_global for view in (*state.left_views, *state.dropped_views))
