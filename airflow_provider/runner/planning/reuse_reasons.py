"""Why a component is reused, replayed or left out: the facts of each reason, and as ``str()`` the sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_provider.runner.planning.reasons import Reason
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.process_needs import NeededState, listed


@dataclass(frozen=True)
class GivenAsCompleted(Reason):
    """The caller said that the component is complete."""

    def __str__(self) -> str:
        return "given as completed"


@dataclass(frozen=True)
class CompletedEarlier(Reason):
    """It completed in an earlier attempt.

    :param attempt: in which one; None if the checkpoint is hand-made and does not say
    :param at: when
    :param views_to_restore: how many saved views this attempt restores
    :param on_the_server: whether what it left is still in the session that a server has kept
    """

    attempt: int | None = None
    at: datetime | None = None
    views_to_restore: int = 0
    on_the_server: bool = False

    def __str__(self) -> str:
        when = "an earlier attempt" if self.attempt is None else f"attempt {self.attempt}"
        text = f"completed in {when}" + (f" at {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else "")
        if self.views_to_restore:
            text += f"; {self.views_to_restore} saved view{'s' if self.views_to_restore > 1 else ''} to restore"
        return f"{text}; still in the session on the server" if self.on_the_server else text


@dataclass(frozen=True)
class StateGone(Reason):
    """It completed, later components need its session state, and what it saved is gone.

    :param attempt: the attempt in which it completed
    :param damage: what is wrong with what it saved
    """

    attempt: int
    damage: str

    def __str__(self) -> str:
        return (
            f"completed in attempt {self.attempt}, but later components need its session state: {self.damage}; a "
            "pipeline that succeeds deletes what it saved, unless keep_session_state_hours says otherwise"
        )


@dataclass(frozen=True)
class ReplayPolicy(Reason):
    """It completed, later components need its session state, and its ``session_state`` is ``replay``."""

    attempt: int

    def __str__(self) -> str:
        return (
            f"completed in attempt {self.attempt}, but later components need its session state, and its session_state "
            "is 'replay'"
        )


@dataclass(frozen=True)
class StateNotSaved(Reason):
    """It completed, later components need its session state, and nothing was saved.

    :param attempt: the attempt in which it completed
    :param why: why nothing was saved
    :param uncertain: sources of which it is not known whether they have changed
    """

    attempt: int
    why: str
    uncertain: tuple[SourceRecord, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(source.name for source in self.uncertain)
        return (
            f"completed in attempt {self.attempt}, but later components need its session state, which was not saved: "
            f"{self.why}{f'; {names} may have changed' if names else ''}"
        )


@dataclass(frozen=True)
class ProcessStateNeeded(Reason):
    """It completed, and later components may need what it left in a Python process that is not this one.

    :param attempt: the attempt in which it completed
    :param needed: what they may need
    """

    attempt: int
    needed: tuple[NeededState, ...]

    def __str__(self) -> str:
        return f"completed in attempt {self.attempt}, but this process lacks {listed(self.needed)}"


@dataclass(frozen=True)
class NotRestored(Reason):
    """What it saved could not be restored when its turn came.

    :param error: what went wrong
    """

    error: str

    def __str__(self) -> str:
        return f"its session state cannot be restored: {self.error}"


@dataclass(frozen=True)
class LeftOut(Reason):
    """It does not run in this attempt, because only a part of the pipeline was asked for.

    :param otherwise: why it would run
    """

    otherwise: Reason

    def __str__(self) -> str:
        return f"left out of this attempt: {self.otherwise}"
