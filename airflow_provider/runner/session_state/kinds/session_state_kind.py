"""What each kind of session state answers for: one class that everything goes through which handles session state.

The questions follow the life of what a component leaves: found in the session (`capture`, `changes`), judged and
recorded (`assess`, `record`), checked, restored and compared after a replay (`rejections`, `damage`, `restore`,
`differences`), carried from one copy of the session to another (`fill_clone`, `outcomes`, `carry`), and put into words
(`names`, `restored_names`, `restored_words`, `brief_words`). Kinds have no state of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    MissingState,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SavedStorage,
    SessionAccess,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Part = TypeVar("Part")
Change = TypeVar("Change")


@dataclass(frozen=True)
class SessionSnapshot:
    """What is in a session at one moment.

    :param parts: the part of each kind, by the kind's name
    :param mark: where the session's history stands; None if that is not known
    :param unknown: name of a kind that could not be looked at, to the reason. Its part is that of an earlier moment
    """

    parts: Mapping[str, Any]
    mark: Any = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: SessionStateKind[Part, Any]) -> Part:
        """Return the part of one kind."""
        return cast("Part", self.parts[kind.name])


@dataclass(frozen=True)
class StatementEffects:
    """What a component's statements did to the session; on Spark Connect no snapshot shows it.

    :param set_variables: whether they declared or set session variables
    :param declared: these variables, if they did nothing to any other
    :param added: what they gave the session: files, archives and jars by name or in a word
    :param registered: the data sources that they registered
    :param sets_path: whether they set the SQL path
    """

    set_variables: bool = False
    declared: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()
    sets_path: bool = False


@dataclass(frozen=True)
class SessionChanges:
    """What a component left in the session.

    :param parts: what it changed of each kind, by the kind's name
    :param statements: what only its statements tell
    :param unknown: name of a kind of which it is not known what the component changed, to the reason
    :param unknown_assessed: the same to what that means
    :param set_by_imports: environment variables that only modules set, when they were imported
    """

    parts: Mapping[str, Any]
    statements: StatementEffects = field(default_factory=StatementEffects)
    unknown: Mapping[str, str] = field(default_factory=dict)
    unknown_assessed: Mapping[str, Assessment] = field(default_factory=dict)
    set_by_imports: frozenset[str] = frozenset()

    def of(self, kind: SessionStateKind[Any, Change]) -> Change:
        """Return what it changed of one kind."""
        return cast("Change", self.parts[kind.name])


@dataclass(frozen=True)
class ReplayOutcome:
    """What a component left when it was replayed.

    :param left: what it left this time
    :param after: the session after it
    :param earlier: views that earlier components have left in this attempt; others in the session may be of later ones
    """

    left: SessionChanges
    after: SessionSnapshot
    earlier: Collection[ViewName] = ()


class SessionStateKind(ABC, Generic[Part, Change]):
    """One kind of session state.

    :cvar name: names it in snapshots, changes and records
    :cvar jvm_section: source of a Java class that is a ``java.util.function.Function`` from a classic session to a map
        of texts, see :data:`~airflow_provider.runner.session_state.probes.session_look.Section`; empty if the kind asks
        nothing of the JVM. All kinds are asked in one call
    :cvar is_missed_loudly: whether a component that misses something of this kind gets an error, never another answer
    :cvar shared: whether all copies of a session have it in common, so that there is nothing to carry over
    :cvar of_thread: whether each thread has its own instead of each session
    """

    name: ClassVar[str]
    jvm_section: ClassVar[str] = ""
    is_missed_loudly: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    of_thread: ClassVar[bool] = False

    @abstractmethod
    def capture(self, look: SessionLook) -> Part:
        """Return this kind's part of a snapshot. It must not compute anything."""

    @abstractmethod
    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> Change:
        """Return what a component changed that ran between two snapshots."""

    def unseen(self) -> Part:
        """Return the part of a snapshot that could never be looked at."""
        return cast("Part", {})

    def unchanged(self) -> Change:
        """Return the change of a component that changed nothing, or of which nothing is known."""
        return cast("Change", None)

    def assess_unknown(self, why: str, before: SessionSnapshot | None) -> Assessment:
        """Judge a component of which it is not known what it changed: as the worst case.

        :param why: the reason
        :param before: the session before the component; None if that is not known either
        """
        hides_nothing = before is not None and self.name not in before.unknown and not before.of(self)
        if self.is_missed_loudly and hides_nothing:
            return Assessment({f"its {self.name}": f"they could not be looked at: {why}"})
        return Assessment(changes_answers=f"may have changed {self.name}, which could not be looked at: {why}")

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        """Whether what components left of this kind is still there as it was; True for what :meth:`reset` can undo."""
        return before.of(self) == now.of(self)

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        """Undo what a failed component changed, if that can be undone."""

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        """Whether something is in the session again that was lost."""
        return False

    def is_missed(self, name: str, error: str) -> bool:
        """Whether the text of an error says that something is missing that was lost.

        :param name: of what was lost, as :class:`Assessment` has it
        """
        return False

    def renamed(self, changes: SessionChanges) -> list[str]:
        """Return the names in the SQL text of a view that mean something else since, as :class:`SavedView` has them."""
        return []

    def leaves_code(self, changes: SessionChanges) -> bool:
        """Whether a component left code that runs only when a later component uses it, such as a lazy view.

        What that code does outside Spark, it does when it runs; so it counts for those that may run it, too.
        """
        return False

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        """Judge how far a record can bring back what a component left."""
        return Assessment()

    def fill_clone(self, origin: SparkSession, clone: SparkSession) -> None:
        """Bring into a new clone of a session what Spark leaves out of it."""

    def outcomes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[Any, Any]:
        """Return the names of what a component left, each with what it is now; None for what it removed.

        What is equal for two components is the same, whichever of them comes last.
        """
        old, new = before.of(self), after.of(self)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            return {name: new.get(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        return {self.name: new} if old != new else {}

    def is_shared(self, name: Any) -> bool:
        """Whether all copies of a session have something in common.

        :param name: one of the :meth:`outcomes` of a component
        """
        return self.shared

    def carry(self, left: Mapping[Any, Any], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        """Bring what a component left in its copy of the session into another one, as if it had run there.

        A kind ``of_thread`` is asked in the thread that is to have it.

        :param left: its :meth:`outcomes`, without what :meth:`is_shared`
        :param origin: its copy, with all of it; components after it may have left something in the target already
        :return: names of what cannot be carried over, to the reason
        :raises Exception: what Spark raises
        """
        return {str(name): f"{self.name} cannot be carried from one copy of the session to another" for name in left}

    @abstractmethod
    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        """Return what is recorded.

        :param kept: whether the record is to bring it back; otherwise the component runs again, or nothing does
        """

    @abstractmethod
    def is_recorded(self, record: SessionStateRecord) -> bool:
        """Whether a record has something of this kind, so that a later component may need it."""

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        """Yield why a record must not be restored. Nothing may be executed, and nothing but local directories read."""
        yield from ()

    def damage(self, record: SessionStateRecord, storage: SavedStorage) -> str | None:
        """Return what is wrong with what a record needs of the storage, None if nothing is."""
        return None

    def missing(self, record: SessionStateRecord) -> Iterator[MissingState]:
        """Yield what a record that is restored does not bring back."""
        yield from ()

    @abstractmethod
    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        """Bring back what a component left, from a record without :meth:`rejections`.

        :raises NotRestoredError: the record leads where it must not
        :raises Exception: what Spark raises
        """

    @abstractmethod
    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        """Yield what a replayed component left that differs from what it had left before, in words."""

    @abstractmethod
    def names(self, record: SessionStateRecord) -> list[str]:
        """Return the names of what a component left for others."""

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        """Return those of these names that a record brings back: all of them, unless a kind says otherwise."""
        return self.names(record)

    def restored_words(self, record: SessionStateRecord) -> str:
        """Say what a record brings back, for the log: ``settings a, b``; empty if nothing."""
        names = self.restored_names(record)
        return f"{self.name} {', '.join(names)}" if names else ""

    def brief_words(self, record: SessionStateRecord) -> str:
        """Say the same for a table: ``2 settings``; empty if nothing."""
        return counted(len(self.restored_names(record)), self.name)


def counted(number: int, plural: str) -> str:
    """Return ``2 settings``, ``1 setting``, ``1 entry``, or nothing for none."""
    if not number:
        return ""
    one = f"{plural.removesuffix('ies')}y" if plural.endswith("ies") else plural.removesuffix("s")
    return f"1 {one}" if number == 1 else f"{number} {plural}"
