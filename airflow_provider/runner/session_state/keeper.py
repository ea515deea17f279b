"""Keeps the session state of a run: records what each component left, and brings it back on the next attempt."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.names import ViewName
from airflow_provider.runner.record.session_state import LONGEST_REASON, SavedView, SessionStateRecord
from airflow_provider.runner.record.sources import TouchedData
from airflow_provider.runner.record.state import ComponentRecord
from airflow_provider.runner.session_state.capture import LeftBehind, difference
from airflow_provider.runner.session_state.handling import VOUCH, Action, Facts, Handling, decide
from airflow_provider.runner.session_state.held import LATE_BOUND, Held, HeldComponent
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.replayed import refuse_difference
from airflow_provider.runner.session_state.restore import (
    Restorer,
    cache_again,
    global_database,
    in_words,
    set_conf,
    use,
)
from airflow_provider.runner.session_state.saved.files import (
    readable_size,
    remove_attempts,
)
from airflow_provider.runner.session_state.saved.marker import SavedDirectory
from airflow_provider.runner.session_state.saved.saver import ViewSaver
from airflow_provider.runner.session_state.saved.views import restore_view
from airflow_provider.runner.session_state.snapshot import Described, Snapshot
from airflow_provider.runner.session_state.trusted.settings import why_not_set
from airflow_provider.runner.session_state.witness import Evidence, Witness

logger = logging.getLogger(__name__)

NOWHERE = "there is no session_state_url to save to"


@dataclass(frozen=True)
class Ran:
    """How a component ran.

    :param seconds: for how long
    :param entered: the author's functions that ran, as far as Python could tell
    """

    seconds: float
    entered: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """What was found out about a component that has completed.

    :param session_state: what is to be recorded of what it left; None if its record stays
    :param touched: what it read and wrote; None if its record stays
    :param saved: earlier components of which something was saved because of it, with what is to be recorded of them
    """

    session_state: SessionStateRecord | None = None
    touched: TouchedData | None = None
    saved: tuple[tuple[str, SessionStateRecord], ...] = ()


@dataclass
class SessionStateKeeper:
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
        self._saver: ViewSaver | None = None
        if self.saved:
            self._saver = ViewSaver(self.spark, self.saved, self.config.session_state_format)
        self._global_database = global_database(self.spark)
        self._restorer = Restorer(self.spark, self.probe, self.url, self.config.session_state_format)
        self._before: Snapshot = self.probe.snapshot()
        self._first = self._before
        self._present: set[str] = set()
        self._views: set[ViewName] = set()  # that components have left in this attempt
        self._witness = Witness(self.spark, self.probe, self.config, self.url)
        self._held = Held(self.spark, self)
        self._told: Mapping[str, str] = {}

    def recorded(self, records: Mapping[str, ComponentRecord]) -> None:
        """Take note of what is recorded of components that completed in earlier attempts."""
        self._told = {name: record.session_state.reason for name, record in records.items() if record.session_state}
        self._witness.recorded({name: record.sources for name, record in records.items()})

    def attached(self, records: Mapping[str, SessionStateRecord]) -> None:
        """Take note that the session is a copy of one in which these components ran.

        :param records: component to what it left, in the order in which they ran
        """
        moved = [record for record in records.values() if record.catalog and record.database]
        if moved:  # the one thing that Spark does not copy is the current catalog
            use(self.spark, str(moved[-1].catalog), str(moved[-1].database))
        self._present.update(records)
        self._before = self._first = self.probe.snapshot()

    def present(self) -> set[str]:
        """Return the components whose session state is in the session, which nothing has touched since."""
        now = self.probe.snapshot()
        same = (now.views, now.functions, now.objects) == (
            self._before.views,
            self._before.functions,
            self._before.objects,
        )
        return set(self._present) if same else set()

    def settle(self) -> None:
        """Undo what a component that failed in this session did to settings, current catalog and database.

        If it did more than that, everything is brought back from the start, so the start's settings are put back.
        """
        self._views.clear()
        before = self._before if self.present() else self._first
        now = self.probe.snapshot()
        for key, value in before.settings.items():
            if now.settings.get(key) != value:
                set_conf(self.spark, key, value)
        for key in now.settings.keys() - before.settings.keys():
            set_conf(self.spark, key, None)
        if (now.catalog, now.database) != (before.catalog, before.database):
            use(self.spark, before.catalog, before.database)
        self._before = self.probe.snapshot()

    def watching(self) -> AbstractContextManager[object]:
        """Watch what the component that runs in here does outside the session."""
        return self._witness.watching()

    def disturbed(self) -> None:
        """Take note that a component failed, so that what it left is not taken for the next one's."""
        try:
            self._before = self.probe.snapshot()
        except Exception as error:  # noqa: BLE001 - the session may be what failed; the next component will say so
            logger.warning("the Spark session cannot be looked at: %s", describe(error))
        self._present.clear()

    def finished(self, component: ComponentConfig, position: int, ran: Ran) -> Found:
        """Find out what a component left and did, and save its views if that is to be done.

        Views that were saved read what was saved from now on. A view that cannot be saved is no failure, but a later
        attempt that needs it is.

        :param component: its config
        :param position: its place in the order of execution
        :param ran: how it ran
        """
        before, after = self._before, self.probe.snapshot()
        self._present.add(component.name)
        left = difference(before, after)
        self._views.update(left.views)
        evidence = self._witness.evidence(component, before.mark, left, ran.entered)
        refused = (why_not_set(self.spark, key, value) for key, value in left.settings.items())
        described = self._describe(left.objects)
        facts = Facts(
            has_views=bool(left.views),
            unsavable=_unsavable(left, evidence) or next(filter(None, refused), None) or described.why_not,
            doubts=evidence.doubts,
            work_seconds=evidence.work_seconds,
            nowhere=None if self._saver else NOWHERE,
        )
        policy = component.session_state or self.config.session_state
        handling = decide(policy, facts, self.config.replay_below_cpu_seconds)
        place = f"{position:04d}"
        views: list[SavedView] = []
        if handling.action is Action.SAVE:
            views, handling = self._save(component.name, place, left, handling, evidence)
        described, vouched, handling = self._vouch(described, handling)
        record = SessionStateRecord(
            handling=_RECORDED[handling.action],
            reason=handling.reason[:LONGEST_REASON],
            harmless=not evidence.doubts,
            remedy=handling.remedy,
            work_seconds=round(evidence.work_seconds, 3),
            unsavable=facts.unsavable and facts.unsavable[:LONGEST_REASON],
            views=views,
            left_views=left.views,
            dropped_views=left.dropped_views,
            functions=left.functions,
            dropped_functions=left.dropped_functions,
            settings=left.settings,
            catalog=left.catalog,
            database=left.database,
            objects=described.objects,
            vouched=vouched,
            dropped_objects=left.dropped_objects,
            cached=left.cached,
            uncached=left.uncached,
        )
        self._tell_unrepeatable(component.name, record)
        if views:
            self._witness.saved(component.name)
        record = self._hold(component, place, record, ran.seconds, computed=evidence.computed)
        saved = self._saved_before(evidence, component.name)
        # Views that were saved are other ones now, and no saving is the next component's work.
        self._before = self.probe.snapshot() if views or saved or vouched else after
        return Found(record, evidence.touched, saved)

    def replayed(self, component: ComponentConfig, position: int, ran: Ran, record: SessionStateRecord | None) -> Found:
        """Take note that a component has been replayed: what it left needs no new record.

        :param component: its config
        :param position: its place in the order of execution
        :param ran: how it ran
        :param record: what is recorded of what it left, None if that is not known
        :raises ReplayDiffersError: it left something else
        """
        before, after = self._before, self.probe.snapshot()
        left = difference(before, after)
        evidence = self._witness.evidence(component, before.mark, left, ran.entered)
        if record is not None:
            refuse_difference(component.name, record, left, after, self._views)
        self._present.add(component.name)
        self._views.update(left.views)
        if record is not None:
            self._hold(component, f"{position:04d}", record, ran.seconds, computed=not record.late_bound)
        saved = self._saved_before(evidence, component.name)
        self._before = self.probe.snapshot() if saved else after
        return Found(saved=saved)

    def failed(self, component: str, *, goes_on: bool) -> Found:
        """Take note that a component failed, and find out what it wrote before.

        :param component: its name
        :param goes_on: whether further components may run in this session
        """
        found = Found()
        if self.answers():
            readers, left = self._witness.after_a_failure(self._before.mark)
            saved = tuple(self._held.saved_before_a_change(readers, component))
            found = Found(touched=TouchedData(left=left), saved=saved)
        if goes_on:
            self.disturbed()
        return found

    def saved_after_a_failure(self) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what would be costly to bring back otherwise; yield what is to be recorded of each component."""
        if self._saver is not None and self.answers():
            yield from self._held.saved_after_a_failure()

    def save(self, view: ViewName, frame: Any, place: str) -> SavedView:
        """See :class:`~airflow_provider.runner.session_state.held.Views`."""
        if self._saver is None:
            raise ViewNotSavedError(NOWHERE)
        return self._saver.save(view, frame, place)

    def frame(self, view: ViewName, number: int) -> Any:
        """See :class:`~airflow_provider.runner.session_state.held.Views`."""
        return self.spark.table(view.quoted(self._global_database)) if number == LATE_BOUND else self.probe.held(number)

    def release(self, number: int) -> None:
        """See :class:`~airflow_provider.runner.session_state.held.Views`."""
        self.probe.release(number)

    def restore(self, component: str, record: SessionStateRecord, dropped: Collection[str] = ()) -> None:
        """Bring back what a component left.

        :param component: its name
        :param record: what was recorded of it
        :param dropped: databases and tables that later components dropped
        :raises NotRestoredError: the record holds what must not come from one; nothing of it has been used
        :raises Exception: what Spark raises
        """
        self._restorer.restore(record, dropped)
        self._views.update(record.left_views)
        what = in_words(record)
        if what:
            logger.info("restored for %s: %s", component, what)
        self._before = self.probe.snapshot()

    def answers(self) -> bool:
        """Whether the session can still be looked at."""
        try:
            self.probe.snapshot()
        except Exception:  # noqa: BLE001 - the JVM or the server is gone, in whatever words
            return False
        return True

    def remove_others(self, wanted: Iterable[SessionStateRecord]) -> None:
        """Delete what earlier attempts saved or began to save, except what is still wanted.

        :param wanted: records of the components that stay completed
        """
        if self._saver is not None and self.url:
            remove_attempts(self._saver.files, self.url, [url for record in wanted for url in record.urls])

    def _hold(
        self, component: ComponentConfig, place: str, record: SessionStateRecord, seconds: float, *, computed: bool
    ) -> SessionStateRecord:
        """Hold what a component left if it is to be replayed by evidence; return what is to be recorded of it."""
        policy = component.session_state or self.config.session_state
        if record.handling != "replay" or policy != "auto":
            self._held.give_up(component.name)
            return record
        plans = {view: self.probe.hold(view) for view in record.left_views}
        late_bound = bool(plans) and not computed and set(plans.values()) == {LATE_BOUND}
        record = record.model_copy(update={"late_bound": late_bound})
        costly = record.work_seconds >= self.config.replay_below_cpu_seconds
        self._held.hold(HeldComponent(component.name, place, record, plans, seconds, costly))
        return record

    def _saved_before(self, evidence: Evidence, writer: str) -> tuple[tuple[str, SessionStateRecord], ...]:
        readers = [name for name in evidence.readers if name != writer]
        return tuple(self._held.saved_before_a_change(readers, writer)) if readers else ()

    def _describe(self, names: list[str]) -> Described:
        try:
            found = self.probe.describe_objects(names) if names else Described()
        except Exception as error:  # noqa: BLE001 - the component has succeeded, whatever the catalog objects to
            return Described(why_not=f"its tables cannot be described: {describe(error)}")
        if found.chosen and self.url is None:
            what = f"{found.chosen[0].name} lies where the component chose"
            return Described(why_not=f"{what}, and {NOWHERE}, where a second description would vouch for that")
        return found

    def _vouch(self, found: Described, handling: Handling) -> tuple[Described, str | None, Handling]:
        """Write the second description of what lies where the component chose, if any is needed."""
        if handling.action not in (Action.KEEP, Action.SAVE):
            return Described(), None, handling
        if not found.chosen or self._saver is None:
            return found, None, handling
        try:
            place = self._saver.vouch(found.chosen)
        except Exception as error:  # noqa: BLE001 - whatever Spark or the storage object to
            why = f"{found.chosen[0].name} lies where the component chose, and that cannot be saved: {describe(error)}"
            return Described(), None, Handling(Action.UNREPEATABLE, f"{why}, and it must not run again", VOUCH)
        return found, place, handling

    def _save(
        self, name: str, place: str, left: LeftBehind, handling: Handling, evidence: Evidence
    ) -> tuple[list[SavedView], Handling]:
        if self._saver is None:
            raise ViewNotSavedError(NOWHERE)
        # A number names the directory: what a component or view is called is in the record, not in a path.
        place = f"{place}-{uuid.uuid4().hex[:8]}"
        began = time.monotonic()
        saved: list[SavedView] = []
        try:
            for index, view in enumerate(left.views):
                saved.append(self.save(view, self.frame(view, LATE_BOUND), f"{place}/{index}"))
        except ViewNotSavedError as error:
            self._saver.discard(place)
            return [], Handling(Action.UNREPEATABLE, f"{error}, and it must not run again: {handling.reason}", VOUCH)
        self._read_saved(saved, left, evidence)
        self._tell_saved(name, saved, time.monotonic() - began, handling)
        return saved, handling

    def _read_saved(self, views: list[SavedView], left: LeftBehind, evidence: Evidence) -> None:
        """Let views read what was saved of them, so that they are not computed again. One that is cached is not."""
        cached = {ViewName(entry.name, entry.is_global): entry for entry in left.cached}
        for saved in views:
            view = ViewName(saved.name, saved.is_global)
            if view not in cached:
                restore_view(self.spark, saved)
            elif view in evidence.unstable:  # rows that Spark drops from its cache would come out differently
                restore_view(self.spark, saved)
                cache_again(self.spark, cached[view])

    def _tell_saved(self, name: str, saved: list[SavedView], seconds: float, handling: Handling) -> None:
        views = ", ".join(str(ViewName(view.name, view.is_global)) for view in saved)
        size = sum(view.bytes for view in saved)
        why = "for the same reason as before"
        if self._told.get(name) != handling.reason:
            why = f"{handling.reason}; {handling.remedy}" if handling.remedy else handling.reason
        logger.info("%s: saved %s (%s, %.1f s): %s", name, views, readable_size(size), seconds, why)

    def _tell_unrepeatable(self, name: str, record: SessionStateRecord) -> None:
        if record.handling == "unrepeatable" and self._told.get(name) != record.reason:
            logger.warning(
                "%s: an attempt that needs what it left in the session will fail: %s; %s",
                name,
                record.reason,
                record.remedy,
            )


_RECORDED: Mapping[Action, Literal["kept", "replay", "unrepeatable", "none"]] = {
    Action.KEEP: "kept",
    Action.SAVE: "kept",
    Action.REPLAY: "replay",
    Action.UNREPEATABLE: "unrepeatable",
    Action.NONE: "none",
}


def _unsavable(left: LeftBehind, evidence: Evidence) -> str | None:
    if left.functions:
        return f"registered temp function {', '.join(map(repr, left.functions))}, which cannot be saved"
    if left.secret_settings:
        return f"changed {', '.join(map(repr, left.secret_settings))}, which looks like a secret and is not recorded"
    if evidence.set_variables:
        return "set a session variable, which cannot be saved"
    return None
