"""What the kinds of process state have in common: what a component leaves in Python's process for later ones.

Nothing of it is brought back from a record, which people can edit (invariant 8): a component that may run twice runs
again if a component that will run may need what it left, and otherwise the attempt is refused or goes on without it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

_SHOWN = 200  # characters of a name that comes from a record


class Need(IntEnum):
    """Whether a component needs what an earlier one left: as far as its code tells, ``MAYBE`` if it does not tell."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class ProcessPart:
    """What a process has of one kind at one moment.

    :param values: by name, what compares equal as long as nothing has changed
    :param first: the same as this session was first looked at
    :param may_appear: names that a component may have made; any other appears with the import of a module. None: all
    """

    values: Mapping[str, Any]
    first: Mapping[str, Any]
    may_appear: Collection[str] | None = None


def hides_names(reading: CodeReading | None) -> bool:
    """Whether code may use names that its reading does not have."""
    return reading is None or not reading.has_all_names


def uses_any(reading: CodeReading | None, names: Collection[str]) -> bool:
    """Whether code is known to use one of some names outside the author's own code, or anything in them."""
    return reading is not None and any(is_below(found.name, names) for found in reading.foreign)


def is_below(name: str, names: Collection[str]) -> bool:
    """Whether a dotted name is one of some names, or in one of them."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return bool(name)


@dataclass(frozen=True)
class LeftInProcess:
    """Something that a component left in the process.

    :param name: its name
    :param digest: hash of its value, which does not reveal it; empty if it has none
    :param is_new: whether there was nothing of that name before
    """

    name: str
    digest: str = ""
    is_new: bool = False


class ProcessStateKind(SessionStateKind[ProcessPart, Mapping[str, bool]]):
    """A kind of process state. What changed is the names, each with whether it is new.

    :cvar replaces: whether what one component leaves takes the place of what an earlier one left under that name
    """

    shared = True
    replaces: ClassVar[bool] = True

    @abstractmethod
    def look(self, look: SessionLook) -> Mapping[str, Any]:
        """Return what compares equal as long as nothing has changed, by name."""

    def may_appear(self, look: SessionLook) -> Collection[str] | None:
        """Return the names that a component may have made, None for all."""
        return None

    @abstractmethod
    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        """Return whether a component needs what an earlier one left.

        :param reading: its code, None if that cannot be read
        :param component: its config
        """

    @abstractmethod
    def words(self, left: LeftInProcess) -> str:
        """Return what was left, for people: ``environment variable TZ``."""

    def digest(self, name: str) -> str:
        """Return a hash of the value that a name has now, which does not reveal it; empty if it has none."""
        return ""

    def still_has(self, left: LeftInProcess) -> bool:
        """Whether the process has what was left, because it is the one in which it was left. False in doubt."""
        return bool(left.digest) and left.digest == self.digest(left.name)

    def is_silent(self, left: LeftInProcess) -> bool:
        """Whether a component that lacks it may answer otherwise instead of failing."""
        return True

    def capture(self, look: SessionLook) -> ProcessPart:
        values = self.look(look)
        last: ProcessPart | None = look.memory.get(self.name)
        if last is not None and last.values == values:
            return last
        first = last.first if last is not None else values
        part = look.memory[self.name] = ProcessPart(values, first, self.may_appear(look))
        return part

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[str, bool]:
        old, new = before.of(self), after.of(self)
        if old is new:
            return {}
        made = new.values.keys() - old.values.keys()
        names = made if new.may_appear is None else made.intersection(new.may_appear)
        names |= {name for name, value in old.values.items() if name not in new.values or new.values[name] != value}
        return {name: name not in old.values for name in sorted(names)}

    def outcomes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[str, Any]:
        return {name: after.of(self).values.get(name) for name in self.changes(before, after)}

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        """Whether what components left is there. What others have changed meanwhile is theirs."""
        part, values = before.of(self), now.of(self).values
        left = [name for name in part.values.keys() | part.first.keys() if _differs(part.first, part.values, name)]
        return not any(_differs(part.values, values, name) for name in left)

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        return Assessment()  # what is lost depends on who needs it

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = {
            name: {"digest": self.digest(name), "new": is_new}
            for name, is_new in changes.of(self).items()
            if not self.is_left_by_imports(changes, name)
        }
        return RecordedPart(own=found or None)

    def is_left_by_imports(self, changes: SessionChanges, name: str) -> bool:
        """Whether modules set it when they were imported, as they do again when they are imported again."""
        return False

    def left(self, record: SessionStateRecord) -> list[LeftInProcess]:
        """Return what a record says that its component left."""
        found = record.parts.get(self.name)
        if not isinstance(found, dict):
            return []
        return [
            LeftInProcess(name[:_SHOWN], str(what.get("digest", "")), what.get("new") is True)
            for name, what in found.items()
            if isinstance(what, dict)
        ]

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(self.left(record))

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        """Restore nothing, but let an error of a component that misses something of it be explained."""
        target.lost |= {
            self.words(left): "only another run of its component makes it again" for left in self.left(record)
        }

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        there = outcome.after.of(self).values
        for left in self.left(recorded):
            if left.digest and left.digest != self.digest(left.name):
                yield f"{self.words(left)} has another value"
            elif left.is_new and left.name not in there:
                yield f"{self.words(left)} is missing"

    def names(self, record: SessionStateRecord) -> list[str]:
        return [left.name for left in self.left(record)]

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return []  # a record brings nothing of it back


def _differs(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    return (name in one) != (name in other) or (name in one and one[name] != other[name])
