"""The Spark session of an attempt, and what is known of its state."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from airflow_provider.errors import NotRestoredError, SourceChangedError, SparkLostError, SparkSessionError, describe
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.unfailing import observe
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.planning.reuse_reasons import NotRestored
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.needed_state import find_readers
from airflow_provider.runner.session_state.kinds.kind_context import (
    RecordLimits,
    SavedStorage,
)
from airflow_provider.runner.session_state.kinds.recorded_state import (
    missing_state,
    record_damage,
    reject_record,
)
from airflow_provider.runner.session_state.live import LiveSession
from airflow_provider.runner.session_state.probes.blind_probe import BlindProbe
from airflow_provider.runner.session_state.probes.probe import SessionProbe, probe_for
from airflow_provider.runner.session_state.process_needs import state_still_there
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory, delete_run
from airflow_provider.runner.session_state.saved.files import SavedFiles, files_for
from airflow_provider.runner.session_state.sources.compare import source_change
from airflow_provider.runner.session_state.sources.look import refresh_source
from airflow_provider.runner.session_state.tracker import SessionStateTracker
from airflow_provider.runner.session_state.warm_up import warm_up_looking
from airflow_provider.runner.spark.columnar_input import give_functions_rows
from airflow_provider.runner.spark.hidden_tables import warn_of_hidden_tables
from airflow_provider.runner.spark.lost import spark_lost
from airflow_provider.runner.spark.session import session_of_the_process
from airflow_provider.runner.storage.spark_urls import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class AttemptSession:
    """Opens the session when it is first needed, and keeps its state.

    :param config: the pipeline; its ``spark`` section is for a new session
    :param spark: the session, or a function that opens it; None for the active session, or a new one
    :param saved: directory of this run for saved views; None to save nothing
    :param live: the session that ``spark`` opens, if its server keeps it for the next attempt
    :param clock: a monotonic clock in seconds
    :ivar opening_seconds: how long it has taken to open it so far
    """

    def __init__(
        self,
        config: PipelineConfig,
        spark: SparkSession | Callable[[], SparkSession] | None,
        saved: SavedDirectory | None,
        live: LiveSession | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._open = spark if callable(spark) else None
        self._spark: SparkSession | None = None if callable(spark) else spark
        self._live = live
        self._saved = saved
        self.url = saved.url if saved else None
        self.tracker: SessionStateTracker | None = None
        self._clock = clock
        self._decisions: Sequence[Decision] = ()
        self.opening_seconds = 0.0

    def spark(self) -> SparkSession:
        """Return the session.

        :raises SparkSessionError: Spark did not start
        """
        if self._spark is None:
            began = self._clock()
            self._spark = self._open() if self._open else self._default()
            self.opening_seconds += self._clock() - began
        return self._spark

    @property
    def live(self) -> LiveSession | None:
        """The session with which this attempt may begin because its server has kept it, None if there is none."""
        return self._live if self.tracker is None else None

    def give_up_live(self) -> None:
        """Begin with an empty session, although :attr:`live` was attached."""
        if self._live is not None:
            self._live.detach()
        self._spark = None

    def present(self) -> set[str]:
        """Return the components whose session state is in the session already."""
        return self.tracker.components_present() if self.tracker is not None else set()

    def left_in_process(self, record: SessionStateRecord) -> Collection[str]:
        """Return what a component left in the Python process and this process has, in words."""
        return state_still_there(record)

    def damage(self, record: SessionStateRecord, dropped: Collection[str]) -> str | None:
        """Return what is wrong with what a component saved, None if nothing is.

        :param record: what is recorded of it
        :param dropped: databases and tables that later components dropped
        """
        limits = RecordLimits(self.url, self._config.session_state_format)
        if (refused := reject_record(record, limits)) is not None:
            return refused
        if record.views and self._saved is not None:
            self._claim(self._saved)
            if self._saved.pruned:
                return f"`prune` was deleting what was saved in {self.url}"
        return record_damage(record, SavedStorage(self._files, dropped))

    def look_again(self, source: SourceRecord) -> SourceRecord:
        """Return how a source is now. Spark is started only for one that needs it."""
        return refresh_source(source, self.spark)

    def begin(self, plan: RunPlan) -> None:
        """Make the session ready for the components of a plan."""
        self._decisions = plan.decisions
        spark = self.spark()
        if self.tracker is None:
            give_functions_rows(spark)
        probe = self._probe(spark) if self.tracker is None else None
        if self.tracker is None and probe is not None:
            self.tracker = SessionStateTracker(spark, probe, self._config, self._saved)
            warn_of_hidden_tables(spark, self._config)
            if plan.live:
                self.tracker.adopt_copied_session(
                    {d.component: d.session_state for d in plan.decisions if d.session_state}
                )
        if self._saved is not None and any(d.session_state and d.session_state.views for d in plan.decisions):
            self._claim(self._saved)
        if self.tracker is not None:
            self.tracker.load_earlier_records(plan.before.components if plan.before is not None else {})
            self.tracker.reset_session()
            # Otherwise the caller said what is complete, and what that saved is not known.
            if plan.recorded_when_planned is not None:
                wanted = [d.session_state for d in plan.decisions if d.session_state is not None]
                observe(
                    "what earlier attempts left in the storage",
                    partial(self.tracker.delete_stale_attempts, wanted),
                    None,
                )

    def restore(
        self, decision: Decision, dropped: Collection[str], tracker: SessionStateTracker | None = None
    ) -> Decision:
        """Restore what a reused component left. If that fails, it must be replayed instead, if that does no harm.

        :param decision: what the plan says
        :param dropped: databases and tables that later components dropped
        :param tracker: of the copy of the session to restore it in; None for the session itself
        :return: what to do with the component now
        :raises SparkSessionError: the session is lost, or a replay may do harm
        :raises SourceChangedError: it cannot be restored, and a replay would read other data
        """
        tracker = tracker or self.tracker
        if not decision.restore or tracker is None or decision.session_state is None:
            return decision
        try:
            tracker.restore(decision.component, decision.session_state, dropped)
        except Exception as error:
            if (lost := spark_lost(self._spark, error)) is not None and lost.session_is_gone:
                raise SparkLostError(
                    f"Spark was lost while the session state of {decision.component!r} was restored: {lost}. No "
                    "component was re-run; the next attempt restores it",
                    session_is_gone=True,
                ) from None
            if not tracker.is_alive():
                raise SparkSessionError(
                    f"the Spark session was lost while the session state of {decision.component!r} was restored: "
                    f"{describe(error)}. No component was re-run; the next attempt restores it"
                ) from error
            # Otherwise it is whatever the catalog or the storage object to.
            try:
                self._refuse_harm(decision, error)
                self._refuse_other_data(decision, error)
            except (SparkSessionError, SourceChangedError) as refused:
                self._restore_one_by_one(decision, dropped, tracker, refused)
                return decision
            reason = NotRestored(describe(error))
            logger.warning("%s: %s; replaying it", decision.component, reason)
            return Decision(decision.component, Action.REPLAY, reason)
        return decision

    def _restore_one_by_one(
        self, decision: Decision, dropped: Collection[str], tracker: SessionStateTracker, refused: Exception
    ) -> None:
        """Restore what can be restored, if nothing that is to run needs the rest as far as it tells.

        :param refused: why the component must not be replayed instead; raised if that is needed
        """
        record = decision.session_state
        if record is None:
            raise refused
        try:
            tracker.restore(decision.component, record, dropped, views_one_by_one=True)
        except Exception:  # noqa: BLE001 - it is more than single views, which the first error tells
            raise refused from None
        lost = [item for item in missing_state(record.model_copy(update={"views": []})) if item.name in tracker.lost]
        names = [other.component for other in self._decisions]
        if find_readers(self._config, lost, self._decisions[names.index(decision.component) + 1 :]):
            raise refused

    def saved_after_a_failure(self) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what would be costly to bring back; yield what is to be recorded of each component."""
        if self.tracker is not None:
            yield from self.tracker.save_after_failure()

    def _refuse_harm(self, decision: Decision, error: Exception) -> None:
        """Refuse to re-run a component that may do harm, only because a storage was not there for a moment."""
        state = decision.session_state
        must_not = state is not None and state.handling == "unrepeatable"
        if not must_not and (isinstance(error, NotRestoredError) or state is None or state.harmless):
            return
        if self._config.session_state_of(decision.component) != "replay":
            raise SparkSessionError(
                f"cannot restore the session state of {decision.component!r}: {describe(error)}. It may not be safe to "
                "run again, so no component was re-run, and the next attempt tries to restore it again. If a re-run "
                "does no harm, set session_state: replay; otherwise restart from it"
            ) from error

    def _refuse_other_data(self, decision: Decision, error: Exception) -> None:
        """Refuse to replay a component that would read other data: what others made of the old would no longer fit."""
        compared = ((source.name, source_change(source, self.look_again(source))) for source in decision.sources)
        changed = [f"{name}: {what}" for name, what in compared if what is not None]
        if (
            changed
            and self._config.session_state_of(decision.component) != "replay"
            and self._config.on_source_change != "keep"
        ):
            what = (
                f"cannot restore the session state of {decision.component!r} ({describe(error)}), and its source has "
                f"changed since it was read: {', '.join(changed)}"
            )
            raise SourceChangedError(self._config.name, [what], "restart the run from it") from error

    def end_of_success(self) -> None:
        """Delete what this run has saved, or say for how long it is kept. The pipeline has succeeded either way."""
        observe(f"what this run has left in {self.url}", self._settle_saved, None)

    def _settle_saved(self) -> None:
        if self._saved is not None and self._saved.owner.hours_after_success > 0:
            self._saved.keep_after_success(files_for(self._saved.url, self._spark))
        elif self.url and (self._spark is not None or local_path(self.url) is not None):
            delete_run(files_for(self.url, self._spark), self.url)

    @staticmethod
    def _probe(spark: SparkSession) -> SessionProbe | None:
        """Return what looks into the session; if that cannot be had, nothing of the session is known."""
        try:
            return probe_for(spark)
        except Exception as error:
            if (lost := spark_lost(spark, error)) is not None and lost.session_is_gone:
                raise lost from error
            logger.warning("cannot look into the Spark session: %s", describe(error))
            return cast("SessionProbe", BlindProbe(describe(error)))

    def _claim(self, saved: SavedDirectory) -> None:
        saved.claim(self._files(saved.url))

    def _files(self, url: str) -> SavedFiles:
        return files_for(url, None if local_path(url) is not None else self.spark())

    def _default(self) -> SparkSession:
        conf = self._config.spark_properties()
        return session_of_the_process(conf, self._config.name, meanwhile=warm_up_looking)
