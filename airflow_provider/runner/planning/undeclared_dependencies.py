"""Which components read a view of one on which they do not depend, or leave the same view without an order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from airflow_provider.runner.config.graph import ancestors, find_cycles


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


def missing_edges(
    facts: Sequence[ViewUseFacts], depends_on: Mapping[str, Sequence[str]], *, only_before: bool
) -> dict[str, list[str]] | list[str]:
    """Return what to add to a graph so that nobody reads a view of one on which it does not depend.

    No more than that: what follows from another edge is left out.

    :param facts: one for each component, in the order of execution
    :param depends_on: name to the names it depends on; every name is a key, and there is no cycle
    :param only_before: whether only those count that come before the reader in the order of execution
    :return: component to what to add to its dependencies; or the cycle that this would make, as ``[a, b, a]`` where a
        would depend on b
    """
    names = [fact.component for fact in facts]
    needs = {name: list(others) for name, others in depends_on.items()}

    def lacking() -> list[UndeclaredRead]:
        found = find_undeclared_dependencies(facts, ancestors(needs, names)).reads
        return [read for read in found if read.runs_before or not only_before]

    all_of_them = {name: list(others) for name, others in needs.items()}
    for read in lacking():
        all_of_them[read.component].append(read.left_by)
    if cycles := find_cycles(all_of_them):
        return cycles[0]
    added: dict[str, list[str]] = {}
    while reads := lacking():
        needs[reads[0].component].append(reads[0].left_by)
        added.setdefault(reads[0].component, []).append(reads[0].left_by)
    return added


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
