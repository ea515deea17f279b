"""Why a component runs: the facts of each reason, and as ``str()`` the sentence that people read.

Code asks for the class and the facts, never for the sentence. Why one is reused or replayed:
:mod:`airflow_provider.runner.planning.reuse_reasons`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

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


def _set_to(policy: str) -> str:
    return f"on_source_change is {policy!r}"
