"""The order of execution, and the cycles that prevent one."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def execution_order(depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names with dependencies first, otherwise in the order of the mapping.

    :param depends_on: name to the names it depends on; every name is a key, and there is no cycle
    """
    position = {name: index for index, name in enumerate(depends_on)}
    sorter = TopologicalSorter(depends_on)
    sorter.prepare()
    ready: list[tuple[int, str]] = []
    order: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (position[name], name))
        _, name = heapq.heappop(ready)
        order.append(name)
        sorter.done(name)
    return order


def find_cycles(depends_on: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return cycles that share no component, each as ``[a, b, a]`` where a depends on b.

    A cycle starts with its component that comes first in the mapping. Dependencies that are no key of
    the mapping are ignored, and so is a component that depends on itself.
    """
    remaining = {
        name: [other for other in others if other in depends_on and other != name]
        for name, others in depends_on.items()
    }
    position = {name: index for index, name in enumerate(depends_on)}
    cycles: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(remaining).prepare()
            return cycles
        except CycleError as error:
            # graphlib lists each node as a predecessor of the next; the author reads "depends on".
            ring = list(reversed(error.args[1]))[:-1]
        start = min(range(len(ring)), key=lambda index: position[ring[index]])
        ring = ring[start:] + ring[:start]
        cycles.append([*ring, ring[0]])
        remaining = {
            name: [other for other in others if other not in ring]
            for name, others in remaining.items()
            if name not in ring
        }


def descendants(depends_on: Mapping[str, Sequence[str]], roots: set[str]) -> set[str]:
    """Return the roots and everything that depends on one of them, directly or not."""
    reached = set(roots)
    for name in execution_order(depends_on):
        if any(other in reached for other in depends_on[name]):
            reached.add(name)
    return reached


def ancestors(depends_on: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """Return what each of some names depends on, directly or not, in the order in which the names are given.

    :param depends_on: name to the names it depends on; every name is a key, and there is no cycle
    :param names: the names to tell of, and to tell about
    """
    above: dict[str, set[str]] = {}
    for name in execution_order(depends_on):
        above[name] = set().union(*({other} | above[other] for other in depends_on[name]))
    return {name: [other for other in names if other in above[name]] for name in names}


def direct_needs(depends_on: Mapping[str, Sequence[str]], among: Collection[str]) -> dict[str, list[str]]:
    """Return the graph of some names only: one that depends on another through names left out depends on it directly.

    :param depends_on: name to the names it depends on; every name is a key, and there is no cycle
    :param among: the names to keep
    :return: kept name to the kept names that it depends on, both in the order of the mapping
    """
    position = {name: index for index, name in enumerate(depends_on)}
    needs: dict[str, set[str]] = {}
    for name in execution_order(depends_on):
        found = [{other} if other in among else needs[other] for other in depends_on[name]]
        needs[name] = set().union(*found)
    return {name: sorted(needs[name], key=position.__getitem__) for name in depends_on if name in among}


def graph_width(depends_on: Mapping[str, Sequence[str]]) -> int:
    """Return how many names there are at most of which none depends on another, directly or not.

    That is the number of chains that cover the graph (Dilworth), found by matching each name with its successor in a
    chain.

    :param depends_on: name to the names it depends on; every name is a key, and there is no cycle
    """
    order = execution_order(depends_on)
    index = {name: number for number, name in enumerate(order)}
    before: list[int] = []  # bit mask of all that a name depends on
    for name in order:
        mask = 0
        for other in depends_on[name]:
            mask |= before[index[other]] | 1 << index[other]
        before.append(mask)
    successor: dict[int, int] = {}
    for number in range(len(order)):
        _give_predecessor(number, before, successor)
    return len(order) - len(successor)


def _give_predecessor(number: int, before: Sequence[int], successor: dict[int, int]) -> None:
    """Give a name a predecessor in a chain, moving others to other predecessors, if that is possible."""
    waiting, asked_by, seen = [number], dict[int, int](), 0
    for asking in waiting:
        free = before[asking] & ~seen
        seen |= free
        while free:
            candidate = free.bit_length() - 1
            free ^= 1 << candidate
            asked_by[candidate] = asking
            if candidate not in successor:
                _move_along(candidate, asked_by, successor)
                return
            waiting.append(successor[candidate])


def _move_along(candidate: int, asked_by: Mapping[int, int], successor: dict[int, int]) -> None:
    chain_of = {later: earlier for earlier, later in successor.items()}
    while True:
        asking = asked_by[candidate]
        left = chain_of.get(asking)
        successor[candidate] = asking
        if left is None:
            return
        candidate = left
