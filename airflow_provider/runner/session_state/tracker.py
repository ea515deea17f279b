"""Tracks the session state of one attempt: records what each component left, and restores what earlier ones left."""

from __future__ import annotations

import copy
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from airflow_provider.errors import ReplayDiffersError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.progress_record import SparkUsage
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord, TouchedData
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.changes.diff import session_changes, take_snapshot
from airflow_provider.runner.session_state.changes.replay_check import check_replay
from airflow_provider.runner.session_state.component_left import ComponentLeft, component_left
from airflow_provider.runner.session_state.earlier_views import EarlierViews
from airflow_provider.runner.session_state.evidence import Evidence, EvidenceCollector
from airflow_provider.runner.session_state.kept_apart import own_changes
from airflow_provider.runner.session_state.kinds import CURRENT_DATABASE, TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.author_state import AUTHOR_STATE
from airflow_provider.runner.session_state.kinds.library_attributes import LIBRARY_ATTRIBUTES
from airflow_provider.runner.session_state.kinds.recorded_state import missing_state, restored_in_words
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
)
from airflow_provider.runner.session_state.kinds.temp_views import lost_view
from airflow_provider.runner.session_state.pinned_views import as_unrepeatable
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.process_needs import Readings, warn_if_lost
from airflow_provider.runner.session_state.record_builder import RecordBuilder, unknown_record
from airflow_provider.runner.session_state.restore import SessionRestorer
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory
from airflow_provider.runner.session_state.saved.files import remove_attempts
from airflow_provider.runner.session_state.saved.saver import ViewSaver
from airflow_provider.runner.session_state.saved.session_calls import make_current
from airflow_provider.runner.session_state.session_inspection import SessionInspection
from airflow_provider.runner.session_state.session_views import SessionViews
from airflow_provider.runner.session_state.sources.moved import moved_sources
from airflow_provider.runner.session_state.statement_guard import SessionGuard
from airflow_provider.runner.session_state.watched_names import WATCHED, names_to_watch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ComponentTiming:
    """How long a component ran, and which functions.

    :param seconds: for how long
    :param entered: the author's functions that ran, as far as Python could tell
    """

    seconds: float
    entered: Sequence[str] = ()


@dataclass(frozen=True)
class ComponentFindings:
    """What the tracker found out about a component that has just run.

    :param session_state: the record of what it left; None if its record stays
    :param touched: what it read and wrote; None if its record stays
    :param code: the code that it ran with; None if that could not be read
    :param usage: what it took of Spark, None if that is not known
    :param saved: earlier components of which something was saved because of it, with their new records
    """

    session_state: SessionStateRecord | None = None
    touched: TouchedData | None = None
    code: CodeRecord | None = None
    saved: tuple[tuple[str, SessionStateRecord], ...] = ()
    usage: SparkUsage | None = None

    @property
    def has_saved(self) -> bool:
        """Whether any view was saved."""
        return bool(self.saved or (self.session_state is not None and self.session_state.views))


