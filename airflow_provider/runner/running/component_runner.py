"""Runs one component: builds it, tries it, keeps what it left in the session and calls the hooks."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from airflow_provider.errors import CheckpointError, ComponentError, SparkLostError, describe
from airflow_provider.runner.config.component import Component, build_component
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.interrupted_call import sound_connection
from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.config.returned_value import await_result, warn_about_result
from airflow_provider.runner.fingerprint.code.called_functions import (
    CalledFunctions,
    calls_of_others,
    watch_calls,
)
from airflow_provider.runner.observing.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentStarted,
    RetryScheduled,
    SessionStateSaved,
    Step,
)
from airflow_provider.runner.observing.failure import Failure, explain
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.missing_view import missing_view
from airflow_provider.runner.observing.progress import Progress
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.observing.taken_location import taken_location
from airflow_provider.runner.observing.unfailing import observe, observing
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.running.circuit_breaker import CircuitBreaker
from airflow_provider.runner.running.component_contexts import ComponentContexts
from airflow_provider.runner.running.retries import run_with_retries
from airflow_provider.runner.running.timed_try import TimedTry, TryLimit, refuse_abandoned_session
from airflow_provider.runner.session_state.tracker import ComponentFindings, ComponentTiming, SessionStateTracker
from airflow_provider.runner.spark.lost import session_is_gone, spark_lost
from airflow_provider.runner.spark.scheduler_pool import in_pool

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def _at_once(announcement: Callable[[], None]) -> None:
    announcement()


@dataclass(frozen=True)
class ComponentSurroundings:
    """What surrounds a component's work in the thread that does it.

    :param sleep: pauses for so many seconds
    :param announce: calls hooks in the main thread, and waits for that
    :param pool: the FAIR scheduler's pool for its jobs, unless its config names one; None for no pool in particular
    """

    sleep: Callable[[float], None]
    announce: Callable[[Callable[[], None]], None] = _at_once
    pool: str | None = None


@dataclass(frozen=True)
class WorkOutcome:
    """What became of a component's work.

    :param ran: how it ran
    :param ended: when it ended, by the attempt's clock
    :param retries: its own tries after the first
    :param error: what it raised, None if it succeeded
    """

    ran: ComponentTiming
    ended: float
    retries: int = 0
    error: BaseException | None = None


class ComponentRunner:
    """Runs the components of one pipeline, and remembers their circuit breakers.

    :param hooks: called before and after each component
    :param contexts: what the components get to know of the pipeline
    :param continues_after_failure: whether further components may run after one that failed
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    :param progress: reports on a long component while it runs
    """

    def __init__(
        self,
        hooks: PipelineHooks,
        contexts: ComponentContexts,
        *,
        continues_after_failure: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Progress,
    ) -> None:
        self._hooks = hooks
        self._contexts = contexts
        self._config = contexts.config
        self._continues_after_failure = continues_after_failure
        self._clock = clock
        self._sleep = sleep
        self._progress = progress
        self._breakers: dict[str, CircuitBreaker] = {}

    def begin(self, plan: RunPlan) -> None:
        """Start an attempt.

        :param plan: what it is about to do
        """
        self._contexts.begin(plan)

    def run(self, step: Step, spark: Any, tracker: SessionStateTracker | None) -> ComponentResult:
        """Run one component. If it fails, that is in the result, not raised.

        :param step: the component, its decision and its place
        :param spark: the session
        :param tracker: records what it leaves in the session; None to record nothing
        :raises SparkSessionError: code of an earlier attempt is still running in the session
        :raises CheckpointError: its completion could not be recorded, or a newer attempt has taken over
        """
        self.start(step, spark, tracker)
        with self.watching(step, spark):
            return self.finish(step, self.work(step, spark, tracker), spark, tracker)

    def start(self, step: Step, spark: Any, tracker: SessionStateTracker | None) -> None:
        """Say that a component starts, see :meth:`run`."""
        refuse_abandoned_session(spark)
        self._contexts.mend_once(spark, tracker.url if tracker is not None else None)
        self._hooks.before_component(ComponentStarted(step))

    def watching(self, step: Step, spark: Any) -> AbstractContextManager[object]:
        """Return a context manager that reports how a component gets on."""
        name = step.component.name
        progress = partial(self._progress.watching, name, step.position, step.total, spark)
        return observing(f"how {name} gets on", progress, None)

    def work(
        self,
        step: Step,
        spark: Any,
        tracker: SessionStateTracker | None,
        surroundings: ComponentSurroundings | None = None,
    ) -> WorkOutcome:
        """Do a component's work, and look at what it left. Only this may happen in a thread of the component's own.

        :param surroundings: what surrounds it there; None in the main thread
        :raises CheckpointError: the component ran a pipeline of its own, and that was not recorded
        """
        began = self._clock()
        try:
            around = surroundings or ComponentSurroundings(self._sleep)
            retries, entered = self._try(step.component, spark, tracker, around)
            took = self._clock() - began
            if tracker is not None:
                _blaming_spark(lambda: _look(tracker, step), spark)
        except CheckpointError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the author's code raises
            ended = self._clock()
            return WorkOutcome(ComponentTiming(ended - began), ended, error=error)
        return WorkOutcome(ComponentTiming(took, entered), began + took, retries)

    def finish(
        self,
        step: Step,
        outcome: WorkOutcome,
        spark: Any,
        tracker: SessionStateTracker | None,
        left_by: Callable[[], Mapping[str, str]] = dict,
    ) -> ComponentResult:
        """Find out what a component did, keep of it what must be kept, and record that, see :meth:`run`.

        :param outcome: what became of its work; what is saved now takes its time from when that ended
        :param left_by: returns what others left on which the component does not depend, as
            :func:`~airflow_provider.runner.observing.missing_view.missing_view` has it
        """
        ran, error = outcome.ran, outcome.error
        found = ComponentFindings()
        if error is None:
            try:
                found = _blaming_spark(lambda: _keep(tracker, step, ran), spark)
            except CheckpointError:
                raise
            except (Exception, SystemExit) as failed:  # noqa: BLE001 - Spark and storages raise anything
                ran, error = replace(ran, seconds=ran.seconds + self._clock() - outcome.ended), failed
        if error is not None:
            explained = partial(self._explained, error, step.component, tracker, spark, left_by)
            return self._failed(step, error, ran.seconds, explained, tracker)
        saving = self._clock() - outcome.ended if found.has_saved else 0.0
        return self._completed(step, ran, found, retries=outcome.retries, saving=saving)

    def _try(
        self,
        component: ComponentConfig,
        spark: Any,
        tracker: SessionStateTracker | None,
        surroundings: ComponentSurroundings,
    ) -> tuple[int, tuple[str, ...]]:
        """Run a component with its own retries; return their number and the author's functions that ran."""
        config = copy.deepcopy(component.config)  # what it does to it would be another config for the next attempt
        name, url = component.name, tracker.url if tracker is not None else None
        watch = partial(tracker.watching, name) if tracker is not None else nullcontext
        with (
            observing(f"which functions {name} calls", watch_calls, CalledFunctions()) as entered,
            observing(f"what {name} does", watch, None),
            observing(
                f"in which pool {name} runs", partial(in_pool, spark, component.spark_pool or surroundings.pool), None
            ),
        ):
            context = partial(
                observe,
                f"what comes after {name}",
                lambda: self._contexts.context_of(component, url),
                ComponentContext(name, self._config.name),
            )
            work = build_component(component.target(), config, spark, self._config.base_dir, component.texts, context)
            retries = run_with_retries(
                lambda: _warn_about_result(_one_try(component, work, spark), name),
                component.retry_policy,
                self._breaker(component, surroundings),
                lambda tried, pause, error: surroundings.announce(
                    lambda: self._announce_retry(component, tried, pause, error)
                ),
                surroundings.sleep,
            )
        return retries, observe(f"which functions {name} called", entered.names, ())

    def _completed(
        self, step: Step, ran: ComponentTiming, found: ComponentFindings, *, retries: int, saving: float
    ) -> ComponentResult:
        state = found.session_state or step.decision.session_state
        observe("who left which view", lambda: self._contexts.completed(step.component, state), None)
        # First what was saved of others: once this component is recorded, they would read other data in a replay.
        self._announce_saved(found.saved)
        self._hooks.after_component(
            ComponentCompleted(
                step,
                ran.seconds,
                retries,
                session_state=found.session_state,
                entered=tuple(ran.entered),
                touched=found.touched,
                code=found.code,
                usage=found.usage,
            )
        )
        return ComponentResult(
            step.component.name,
            step.decision.action,
            str(step.decision.reason),
            ComponentStatus.COMPLETED,
            duration_seconds=ran.seconds,
            saving_seconds=saving,
            retries=retries,
            session_state=found.session_state,
            touched=found.touched,
            usage=found.usage,
        )

    def _failed(
        self,
        step: Step,
        error: BaseException,
        took: float,
        explained: Callable[[], Failure],
        tracker: SessionStateTracker | None,
    ) -> ComponentResult:
        name = step.component.name
        failure = observe("more about the error", explained, None) or explain(error)
        found = ComponentFindings()
        if tracker is not None and not session_is_gone(error):
            found = tracker.after_failure(name, goes_on=self._continues_after_failure)
        self._announce_saved(found.saved)
        left = tuple(found.touched.left) if found.touched else ()
        self._hooks.on_component_failure(ComponentFailed(step, took, error, left, failure, found.usage))
        return ComponentResult(
            name,
            step.decision.action,
            str(step.decision.reason),
            ComponentStatus.FAILED,
            duration_seconds=took,
            error=error,
            failure=failure,
            touched=found.touched,
            usage=found.usage,
        )

    def _explained(
        self,
        error: BaseException,
        component: ComponentConfig,
        tracker: SessionStateTracker | None,
        spark: Any,
        left_by: Callable[[], Mapping[str, str]],
    ) -> Failure:
        package = component.class_path.partition(".")[0]
        if session_is_gone(error):
            return explain(error, package=package)
        views, lost = (tracker.view_names(), tracker.lost) if tracker is not None else ((), {})
        hints = missing_view(error, component.name, self._config, views, lost, left_by())
        return explain(error, [*hints, *taken_location(error, spark)], package)

    def _announce_saved(self, saved: Iterable[tuple[str, SessionStateRecord]]) -> None:
        for name, state in saved:
            self._hooks.on_session_state_saved(SessionStateSaved(name, state))

    def _breaker(self, component: ComponentConfig, surroundings: ComponentSurroundings) -> CircuitBreaker | None:
        policy = component.breaker_policy
        if policy is None:
            return None
        if component.name not in self._breakers:
            self._breakers[component.name] = CircuitBreaker(
                component.name,
                policy,
                lambda old, new: surroundings.announce(lambda: self._announce_circuit(component, old, new)),
                self._clock,
            )
        return self._breakers[component.name]

    def _announce_retry(self, component: ComponentConfig, tried: int, pause: float, error: BaseException) -> None:
        attempts = component.retry_policy.max_attempts if component.retry_policy else 1
        with calls_of_others():
            self._hooks.on_retry_attempt(RetryScheduled(component, tried, attempts, pause, error))

    def _announce_circuit(self, component: ComponentConfig, old: str, new: str) -> None:
        with calls_of_others():
            self._hooks.on_circuit_breaker_state_change(CircuitChanged(component, old, new))


