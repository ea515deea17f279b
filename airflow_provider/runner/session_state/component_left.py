"""What a component left in its copy of the session, carried over into other sessions: as data, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionSnapshot,
    SessionStateKind,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Left = Mapping[str, Mapping[Any, Any]]
"""Name of each kind of which something was left to its :meth:`~SessionStateKind.outcomes`."""


@dataclass(frozen=True)
class ComponentLeft:
    """What a component left in its copy of the session.

    :param component: its name
    :param left: by kind
    :param not_carried: names of what is known to stay behind when this is carried over, to the reason
    """

    component: str
    left: Left
    not_carried: Mapping[str, str] = field(default_factory=dict)


def component_left(component: str, before: SessionSnapshot, after: SessionSnapshot) -> ComponentLeft:
    """Compare the copy of a component before and after it.

    :param before: with what earlier components left already carried into it
    """
    unknown = {
        kind.name: after.unknown.get(kind.name) or before.unknown[kind.name]
        for kind in kinds.KINDS
        if kind.name in {*before.unknown, *after.unknown}
    }
    found = {kind.name: kind.outcomes(before, after) for kind in kinds.KINDS if kind.name not in unknown}
    stays = {name: f"it could not be looked at: {why}" for name, why in unknown.items() if not _of(name).shared}
    return ComponentLeft(
        component,
        {name: left for name, left in found.items() if left},
        stays,
    )


def carry_over(left: ComponentLeft, origin: SparkSession, target: SparkSession) -> dict[str, str]:
    """Bring what a component left into another session. What several left is brought there in the order of the plan.

    What belongs to a thread is left out, see :func:`carry_into_thread`.

    :param origin: the component's copy
    :return: names of what was not carried over, to the reason
    :raises Exception: what Spark raises
    """
    found = dict(left.not_carried)
    for kind in _those_with(left, of_thread=False):
        if own := {name: value for name, value in left.left[kind.name].items() if not kind.is_shared(name)}:
            found |= kind.carry(own, origin, target)
    # Tables that the component wrote may be known to the target with the files that they had before.
    target._jsparkSession.sessionState().catalog().invalidateAllCachedTables()
    return found


def carry_into_thread(left: Sequence[ComponentLeft], target: SparkSession) -> dict[str, str]:
    """Give this thread what components left that belongs to a thread, in the order of the plan.

    :param target: the session that the thread is going to use
    :return: names of what was not carried over, to the reason
    """
    found: dict[str, str] = {}
    for one in left:
        for kind in _those_with(one, of_thread=True):
            found |= kind.carry(one.left[kind.name], target, target)
    return found


def _those_with(left: ComponentLeft, *, of_thread: bool) -> Iterable[SessionStateKind[Any, Any]]:
    return (kind for kind in kinds.KINDS if kind.of_thread is of_thread and kind.name in left.left)


def _of(name: str) -> SessionStateKind[Any, Any]:
    return next(kind for kind in kinds.KINDS if kind.name == name)