@dataclass
class SessionStateTracker:
    """Watches one session during one attempt.

    :param config: the pipeline, for its policies
    :param saved: directory of this run for saved views; None to save nothing
    :ivar left: what the last component left for others, None if that is not known
    :ivar beside: the components that ran at some time while this session's component did
    :ivar readings: component to its code, None if that cannot be read
    """

    spark: SparkSession
    probe: SessionProbe
    config: PipelineConfig
    saved: SavedDirectory | None

    def __post_init__(self) -> None:
        self.url = self.saved.url if self.saved else None
        format_name = self.config.session_state_format
        self._saver = ViewSaver(self.spark, self.saved, format_name) if self.saved is not None else None
        self._restorer = SessionRestorer(self.spark, self.probe, self.url, format_name)
        self.beside: set[str] = set()
        self._attempts: dict[str, int] = {}  # in which components of earlier attempts completed
        self._records: Mapping[str, SessionStateRecord] = {}  # of these
        self._attach(SessionInspection(self.spark))
        self._evidence = EvidenceCollector(self.spark, self.probe, self.config, self.url, self._inspection)
        self._watched = self._ask(
            "which names to watch in the process",
            lambda: names_to_watch(self._evidence.readings.values()),
            lambda why: None,
        )
        self.begin()
        self._guard = SessionGuard(self.spark, self.probe.jvm)
        self._earlier = EarlierViews(self.spark, self.config, self._session_views, self._guard, self._evidence)
        self._inspection.tell()

    def _attach(self, inspection: SessionInspection) -> None:
        """Have for this session what each session has of its own."""
        self._inspection, self._ask = inspection, inspection.ask
        self._session_views = SessionViews(self.spark, self.probe, self._saver, inspection)
        self._builder = RecordBuilder(self.spark, self.probe, self.config, self._session_views)
        self._builder.load_earlier_records(self._records)
        self._present: set[str] = set()
        self._views: set[ViewName] = set()  # that components have left in this attempt
        self._owners: dict[ViewName, str] = {}  # of views, the component that left each
        self._after: SessionSnapshot | None = None
        self.left: ComponentLeft | None = None

    def in_copy(
        self, spark: SparkSession, probe: SessionProbe, above: Sequence[SessionStateTracker]
    ) -> SessionStateTracker:
        """Return what tracks a copy of the session, in which one component runs; what is of the attempt is the same.

        :param above: the trackers of the component's ancestors, in the order of the plan: the copy has what they left
        """
        made = copy.copy(self)
        made.spark, made.probe = spark, probe
        made._saver = self._saver.in_copy(spark) if self._saver is not None else None
        made._restorer = self._restorer.in_copy(spark, probe)
        made._attach(self._inspection.in_copy(spark))
        made.beside = set()
        made._evidence = self._evidence.in_copy(spark, probe, made._inspection, (each._evidence for each in above))
        made._guard = SessionGuard(spark, probe.jvm)
        made._earlier = self._earlier.in_copy(spark, made._session_views, made._guard, made._evidence)
        for each in above:
            made._views |= each._views
            made._owners |= each._owners
        return made

    def begin(self) -> None:
        """Look at the session before anything runs in it, in the thread that is going to."""
        if self._watched is not None:
            self.probe.remember(WATCHED, self._watched)
        self._first = self._before = take_snapshot(self.probe, None, self._inspection.refuse_lost_session)

    def look(self, component: str) -> None:
        """Look at the session after a component that has succeeded, in the thread that ran it."""
        self._after = after = self._snapshot()
        self.left = self._ask(
            f"what {component} left for others",
            lambda: component_left(component, self._before, after),
            lambda why: None,
        )

    def load_earlier_records(self, records: Mapping[str, ComponentRecord]) -> None:
        """Know what is recorded of components that completed in earlier attempts."""
        states = {name: record.session_state for name, record in records.items()}
        self._records = {name: state for name, state in states.items() if state is not None}
        self._builder.load_earlier_records(self._records)
        self._evidence.load_earlier_sources({name: record.sources for name, record in records.items()})
        self._attempts = {name: record.attempt for name, record in records.items()}

    def adopt_copied_session(self, records: Mapping[str, SessionStateRecord]) -> None:
        """Begin with a session that is a copy of one in which these components ran.

        :param records: component to what it left, in the order in which they ran
        """
        places = [
            place for record in records.values() if (place := CURRENT_DATABASE.recorded_place(record)) is not None
        ]
        if places:  # the one thing that Spark does not copy is the current catalog
            make_current(self.spark, *places[-1])
        self._present.update(records)
        self._before = self._first = self._snapshot()

    def components_present(self) -> set[str]:
        """Return the components whose session state is in the session, unchanged."""
        now = self._snapshot()
        unknown = {*self._before.unknown, *now.unknown}
        same = not unknown and self._ask(
            "whether what components left is still there",
            lambda: all(kind.is_untouched(self._before, now) for kind in kinds.KINDS),
            lambda why: False,
        )
        return set(self._present) if same else set()

    def view_names(self) -> list[str]:
        """Return the names of the views in the session, as of the last look."""
        return [str(view) for view in self._before.of(TEMP_VIEWS)]

    @property
    def lost(self) -> Mapping[str, str]:
        """What completed components left and is lost, to the reason."""
        return {
            name: why
            for name, why in self._restorer.lost.items()
            if not any(kind.is_there(self._before, name) for kind in kinds.KINDS)
        }

    def reset_session(self) -> None:
        """Undo what a failed component changed, as far as each kind can: settings, current catalog and database.

        If it did more than that, everything is brought back from the start, so the start's settings are put back.
        """
        self._views.clear()
        before = self._before if self.components_present() else self._first
        now = self._snapshot()
        for kind in kinds.KINDS:
            if kind.name not in before.unknown and kind.name not in now.unknown:
                kind.reset(self.spark, before, now)
        self._before = self._snapshot()

    @contextmanager
    def watching(self, component: str) -> Iterator[None]:
        """Watch what the component that runs in here does outside the session, and what it overwrites."""
        if self._before.unknown or self._before.mark is None:
            self._before = self._snapshot()  # what is known from now on is all that this component needs
        with self._evidence.watching(self._guard.watching(component, self._owners, self._before.mark)):
            yield

    def forget_failed_component(self) -> None:
        """Ignore what a failed component left, so that it is not attributed to the next one."""
        try:
            self._before = self._snapshot()
        except Exception as error:  # noqa: BLE001 - the session may be what failed; the next component will say so
            logger.warning("cannot inspect the Spark session: %s", describe(error))
        self._present.clear()

    def after_success(self, component: ComponentConfig, position: int, ran: ComponentTiming) -> ComponentFindings:
        """Find out what a component left and did, and save its views if its evidence asks for that.

        The views themselves stay as they are. A view that cannot be saved is no failure, but a later attempt that
        needs it fails.

        :param position: its place in the order of execution
        :param ran: how it ran
        """
        before, after = self._before, self._looked(component)
        self._guard.warn(component.name, self._owners)
        self._present.add(component.name)
        left = self._changes(component, before, after)
        self._note_views(component.name, left.of(TEMP_VIEWS).left)
        evidence = self._evidence_of(component, before, left, ran)
        left = replace(left, statements=evidence.statements, set_by_imports=evidence.set_by_imports)
        record = self._ask(
            f"what becomes of what {component.name} left",
            lambda: self._builder.build(component, position, left, evidence),
            lambda why: unknown_record(left, why),
        )
        said = record.handling == "unrepeatable"
        self._ask(
            f"who needs what {component.name} left",
            lambda: warn_if_lost(self.config, component, record, self._evidence.readings),
            lambda why: None,
        )
        record = self._kept_for_later(component, position, record, ran.seconds, computed=evidence.computed)
        saved = self._outdated_by(component.name, evidence, left)
        # What the saving did is not attributed to the next component.
        self._before = self._snapshot() if record.urls or saved else after
        self._inspection.tell(said=said)
        return ComponentFindings(record, evidence.touched, evidence.code, saved, self._evidence.usage)

    def after_replay(
        self, component: ComponentConfig, position: int, ran: ComponentTiming, record: SessionStateRecord | None
    ) -> ComponentFindings:
        """Check what a replayed component left. Its record stays.

        :param position: its place in the order of execution
        :param ran: how it ran
        :param record: the record of what it left, None if that is unknown
        :raises ReplayDiffersError: it left something else, or read from another place
        """
        before, after = self._before, self._looked(component)
        self._guard.warn(component.name, self._owners)
        left = self._changes(component, before, after)
        had_read = self._evidence.sources_of(component.name)
        evidence = self._evidence_of(component, before, left, ran)
        left = replace(left, statements=evidence.statements)
        if elsewhere := moved_sources(component.config, had_read, evidence.touched.sources):
            raise ReplayDiffersError(component.name, elsewhere)
        if record is not None:
            check_replay(component.name, record, ReplayOutcome(left, after, self._views))
        self._present.add(component.name)
        self._note_views(component.name, left.of(TEMP_VIEWS).left)
        if record is not None:
            self._kept_for_later(component, position, record, ran.seconds, computed=not record.late_bound)
        saved = self._outdated_by(component.name, evidence, None)
        self._before = self._snapshot() if saved else after
        self._inspection.tell()
        return ComponentFindings(code=evidence.code, saved=saved, usage=self._evidence.usage)

    def after_failure(self, component: str, *, goes_on: bool) -> ComponentFindings:
        """Find out what a failed component wrote before it failed.

        :param goes_on: whether further components may run in this session
        """
        left: list[SourceRecord] = []
        saved: list[tuple[str, SessionStateRecord]] = []
        try:
            left, outdated = self._earlier.after_failed_component(component, self._before.mark)
            saved.extend(outdated)
        except Exception as error:  # noqa: BLE001 - the session itself may be what failed
            logger.warning("cannot find out what %s wrote before it failed: %s", component, describe(error))
        if goes_on:
            self.forget_failed_component()
        self._inspection.tell()
        return ComponentFindings(touched=TouchedData(left=left), saved=tuple(saved), usage=self._evidence.usage)

    def save_after_failure(self) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what would be costly to bring back otherwise; yield the new record of each component."""
        if self._saver is not None and self.is_alive():
            try:
                yield from self._earlier.save_after_failure()
            except Exception as error:  # noqa: BLE001 - the attempt has failed already, and for another reason
                logger.warning("cannot save what would be costly to bring back: %s", describe(error))

    def restore(
        self,
        component: str,
        record: SessionStateRecord,
        dropped: Collection[str] = (),
        *,
        views_one_by_one: bool = False,
    ) -> None:
        """Bring back what a component left.

        :param dropped: databases and tables that later components dropped
        :param views_one_by_one: whether to go on without a view whose copy cannot be read
        :raises NotRestoredError: the record leads where it must not; none of it has been used
        :raises Exception: what Spark raises
        """
        before = self._before
        self._restorer.restore(component, record, dropped, views_one_by_one=views_one_by_one)
        self._earlier.add_restored(component, record, self._attempts.get(component))
        self._note_owner(component, record.left_views)
        what = restored_in_words(record)
        if what:
            logger.info("restored for %s: %s", component, what)
        lost = self._restorer.lost
        names = {missing.name for missing in missing_state(record)} | set(map(lost_view, record.left_views))
        for name in sorted(names & lost.keys()):
            logger.warning(
                "%s of %s could not be restored: %s. A component that needs it will fail", name, component, lost[name]
            )
        self._before = self._snapshot()
        self.left = component_left(component, before, self._before)

    def is_alive(self) -> bool:
        """Whether the session still answers."""
        try:
            self._snapshot()
        except Exception:  # noqa: BLE001 - a JVM or server that is gone raises anything
            return False
        return True

    def delete_stale_attempts(self, wanted: Iterable[SessionStateRecord]) -> None:
        """Delete what earlier attempts saved or began to save, except what is still wanted.

        :param wanted: records of the components that stay completed
        """
        if self._saver is not None and self.url:
            remove_attempts(self._saver.files, self.url, [url for record in wanted for url in record.urls])

    @property
    def readings(self) -> Readings:
        return self._evidence.readings

    def _changes(self, component: ComponentConfig, before: SessionSnapshot, after: SessionSnapshot) -> SessionChanges:
        left = session_changes(before, after)
        if not self.beside:
            return left
        parts = {
            kind.name: own_changes(left.of(kind), component.name, self.beside, self.readings)
            for kind in (AUTHOR_STATE, LIBRARY_ATTRIBUTES)
            if left.of(kind)
        }
        return replace(left, parts={**left.parts, **parts})

    def _looked(self, component: ComponentConfig) -> SessionSnapshot:
        if self._after is None:
            self.look(component.name)
        after, self._after = cast("SessionSnapshot", self._after), None
        return after

    def _snapshot(self) -> SessionSnapshot:
        """Return what is in the session now; what cannot be looked at counts as it was."""
        return take_snapshot(self.probe, self._before, self._inspection.refuse_lost_session)

    def _kept_for_later(
        self, component: ComponentConfig, position: int, record: SessionStateRecord, seconds: float, *, computed: bool
    ) -> SessionStateRecord:
        def keep() -> SessionStateRecord:
            if record.views:
                self._evidence.forget_lazy_code(component.name)
            self._earlier.add_saved(component.name, position, record)
            return self._earlier.add(component, position, record, seconds, computed=computed)

        return self._ask(
            f"how the views of {component.name} are kept for a later attempt",
            keep,
            lambda why: as_unrepeatable(record, f"what it left cannot be kept: {why}") if record.left_views else record,
        )

    def _evidence_of(
        self, component: ComponentConfig, before: SessionSnapshot, left: SessionChanges, ran: ComponentTiming
    ) -> Evidence:
        return self._ask(
            f"what {component.name} did",
            lambda: self._evidence.collect(component, before.mark, left, ran.entered),
            Evidence.unknown,
        )

    def _outdated_by(
        self, writer: str, evidence: Evidence, left: SessionChanges | None
    ) -> tuple[tuple[str, SessionStateRecord], ...]:
        """Return the new records of earlier components whose views a component has put out of date."""
        return self._ask(
            f"which earlier views {writer} has changed",
            lambda: self._earlier.after_component(writer, evidence, left),
            lambda why: self._earlier.give_up(f"it cannot be told whether {writer!r} has changed it: {why}"),
        )

    def _note_views(self, component: str, views: Collection[ViewName]) -> None:
        """Note the views that a component has just left."""
        self._restorer.forget_lost(map(lost_view, views))
        self._note_owner(component, views)

    def _note_owner(self, component: str, views: Iterable[ViewName]) -> None:
        self._views.update(views)
        self._owners.update(dict.fromkeys(views, component))
