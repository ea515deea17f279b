"""The order of execution, and the cycles that prevent one."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
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
