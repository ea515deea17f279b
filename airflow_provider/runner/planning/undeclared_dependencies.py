"""Which components read a view of one on which they do not depend, or leave the same view without an order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class ViewUseFacts:
    """What is known of the views of a component; their names are in lower case.

    :param component: its name
    :param leaves: views that it leaves
    :param reads: views that it reads
    """

    component: str
    leaves: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True)
class UndeclaredRead:
    """A component reads a view, and nothing that it depends on leaves the view.

    :param component: the component that reads
    :param view: what it reads
    :param left_by: who leaves the view and could be depended on; of several, the last one before the reader in the
        order of execution, or the first one after it
    :param runs_before: whether that one comes before the reader in the order of execution
    """

    component: str
    view: str
    left_by: str
    runs_before: bool


@dataclass(frozen=True)
class LeftBySeveral:
    """Components leave the same view, and some two of them have no order between them.

    :param view: the view
    :param components: those that have no order to another one of them, in the order of execution
    """

    view: str
    components: tuple[str, ...]


@dataclass(frozen=True)
class UndeclaredDependencies:
    """All that is found in a pipeline.

    :param reads: in the order of the readers
    :param lefts: by view
    """

    reads: tuple[UndeclaredRead, ...] = ()
    lefts: tuple[LeftBySeveral, ...] = ()


def find_undeclared_dependencies(
    facts: Sequence[ViewUseFacts], above: Mapping[str, Collection[str]]
) -> UndeclaredDependencies:
    """Return which dependencies a pipeline lacks, as far as the facts show.

    :param facts: one for each component, in the order of execution
    :param above: component to all that it depends on, directly or not
    """
    leavers: dict[str, list[str]] = {}
    for fact in facts:
        for view in fact.leaves:
            leavers.setdefault(view, []).append(fact.component)
    return UndeclaredDependencies(tuple(_reads(facts, leavers, above)), tuple(_lefts(leavers, above)))


def _reads(
    facts: Sequence[ViewUseFacts], leavers: Mapping[str, Sequence[str]], above: Mapping[str, Collection[str]]
) -> Iterator[UndeclaredRead]:
    place = {fact.component: number for number, fact in enumerate(facts)}
    for fact in facts:
        reader = fact.component
        for view in sorted(fact.reads):
            others = [name for name in leavers.get(view, ()) if name != reader and reader not in above[name]]
            if not others or any(name in above[reader] for name in others):
                continue
            before = [name for name in others if place[name] < place[reader]]
            yield UndeclaredRead(reader, view, before[-1] if before else others[0], bool(before))


def _lefts(leavers: Mapping[str, Sequence[str]], above: Mapping[str, Collection[str]]) -> Iterator[LeftBySeveral]:
    for view, names in sorted(leavers.items()):
        unordered = {
            name
            for one, other in combinations(names, 2)
            if one not in above[other] and other not in above[one]
            for name in (one, other)
        }
        if unordered:
            yield LeftBySeveral(view, tuple(name for name in names if name in unordered))
