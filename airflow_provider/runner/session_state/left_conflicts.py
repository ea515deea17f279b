"""What components without an order between them both left: which of them counts would depend on who comes last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.component_left import ComponentLeft


@dataclass(frozen=True)
class LeftConflict:
    """Something that several components left, and not the same.

    :param kind: name of the kind of session state
    :param name: of what they left, as the kind names it
    :param components: their names, in the order in which they were given
    :param shared: whether all copies of the session have it in common, so that one component may have seen what the
        other one did while it ran
    """

    kind: str
    name: str
    components: tuple[str, ...]
    shared: bool


def find_conflicts(unordered: Sequence[ComponentLeft]) -> list[LeftConflict]:
    """Return what components left that contradicts each other, in the order of the kinds, and by name.

    Two that set the same value, or that remove the same, do not contradict each other: whoever comes last, the session
    is the same. Views and functions are equal only if they are one and the same: what two of them do is not compared.

    :param unordered: components none of which is an ancestor of another one
    """
    found = []
    for kind in kinds.KINDS:
        values: dict[Any, list[tuple[str, Any]]] = {}
        for one in unordered:
            for name, value in one.left.get(kind.name, {}).items():
                values.setdefault(name, []).append((one.component, value))
        found += [
            LeftConflict(kind.name, str(name), tuple(component for component, _ in by), kind.is_shared(name))
            for name, by in sorted(values.items(), key=lambda item: str(item[0]))
            if any(value != by[0][1] for _, value in by)
        ]
    return found


@dataclass
class LeftSoFar:
    """What the components of an attempt have left so far.

    :param above: component to all that it depends on, for all components of the plan in that order
    """

    above: Mapping[str, Sequence[str]]
    _lefts: dict[str, ComponentLeft] = field(default_factory=dict)

    def conflicts(self, left: ComponentLeft) -> list[LeftConflict]:
        """Return what a component has just left that contradicts what others left, to which it has no order."""
        name = left.component
        unordered = [
            other
            for other in self._lefts.values()
            if other.component not in self.above[name] and name not in self.above[other.component]
        ]
        order = {component: place for place, component in enumerate(self.above)}
        lefts = sorted([*unordered, left], key=lambda one: order[one.component])
        return [found for found in find_conflicts(lefts) if name in found.components]

    def add(self, left: ComponentLeft) -> None:
        """Keep what a component left that has completed."""
        self._lefts[left.component] = left