def _one_try(component: ComponentConfig, work: Component, spark: Any) -> object:
    """Run a component once, for no longer than it may take."""

    def body() -> object:
        return _blaming_spark(lambda: await_result(work()), spark)

    if component.timeout_seconds is None:
        return body()
    limit = TryLimit(component.name, component.timeout_seconds, component.class_path.partition(".")[0])
    return TimedTry(limit, spark, body).run()


def _warn_about_result(result: object, name: str) -> None:
    observe(f"what {name} returned", lambda: warn_about_result(result, name), None)


def _blaming_spark(work: Callable[[], Result], spark: Any) -> Result:
    """Do something with Spark, and blame Spark and not the component if it is lost meanwhile."""
    try:
        with sound_connection():
            return work()
    except (CheckpointError, SparkLostError):
        raise
    except Exception as error:
        lost = spark_lost(spark, error)
        if lost is None:
            raise
        raise lost from error


def _look(tracker: SessionStateTracker, step: Step) -> None:
    with _inspecting(step):
        tracker.look(step.component.name)


def _keep(tracker: SessionStateTracker | None, step: Step, ran: ComponentTiming) -> ComponentFindings:
    """Find out what a component left, and save of it what must be saved now."""
    if tracker is None:
        return ComponentFindings()
    with _inspecting(step):
        if step.decision.action is Action.REPLAY:
            return tracker.after_replay(step.component, step.position, ran, step.decision.session_state)
        return tracker.after_success(step.component, step.position, ran)


@contextmanager
def _inspecting(step: Step) -> Iterator[None]:
    try:
        yield
    except ComponentError:
        raise
    except Exception as error:
        raise ComponentError(
            f"cannot inspect the Spark session after component {step.component.name!r} ({describe(error)}). Components "
            "must not stop the session they are given"
        ) from error
