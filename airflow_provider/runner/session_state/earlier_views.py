"""Keeps the views of completed components restorable while later components change what these views read.

Two groups of views need care: those whose component would be replayed, which are pinned (:mod:`.pinned_views`), and
those that have a copy (:mod:`.stale_copies`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.evidence import Evidence, EvidenceCollector
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.pinned_views import PinnedComponent, PinnedViews
from airflow_provider.runner.session_state.session_views import LATE_BOUND, SessionViews
from airflow_provider.runner.session_state.stale_copies import ViewChange, ViewCopies, changed_names
from airflow_provider.runner.session_state.statement_guard import SessionGuard

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SavedLater = tuple[str, SessionStateRecord]
"""A component of which something was saved after it had completed, and what is to be recorded of it now."""


class EarlierViews:
    """The views that the components of one attempt have left so far.

    :param config: the pipeline, for its policies
    :param guard: refuses statements that read a copy that is out of date
    :param evidence: knows what the components had read
    """

    def __init__(
        self,
        spark: SparkSession,
        config: PipelineConfig,
        views: SessionViews,
        guard: SessionGuard,
        evidence: EvidenceCollector,
    ) -> None:
        self._config = config
        self._attach(spark, views, guard, evidence)
        self._all = [self]

    def _attach(
        self, spark: SparkSession, views: SessionViews, guard: SessionGuard, evidence: EvidenceCollector
    ) -> None:
        self._views = views
        self._evidence = evidence
        self._pinned = PinnedViews(spark, views)
        self._copies = ViewCopies(views, guard)

    def in_copy(
        self, spark: SparkSession, views: SessionViews, guard: SessionGuard, evidence: EvidenceCollector
    ) -> EarlierViews:
        """Return the views of a component that runs in a copy of the session; what one changes is known to all."""
        made = copy.copy(self)
        made._attach(spark, views, guard, evidence)
        self._all.append(made)
        return made

    def add(
        self, component: ComponentConfig, position: int, record: SessionStateRecord, seconds: float, *, computed: bool
    ) -> SessionStateRecord:
        """Keep the views of a component that has run; return what is to be recorded of it.

        :param position: its place in the order of execution
        :param seconds: how long it ran
        :param computed: whether it computed something, so that a replay must read what it had read
        """
        policy = self._config.session_state_of(component.name)
        if record.handling != "replay" or policy != "auto":
            self._pinned.unpin(component.name)
            return record
        plans = {view: self._views.pin_plan(view) for view in record.left_views}
        late_bound = bool(plans) and not computed and set(plans.values()) == {LATE_BOUND}
        record = record.model_copy(update={"late_bound": late_bound})
        costly = record.work_seconds >= self._config.replay_below_cpu_seconds
        self._pinned.pin(PinnedComponent(component.name, position, record, plans, seconds, costly))
        return record

    def add_saved(self, component: str, position: int, record: SessionStateRecord) -> None:
        """Keep track of the copies of a component that has completed in this attempt."""
        self._copies.add_saved(component, position, record)

    def add_restored(self, component: str, record: SessionStateRecord, attempt: int | None) -> None:
        """Keep track of copies that have taken the place of a component's views.

        :param attempt: in which it completed, None if that is not known
        """
        self._copies.add_restored(component, record, attempt)

    def after_component(self, writer: str, evidence: Evidence, left: SessionChanges | None) -> tuple[SavedLater, ...]:
        """Save what a component has put out of date.

        :param writer: its name
        :param left: what it left in the session; None if it was replayed, and so left what was there before
        """
        names = changed_names(left) if left is not None else frozenset[str]()
        readers = [name for name in evidence.readers if name != writer]
        if evidence.doubts:  # what a process or Python on executors wrote is not among the targets
            readers += self._evidence.with_changed_sources([name for name in self._components() if name != writer])
        change = ViewChange(writer, readers, names)
        return tuple(saved for each in self._all for saved in each._save_outdated(change)) if readers or names else ()

    def give_up(self, why: str) -> tuple[SavedLater, ...]:
        """Return records for all views that may be out of date, so that no later attempt reads one that is.

        :param why: the reason
        """
        return tuple(
            saved for each in self._all for part in (each._pinned, each._copies) for saved in part.give_up(why)
        )

    def after_failed_component(self, writer: str, mark: object) -> tuple[list[SourceRecord], Iterator[SavedLater]]:
        """Find out what a component wrote before it failed; return these sources as they are now, and what to save.

        :param mark: where the session's history stood before it
        """
        readers, left = self._evidence.after_failure(mark)
        readers += self._evidence.with_changed_sources(self._components())
        change = ViewChange(writer, readers)
        return left, (saved for each in self._all for saved in each._save_outdated(change))

    def save_after_failure(self) -> Iterator[SavedLater]:
        """Save what would be costly to bring back otherwise, because the attempt has failed."""
        for each in reversed(self._all):
            yield from each._pinned.save_after_failure()

    def _components(self) -> list[str]:
        found = [name for each in self._all for part in (each._pinned, each._copies) for name in part.components()]
        return list(dict.fromkeys(found))

    def _save_outdated(self, change: ViewChange) -> Iterator[SavedLater]:
        # In doubt a component counts as a reader: two tables of one name, a directory that was written to below.
        copied = [name for name in change.readers if self._copies.has_copies_of(name)]
        unchanged = self._evidence.with_unchanged_sources(copied)
        seen = replace(change, readers=[name for name in change.readers if name not in unchanged])
        self._copies.refuse_outdated(seen)
        readers = [*change.readers, *self._pinned.readers_of(self._copies.outdated_pins(seen))]
        yield from self._copies.save_again(seen)
        yield from self._pinned.save_before_change(readers, change.writer)
