"""Hooks that record an attempt's progress for people. They decide nothing, fail nothing and delay nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from airflow_provider.errors import StaleAttemptError, describe
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.observing.cost_suspicion import suspicion_of
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
    SessionStateSaved,
)
from airflow_provider.runner.observing.failure import explain
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.observing.progress import Progress, ProgressLog
from airflow_provider.runner.observing.progress_document import progress_document, timestamp
from airflow_provider.runner.observing.progress_rows import (
    failure_as_error,
    finished_rows,
    planned_rows,
    requests_in_words,
    waiting_rows,
    with_usual,
)
from airflow_provider.runner.observing.progress_writer import EVERY_SECONDS, Document, ProgressSink, ProgressWriter
from airflow_provider.runner.observing.result import PipelineResultStatus
from airflow_provider.runner.observing.spark_work_poll import SparkWorkPoll
from airflow_provider.runner.observing.usual_costs import UsualCosts
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.planning.start_mode import StartMode
from airflow_provider.runner.record.progress_record import (
    AttemptOverview,
    AttemptState,
    ProgressError,
    ProgressRequest,
    ProgressRow,
    ProgressSnapshot,
    ProgressState,
    ProgressWork,
    SparkUsage,
)
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.spark.job_progress import SparkWork, spark_progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProgressStart:
    """What is known of an attempt before it begins.

    :param key: which run of which pipeline
    :param try_number: Airflow's number of this try
    :param asked_by: who triggered the run, None if that is not known
    :param usual: component to what it took in earlier runs
    """

    key: RunKey
    try_number: int
    asked_by: str | None = None
    usual: Mapping[str, UsualCosts] = field(default_factory=dict)


class ProgressRecorder(NoOpHooks):
    """Records how an attempt gets on, and hands it to a sink as a document.

    As a context manager around the attempt it also records one that ends early. It belongs after the hooks that record
    the checkpoint, so that what it calls complete is recorded. It takes the place of the
    :class:`~airflow_provider.runner.observing.progress.Progress` of a run, too, to see what Spark does.

    :param start: what is known before
    :param config: the pipeline
    :param sink: keeps the documents
    :param log: reports on a long component in the log
    :param clock: a monotonic clock in seconds
    :param now: returns the time, with time zone
    """

    def __init__(
        self,
        start: ProgressStart,
        config: PipelineConfig,
        sink: ProgressSink,
        *,
        log: Progress | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._start = start
        self._config = config
        self._log = log or ProgressLog()
        self._clock, self._now = clock, now
        self._began = clock()
        self._lock = threading.RLock()  # a signal handler may interrupt a hook
        self._attempt = AttemptOverview(start.try_number, start.try_number, timestamp(now()), asked_by=start.asked_by)
        self._rows: list[ProgressRow] = with_usual(waiting_rows(config), start.usual)
        self._places = {row.name: place for place, row in enumerate(self._rows)}
        self._requests: tuple[ProgressRequest, ...] = ()
        self._work: dict[str, SparkWork] = {}
        self._what_if: Mapping[str, Any] | None = None
        self._fingerprints: Mapping[str, str] | None = None
        self._writer = ProgressWriter(self.document, sink, clock)
        self._poll = SparkWorkPoll(self._spark_does, EVERY_SECONDS)

    def __enter__(self) -> Self:
        self._writer.start()
        self._writer.boundary()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._poll.close()
        if isinstance(error, StaleAttemptError):
            return  # its successor records its own progress
        if error is not None:
            self._fail(ProgressError(describe(error), detail=str(error) if "\n" in str(error) else None))
        self._writer.close()

    def stop(self, why: str) -> None:
        """Note that the attempt ends now, and write that at once. May be called from a signal handler.

        :param why: in words
        """
        self._fail(ProgressError(why))
        self._writer.hurry()

    def starts_as(self, mode: StartMode) -> None:
        """Note how the attempt starts."""
        self._tell(how=str(mode.case))

    def reached_spark(self, ui: str, history: str) -> None:
        """Note where people see the Spark application; empty for nowhere."""
        self._tell(spark_ui=ui or None, history=history or None)

    @property
    def components(self) -> list[str]:
        """Names of the components in the document, disabled ones too."""
        return [row.name for row in self._rows]

    def add_what_if(self, what_if: Mapping[str, Any]) -> None:
        """Note what the next attempt would do, in the form that the document has."""
        with self._lock:
            self._what_if = what_if
        self._writer.boundary()

    @contextmanager
    def watching(self, component: str, position: int, total: int, spark: Any) -> Iterator[None]:
        """See :class:`~airflow_provider.runner.observing.progress.Progress`."""
        with self._log.watching(component, position, total, spark), spark_progress(spark) as look:
            self._poll.watch(component, look)
            try:
                yield
            finally:
                self._poll.watch(component, None)
                self._spark_does(component, None)

    def before_pipeline(self, event: PipelineStarted) -> None:
        rows = with_usual(planned_rows(event.config, event.plan), self._start.usual)
        first = next((d.component for d in event.plan.decisions if d.action is Action.RUN), None)
        carried_out = [r.request for r in event.plan.requests if r.request is not None and r.set_aside is None]
        with self._lock:
            self._rows = rows
            self._places = {row.name: place for place, row in enumerate(rows)}
            self._requests = requests_in_words(event.plan, self._start.try_number)
            resumes = first is not None and event.plan.kept
            how = "; ".join(filter(None, [self._attempt.how, f"it resumes at {first!r}" if resumes else ""]))
            by = next((request.requested_by for request in carried_out if request.requested_by), None)
            self._attempt = replace(
                self._attempt,
                state=AttemptState.RUNNING,
                how=how or None,
                asked_by=by or self._attempt.asked_by,
                saved_seconds=sum(d.seconds_saved for d in event.plan.decisions) or None,
            )
        self._writer.boundary()

    def before_component(self, event: ComponentStarted) -> None:
        self._update(event.component.name, state=ProgressState.RUNNING, began=self._clock() - self._began)
        self._writer.boundary()

    def after_component(self, event: ComponentCompleted) -> None:
        replayed = event.decision.action is Action.REPLAY
        found: dict[str, Any] = {"session_state": event.session_state} if event.session_state else {}
        if event.touched is not None:
            found["sources"] = tuple(source.name for source in event.touched.sources)
        found |= self._costs(event.component.name, event.usage, event.duration_seconds)
        self._update(
            event.component.name,
            state=ProgressState.REPLAYED if replayed else ProgressState.COMPLETED,
            seconds=event.duration_seconds,
            retries=event.retries,
            code=event.code,
            **found,
        )
        self._writer.boundary()

    def on_component_failure(self, event: ComponentFailed) -> None:
        name = event.component.name
        costs = self._costs(name, event.usage, event.duration_seconds)
        self._update(name, state=ProgressState.FAILED, seconds=event.duration_seconds, **costs)
        failure = event.failure or explain(event.error)
        if self._attempt.error is None:
            self._tell(error=failure_as_error(failure, self._places.get(name)))
        self._writer.boundary()

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._update(event.component.name, state=ProgressState.REUSED)
        self._writer.boundary()

    def on_session_state_saved(self, event: SessionStateSaved) -> None:
        self._update(event.component, session_state=event.session_state)
        self._writer.changed()

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        self._update(event.component.name, retries=event.attempt)
        self._writer.changed()

    def after_pipeline(self, event: PipelineFinished) -> None:
        result = event.result
        state = AttemptState.SUCCEEDED if result.status is PipelineResultStatus.SUCCESS else AttemptState.FAILED
        with self._lock:
            self._rows = finished_rows(self._rows, result.component_results)
            self._attempt = replace(self._attempt, spark_seconds=result.spark_seconds or None)
            self._end(AttemptState.PARTIAL if result.is_part else state, self._attempt.error)
        self._writer.boundary()

    def document(self) -> Document:
        """Return the newest document."""
        with self._lock:
            rows, attempt, requests, what_if = tuple(self._rows), self._attempt, self._requests, self._what_if
        if self._fingerprints is None:
            self._fingerprints = ConfigHashes.of(self._config).components
        key = self._start.key
        snapshot = ProgressSnapshot(key.pipeline_name, key.run_id, attempt, rows, self._fingerprints, requests, what_if)
        return progress_document(snapshot, self._now())

    def _costs(self, component: str, usage: SparkUsage | None, seconds: float) -> dict[str, Any]:
        """Return the fields of a row that say what a component took."""
        costs = usage.costs if usage is not None else None
        usual = self._start.usual.get(component)
        return {
            "costs": costs,
            "sql": usage.sql if usage is not None else None,
            "suspicion": suspicion_of(usage, seconds),
            "against_usual": usual.compared(seconds, costs) if usual is not None else "",
        }

    def _spark_does(self, component: str, work: SparkWork | None) -> None:
        """Note what Spark does for a component. Of several for which it works, the first one is shown."""
        with self._lock:
            self._work.pop(component, None)
            if work is not None:
                self._work[component] = work
            found = self._shown_work()
            if found == self._attempt.work:
                return
            self._attempt = replace(self._attempt, work=found)
        self._writer.changed()

    def _shown_work(self) -> ProgressWork | None:
        for place, row in enumerate(self._rows):
            if row.state is ProgressState.RUNNING and row.name in self._work:
                return ProgressWork(place, **asdict(self._work[row.name]))
        return None

    def _tell(self, **fields: Any) -> None:
        with self._lock:
            self._attempt = replace(self._attempt, **fields)

    def _update(self, component: str, **fields: Any) -> None:
        place = self._places.get(component)
        if place is not None:
            with self._lock:
                self._rows[place] = replace(self._rows[place], **fields)
                self._attempt = replace(self._attempt, work=self._shown_work())

    def _fail(self, error: ProgressError) -> None:
        """Note that the attempt failed, if it has not ended."""
        with self._lock:
            if self._attempt.state in (AttemptState.STARTING, AttemptState.RUNNING):
                self._rows = finished_rows(self._rows, ())
                self._end(AttemptState.FAILED, self._attempt.error or error)

    def _end(self, state: AttemptState, error: ProgressError | None) -> None:
        self._attempt = replace(self._attempt, state=state, ended_at=timestamp(self._now()), error=error, work=None)
