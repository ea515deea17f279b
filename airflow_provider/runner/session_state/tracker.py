"""Keeps the session state of a run: records what each component left, and brings it back on the next attempt."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider.errors import ReplayDiffersError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord, TouchedData
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import session_changes
from airflow_provider.runner.session_state.changes.replay_check import check_replay
from airflow_provider.runner.session_state.changes.snapshot import SessionSnapshot
from airflow_provider.runner.session_state.evidence import Evidence, EvidenceCollector
from airflow_provider.runner.session_state.pinned_views import PinnedComponent, PinnedViews
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.record_builder import RecordBuilder
from airflow_provider.runner.session_state.restore import (
    SessionRestorer,
    change_setting,
    make_current,
    restored_in_words,
)
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory
from airflow_provider.runner.session_state.saved.files import remove_attempts
from airflow_provider.runner.session_state.saved.saver import ViewSaver
from airflow_provider.runner.session_state.session_views import LATE_BOUND, SessionViews
from airflow_provider.runner.session_state.sources.moved import moved_sources
from airflow_provider.runner.session_state.stale_copies import ViewChange, ViewCopies, changed_names
from airflow_provider.runner.session_state.statement_guard import SessionGuard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ComponentTiming:
    """How a component ran.

    :param seconds: for how long
    :param entered: the author's functions that ran, as far as Python could tell
    """

    seconds: float
    entered: Sequence[str] = ()


@dataclass(frozen=True)
class ComponentFindings:
    """What was found out about a component that has completed.

    :param session_state: what is to be recorded of what it left; None if its record stays
    :param touched: what it read and wrote; None if its record stays
    :param saved: earlier components of which something was saved because of it, with what is to be recorded of them
    """

    session_state: SessionStateRecord | None = None
    touched: TouchedData | None = None
    saved: tuple[tuple[str, SessionStateRecord], ...] = ()

    @property
    def has_saved(self) -> bool:
        """Whether any view was saved."""
        return bool(self.saved or (self.session_state is not None and self.session_state.views))


@dataclass
class SessionStateTracker:
    """Watches one session during one attempt.

    :param spark: the session
    :param probe: looks into it
    :param config: the pipeline, for its policies
    :param saved: directory of this run for saved views; None to save nothing
    """

    spark: Any
    probe: SessionProbe
    config: PipelineConfig
    saved: SavedDirectory | None

    def __post_init__(self) -> None:
        self.url = self.saved.url if self.saved else None
        self._saver = (
            ViewSaver(self.spark, self.saved, self.config.session_state_format) if self.saved is not None else None
        )
        self._session_views = SessionViews(self.spark, self.probe, self._saver)
        self._builder = RecordBuilder(self.spark, self.probe, self.config, self._session_views)
        self._restorer = SessionRestorer(self.spark, self.probe, self.url, self.config.session_state_format)
        self._before: SessionSnapshot = self.probe.snapshot()
        self._first = self._before
        self._present: set[str] = set()
        self._views: set[ViewName] = set()  # that components have left in this attempt
        self._evidence = EvidenceCollector(self.spark, self.probe, self.config, self.url)
        self._guard = SessionGuard(self.spark)
        self._copies = ViewCopies(self._session_views, self._guard)
        self._owners: dict[ViewName, str] = {}  # of views, the component that left each
        self._attempts: dict[str, int] = {}  # in which components of earlier attempts completed
        self._pinned = PinnedViews(self.spark, self._session_views)

    def load_earlier_records(self, records: Mapping[str, ComponentRecord]) -> None:
        """Take note of what is recorded of components that completed in earlier attempts."""
        self._builder.skip_reasons_already_logged(
            {name: r.session_state.reason for name, r in records.items() if r.session_state}
        )
        self._evidence.load_earlier_sources({name: record.sources for name, record in records.items()})
        self._attempts = {name: record.attempt for name, record in records.items()}

    def adopt_copied_session(self, records: Mapping[str, SessionStateRecord]) -> None:
        """Take note that the session is a copy of one in which these components ran.

        :param records: component to what it left, in the order in which they ran
        """
        moved = [record for record in records.values() if record.catalog and record.database]
        if moved:  # the one thing that Spark does not copy is the current catalog
            make_current(self.spark, str(moved[-1].catalog), str(moved[-1].database))
        self._present.update(records)
        self._before = self._first = self.probe.snapshot()

    def components_present(self) -> set[str]:
        """Return the components whose session state is in the session, which nothing has touched since."""
        now = self.probe.snapshot()
        same = (now.views, now.functions, now.objects) == (
            self._before.views,
            self._before.functions,
            self._before.objects,
        )
        return set(self._present) if same else set()

    def view_names(self) -> list[str]:
        """Return the names of the views in the session, as of the last look."""
        return [str(view) for view in self._before.views]

    @property
    def lost(self) -> Mapping[str, str]:
        """What completed components left and nothing has brought back, to the reason."""
        return {name: why for name, why in self._restorer.lost.items() if name not in self._before.objects}

    def reset_session(self) -> None:
        """Undo what a component that failed in this session did to settings, current catalog and database.

        If it did more than that, everything is brought back from the start, so the start's settings are put back.
        """
        self._views.clear()
        before = self._before if self.components_present() else self._first
        now = self.probe.snapshot()
        for key, value in before.settings.items():
            if now.settings.get(key) != value:
                change_setting(self.spark, key, value)
        for key in now.settings.keys() - before.settings.keys():
            change_setting(self.spark, key, None)
        if (now.catalog, now.database) != (before.catalog, before.database):
            make_current(self.spark, before.catalog, before.database)
        self._before = self.probe.snapshot()

    @contextmanager
    def watching(self, component: str) -> Iterator[None]:
        """Watch what the component that runs in here does outside the session, and what it overwrites.

        :param component: its name
        """
        with self._guard.watching(component, self._owners), self._evidence.watching():
            yield

    def forget_failed_component(self) -> None:
        """Take note that a component failed, so that what it left is not taken for the next one's."""
        try:
            self._before = self.probe.snapshot()
        except Exception as error:  # noqa: BLE001 - the session may be what failed; the next component will say so
            logger.warning("the Spark session cannot be looked at: %s", describe(error))
        self._present.clear()

    def after_success(self, component: ComponentConfig, position: int, ran: ComponentTiming) -> ComponentFindings:
        """Find out what a component left and did, and save its views if that is to be done.

        The views themselves stay as they are. A view that cannot be saved is no failure, but a later attempt that needs
        it is.

        :param component: its config
        :param position: its place in the order of execution
        :param ran: how it ran
        """
        before, after = self._before, self.probe.snapshot()
        self._present.add(component.name)
        left = session_changes(before, after)
        self._note_owner(component.name, left.views)
        evidence = self._evidence.collect(component, before.mark, left, ran.entered)
        record = self._builder.build(component, position, left, evidence)
        if record.views:
            self._evidence.forget_lazy_code(component.name)
        self._copies.add_saved(component.name, position, record)
        record = self._pin(component, position, record, ran.seconds, computed=evidence.computed)
        saved = self._save_readers(evidence, component.name, changed_names(left, set_variables=evidence.set_variables))
        # No saving is the next component's work.
        self._before = self.probe.snapshot() if record.urls or saved else after
        return ComponentFindings(record, evidence.touched, saved)

    def after_replay(
        self, component: ComponentConfig, position: int, ran: ComponentTiming, record: SessionStateRecord | None
    ) -> ComponentFindings:
        """Take note that a component has been replayed: what it left needs no new record.

        :param component: its config
        :param position: its place in the order of execution
        :param ran: how it ran
        :param record: what is recorded of what it left, None if that is not known
        :raises ReplayDiffersError: it left something else, or has read what lies elsewhere
        """
        before, after = self._before, self.probe.snapshot()
        left = session_changes(before, after)
        had_read = self._evidence.sources_of(component.name)
        evidence = self._evidence.collect(component, before.mark, left, ran.entered)
        if elsewhere := moved_sources(component.config, had_read, evidence.touched.sources):
            raise ReplayDiffersError(component.name, elsewhere)
        if record is not None:
            check_replay(component.name, record, left, after, self._views)
        self._present.add(component.name)
        self._note_owner(component.name, left.views)
        if record is not None:
            self._pin(component, position, record, ran.seconds, computed=not record.late_bound)
        saved = self._save_readers(evidence, component.name)
        self._before = self.probe.snapshot() if saved else after
        return ComponentFindings(saved=saved)

    def after_failure(self, component: str, *, goes_on: bool) -> ComponentFindings:
        """Take note that a component failed, and find out what it wrote before.

        :param component: its name
        :param goes_on: whether further components may run in this session
        """
        left: list[SourceRecord] = []
        saved: list[tuple[str, SessionStateRecord]] = []
        try:
            readers, left = self._evidence.after_failure(self._before.mark)
            readers += self._evidence.with_changed_sources([*self._pinned.components(), *self._copies.components()])
            for name, record in self._save_outdated(ViewChange(component, readers)):
                saved.append((name, record))
        except Exception as error:  # noqa: BLE001 - the session may be what failed, in whatever words
            logger.warning("what %s wrote before it failed cannot be looked at: %s", component, describe(error))
        if goes_on:
            self.forget_failed_component()
        return ComponentFindings(touched=TouchedData(left=left), saved=tuple(saved))

    def save_after_failure(self) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what would be costly to bring back otherwise; yield what is to be recorded of each component."""
        if self._saver is not None and self.is_alive():
            yield from self._pinned.save_after_failure()

    def restore(self, component: str, record: SessionStateRecord, dropped: Collection[str] = ()) -> None:
        """Bring back what a component left.

        :param component: its name
        :param record: what was recorded of it
        :param dropped: databases and tables that later components dropped
        :raises NotRestoredError: the record holds what must not come from one; nothing of it has been used
        :raises Exception: what Spark raises
        """
        self._restorer.restore(record, dropped)
        self._copies.add_restored(component, record, self._attempts.get(component))
        self._note_owner(component, record.left_views)
        what = restored_in_words(record)
        if what:
            logger.info("restored for %s: %s", component, what)
        for name, why in sorted(self._restorer.lost.items() & record.lost.items()):
            logger.warning("%s of %s is not there again: %s; a component that needs it fails", name, component, why)
        self._before = self.probe.snapshot()

    def is_alive(self) -> bool:
        """Whether the session can still be looked at."""
        try:
            self.probe.snapshot()
        except Exception:  # noqa: BLE001 - the JVM or the server is gone, in whatever words
            return False
        return True

    def delete_stale_attempts(self, wanted: Iterable[SessionStateRecord]) -> None:
        """Delete what earlier attempts saved or began to save, except what is still wanted.

        :param wanted: records of the components that stay completed
        """
        if self._saver is not None and self.url:
            remove_attempts(self._saver.files, self.url, [url for record in wanted for url in record.urls])

    def _pin(
        self, component: ComponentConfig, position: int, record: SessionStateRecord, seconds: float, *, computed: bool
    ) -> SessionStateRecord:
        """Hold what a component left if it is to be replayed by evidence; return what is to be recorded of it."""
        policy = component.session_state or self.config.session_state
        if record.handling != "replay" or policy != "auto":
            self._pinned.unpin(component.name)
            return record
        plans = {view: self._session_views.pin_plan(view) for view in record.left_views}
        late_bound = bool(plans) and not computed and set(plans.values()) == {LATE_BOUND}
        record = record.model_copy(update={"late_bound": late_bound})
        costly = record.work_seconds >= self.config.replay_below_cpu_seconds
        self._pinned.pin(PinnedComponent(component.name, position, record, plans, seconds, costly))
        return record

    def _save_readers(
        self, evidence: Evidence, writer: str, names: frozenset[str] = frozenset()
    ) -> tuple[tuple[str, SessionStateRecord], ...]:
        readers = [name for name in evidence.readers if name != writer]
        if evidence.doubts:  # what a process or Python on executors wrote is not among the targets
            known = dict.fromkeys([*self._pinned.components(), *self._copies.components()])
            readers += self._evidence.with_changed_sources([name for name in known if name != writer])
        return tuple(self._save_outdated(ViewChange(writer, readers, names))) if readers or names else ()

    def _save_outdated(self, change: ViewChange) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what a change has put out of date; yield what is to be recorded of each component."""
        # In doubt a component counts as a reader: two tables of one name, a directory that was written to below.
        unchanged = self._evidence.with_unchanged_sources(
            [name for name in change.readers if self._copies.has_copies_of(name)]
        )
        seen = replace(change, readers=[name for name in change.readers if name not in unchanged])
        self._copies.refuse_outdated(seen)
        readers = [*change.readers, *self._pinned.readers_of(self._copies.outdated_pins(seen))]
        yield from self._copies.save_again(seen)
        yield from self._pinned.save_before_change(readers, change.writer)

    def _note_owner(self, component: str, views: Iterable[ViewName]) -> None:
        self._views.update(views)
        self._owners.update(dict.fromkeys(views, component))
