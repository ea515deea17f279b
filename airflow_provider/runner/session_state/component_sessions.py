"""The copies of a session in which components run: each has what its component's ancestors left, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider.errors import describe
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.component_left import (
    ComponentLeft,
    carry_into_thread,
    carry_over,
)
from airflow_provider.runner.session_state.left_conflicts import LeftConflict, LeftSoFar
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.session_owners import claim_session, marked_thread, session_owner
from airflow_provider.runner.session_state.session_template import SessionTemplate, whole_clone
from airflow_provider.runner.session_state.tracker import SessionStateTracker
from airflow_provider.runner.spark.thread_session import ThreadSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class ComponentSession:
    """The copy of one component.

    :param component: its name
    :param given: the copy, for the threads that work in it
    :param tracker: tracks it
    :param above: its ancestors that have a copy, in the order of the plan
    :param not_carried: what ancestors left and is not in it, to the reason
    """

    component: str
    given: ThreadSession
    tracker: SessionStateTracker
    above: Sequence[str]
    not_carried: Mapping[str, str]

    @property
    def spark(self) -> SparkSession:
        """The copy."""
        return self.given.session


@dataclass(frozen=True)
class _EndedSession:
    """A copy as it was when its component had completed: code that goes on after that does not reach it.

    :param ended: the copy of the copy
    """

    session: ComponentSession
    left: ComponentLeft
    ended: SparkSession


class ComponentSessions:
    """Makes the copies for one attempt.

    :param spark: the session; what is in it now is in every copy
    :param tracker: tracks the session itself
    :param above: component to its ancestors, in the order of the plan, for all components of the plan in that order
    :raises SparkConfigError: its Spark cannot clone sessions
    """

    def __init__(self, spark: SparkSession, tracker: SessionStateTracker, above: Mapping[str, Sequence[str]]) -> None:
        self._spark = spark
        self._template = SessionTemplate(spark)
        self._tracker = tracker
        self._above = above
        self._ended: dict[str, _EndedSession] = {}
        self._left_so_far = LeftSoFar(above)
        outer = session_owner(spark)  # this pipeline may be run by a component of another one
        self._outer = f"{outer}/{uuid4().hex[:8]}:" if outer is not None else f"{uuid4().hex[:8]}:"

    def open(self, component: str) -> ComponentSession:
        """Return a new copy for a component, with what its completed ancestors left."""
        above = [name for name in self._above[component] if name in self._ended]
        base = max(above, key=lambda name: len(self._ended[name].session.above), default=None)
        copy = self._template.take() if base is None else whole_clone(self._ended[base].ended)
        there = {base, *(self._ended[base].session.above if base is not None else ())}
        not_carried: dict[str, str] = {}
        for name in above:
            if name not in there:
                not_carried |= self._carry(name, copy)
        owner = f"{self._outer}{component}"
        claim_session(copy, owner)
        tracker = self._tracker.in_copy(copy, ClassicProbe(copy), [self._ended[n].session.tracker for n in above])
        given = ThreadSession(component, copy, lambda: marked_thread(copy, owner))
        return ComponentSession(component, given, tracker, above, not_carried)

    def enter(self, session: ComponentSession) -> None:
        """Give the thread that is going to use a copy what ancestors left for the thread, and look at the copy.

        Call it where :attr:`ComponentSession.given` is entered.
        """
        carry_into_thread([self._ended[name].left for name in session.above], session.spark)
        session.tracker.begin()

    def conflicts(self, session: ComponentSession) -> list[LeftConflict]:
        """Return what a component left that contradicts what others left, to which it has no order."""
        left = session.tracker.left
        if left is None:
            return []
        return self._left_so_far.conflicts(left)

    def close(self, session: ComponentSession) -> None:
        """Keep what a component has left, for those that depend on it and for the session itself."""
        left = session.tracker.left
        if left is not None:
            self._left_so_far.add(left)
            self._ended[session.component] = _EndedSession(session, left, whole_clone(session.spark))

    def merge(self) -> dict[str, str]:
        """Bring what all of them left into the session itself, in the order of the plan, and into this thread.

        :return: what could not be brought there, to the reason
        """
        found: dict[str, str] = {}
        done = [name for name in self._above if name in self._ended]
        for name in done:
            try:
                found |= self._carry(name, self._spark)
                found |= carry_into_thread([self._ended[name].left], self._spark)
            except Exception as error:  # noqa: BLE001 - Spark raises anything, and the pipeline has run
                found[f"what {name!r} left"] = describe(error)
        return found

    def left_elsewhere(self, component: str, records: Mapping[str, SessionStateRecord]) -> dict[str, str]:
        """Return the names of what components left on which another one does not depend, in lower case, to who left it.

        :param records: what is recorded of components by earlier attempts
        """
        known = {name: [left for kind in kinds.KINDS for left in kind.names(state)] for name, state in records.items()}
        known |= {
            name: [str(one) for names in ended.left.left.values() for one in names]
            for name, ended in self._ended.items()
        }
        apart = [name for name in known if name != component and name not in self._above.get(component, ())]
        return {left.lower(): name for name in apart for left in known[name]}

    def _carry(self, name: str, target: SparkSession) -> dict[str, str]:
        return carry_over(self._ended[name].left, self._ended[name].ended, target)
