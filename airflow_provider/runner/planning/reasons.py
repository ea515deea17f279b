"""Why the plan decides as it does: the facts of each reason, and as ``str()`` the sentence that people read.

Code asks for the class and the facts, never for the sentence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.code import CodeChange
from airflow_provider.runner.fingerprint.config_changes import ConfigChange
from airflow_provider.runner.planning.changed_code import describe_all, describe_code
from airflow_provider.runner.planning.changed_config import describe_changes
from airflow_provider.runner.planning.source_facts import SourceChange, list_changes
from airflow_provider.runner.planning.start_mode import StartCase
from airflow_provider.runner.record.source_record import SourceRecord


class Reason(ABC):
    """Why a component runs, is reused or is replayed."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the reason as people read it in the log and in the result."""


# Nothing is known of earlier attempts, or it does not count.


@dataclass(frozen=True)
class NoCheckpoint(Reason):
    """No earlier attempt recorded anything."""

    def __str__(self) -> str:
        return "no checkpoint yet"


@dataclass(frozen=True)
class FreshStart(Reason):
    """The attempt starts from the beginning."""

    case: StartCase

    def __str__(self) -> str:
        return str(self.case)


@dataclass(frozen=True)
class GivenAsCompleted(Reason):
    """The caller said that the component is complete."""

    def __str__(self) -> str:
        return "given as completed"


@dataclass(frozen=True)
class NotGivenAsCompleted(Reason):
    """The caller did not say so, perhaps of no component at all."""

    any_given: bool

    def __str__(self) -> str:
        return "not completed yet" if self.any_given else "no component was given as completed"


@dataclass(frozen=True)
class CalledByHand(Reason):
    """Code that is not the runner called the hooks."""

    def __str__(self) -> str:
        return "called by hand"


# Why a component runs.


@dataclass(frozen=True)
class NotCompleted(Reason):
    """The component did not complete in the attempts so far."""

    attempt: int
    failed: bool

    def __str__(self) -> str:
        return f"{'failed' if self.failed else 'not completed'} in attempt {self.attempt}"


class OwnConfigReason(Reason):
    """The component's own config is not the one under which it completed."""


@dataclass(frozen=True)
class ConfigChanged(OwnConfigReason):
    """Its config changed."""

    def __str__(self) -> str:
        return "its config changed"


@dataclass(frozen=True)
class ConfigMayHaveChanged(OwnConfigReason):
    """The pipeline's config changed, and the checkpoint has no hashes of this component."""

    def __str__(self) -> str:
        return "config changed, and the checkpoint does not show whether that affects it"


@dataclass(frozen=True)
class NewInConfig(OwnConfigReason):
    """The checkpoint's config did not have the component."""

    def __str__(self) -> str:
        return "new in the config"


@dataclass(frozen=True)
class CodeChanged(Reason):
    """Its code changed."""

    changes: Sequence[CodeChange]

    def __str__(self) -> str:
        return f"code changed: {describe_code(self.changes)}"


@dataclass(frozen=True)
class DependencyChanged(Reason):
    """The config or the code of something that it depends on changed."""

    def __str__(self) -> str:
        return "a component that it depends on has changed"


@dataclass(frozen=True)
class ConfigRestart(Reason):
    """``on_config_change`` is ``restart``.

    :param changes: what differs; empty if only the order does
    :param recorded: whether the checkpoint has the hashes that show it
    """

    changes: tuple[ConfigChange, ...]
    recorded: bool

    def __str__(self) -> str:
        return f"config changed: {describe_changes(self.changes, recorded=self.recorded)}"


@dataclass(frozen=True)
class CodeRestart(Reason):
    """``on_code_change`` is ``restart``.

    :param changes: component to what changed in its code
    """

    changes: tuple[tuple[str, Sequence[CodeChange]], ...]

    def __str__(self) -> str:
        return f"code changed: {describe_all(dict(self.changes))}"


@dataclass(frozen=True)
class Requested(Reason):
    """A person or the config asked for it."""

    restart: RestartFrom

    def __str__(self) -> str:
        return f"{self.restart} was requested"


@dataclass(frozen=True)
class DamagedState(Reason):
    """What it saved of its session state cannot be restored.

    :param damage: what is wrong with it
    """

    damage: str

    def __str__(self) -> str:
        return self.damage


@dataclass(frozen=True)
class AlwaysRun(Reason):
    """It runs in every attempt in which anything runs."""

    def __str__(self) -> str:
        return "always_run"


@dataclass(frozen=True)
class SourceChanged(Reason):
    """Others changed what it had read.

    :param changes: its sources that changed
    :param policy: ``on_source_change``
    """

    changes: tuple[SourceChange, ...]
    policy: str

    def __str__(self) -> str:
        cleared = " and the task was cleared" if self.policy == "auto" else ""
        return f"a source changed since it was read: {list_changes(self.changes)} ({_set_to(self.policy)}{cleared})"


@dataclass(frozen=True)
class DependencyReadsAgain(Reason):
    """Something that it depends on reads a changed source again."""

    def __str__(self) -> str:
        return "a component that it depends on reads a changed source again"


@dataclass(frozen=True)
class StateOfChangedSource(Reason):
    """Later components need its session state, which only a run with other data can bring back."""

    changes: tuple[SourceChange, ...]
    policy: str

    def __str__(self) -> str:
        return (
            "later components need its session state, which was not saved, and a source changed since it was read: "
            f"{list_changes(self.changes)}; old and new data are never mixed ({_set_to(self.policy)})"
        )


@dataclass(frozen=True)
class SharedChangedSource(Reason):
    """Another component reads anew what it had read.

    :param source: what both read
    :param change: what has changed there, None if that is not known
    :param other: the other component
    :param needed: whether the other one only runs because its session state is needed
    :param policy: ``on_source_change``
    """

    source: SourceRecord
    change: SourceChange | None
    other: str
    needed: bool
    policy: str

    def __str__(self) -> str:
        what = f"which has changed since ({self.change.what})" if self.change else "which may have changed"
        again = "must run again for its session state" if self.needed else "runs again"
        return (
            f"it read {self.source.name}, {what}, and {self.other!r} {again}; old and new data are never mixed "
            f"({_set_to(self.policy)})"
        )


# Why a component is reused or replayed.


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
        return f"completed in attempt {self.attempt}, but later components need its session state, and that is 'replay'"


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


def _set_to(policy: str) -> str:
    return f"on_source_change is {policy!r}"
