"""Carries a plan out with components side by side: each in a thread and a copy of the session of its own.

The graph decides what a component sees, never the clock: what its ancestors left, and what was in the session at the
start. Threads only do the components' work. Everything else happens in the main thread, in the order in which
components complete: hooks, records, saving, and bringing what one left to those that depend on it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from airflow_provider.errors import (
    ComponentCancelledError,
    LeftByBothError,
    PySparkPipelineError,
    SparkSessionError,
)
from airflow_provider.runner.config.graph import ancestors
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for
from airflow_provider.runner.observing.events import ComponentReused, Step
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.named_lines import naming_components
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.running.attempt_facts import dropped_after
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.running.component_runner import (
    ComponentRunner,
    ComponentSurroundings,
    WorkOutcome,
)
from airflow_provider.runner.running.component_thread import ComponentThread, EndedWork
from airflow_provider.runner.running.execute import not_run
from airflow_provider.runner.running.main_thread import MainThread
from airflow_provider.runner.running.scheduler import Schedule, ScheduleState
from airflow_provider.runner.session_state.component_sessions import ComponentSession, ComponentSessions
from airflow_provider.runner.session_state.kept_apart import kept_apart
from airflow_provider.runner.session_state.tracker import ComponentTiming
from airflow_provider.runner.spark.lost import session_is_gone, spark_lost
from airflow_provider.runner.spark.scheduler_pool import is_fair
from airflow_provider.runner.spark.session_routes import routed_sessions
from airflow_provider.runner.spark.thread_session import using_session

logger = logging.getLogger(__name__)

_INTERRUPTED_GRACE_SECONDS = 1.0  # Airflow kills the process 5 s after it has asked it to stop
_ENDING_GRACE_SECONDS = 6.0  # until cancelled components have ended when the attempt ends for another reason


@dataclass(frozen=True)
class _Running:
    """A component at work.

    :param began: when it began, in seconds since the attempt began
    """

    step: Step
    session: ComponentSession
    thread: ComponentThread
    began: float


@dataclass
class SideBySideExecution:
    """Carries one plan out.

    :param config: the pipeline
    :param plan: what to do with each component
    :param session: the attempt's session
    :param components: runs one component
    :param hooks: called for components that are reused
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    :param schedule: says what may start when
    """

    config: PipelineConfig
    plan: RunPlan
    session: AttemptSession
    components: ComponentRunner
    hooks: PipelineHooks
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    schedule: Schedule
    _state: ScheduleState = field(default_factory=ScheduleState)
    _running: dict[str, _Running] = field(default_factory=dict)
    _results: dict[str, ComponentResult] = field(default_factory=dict)
    _restoring: dict[str, tuple[float, float]] = field(default_factory=dict)
    _main: MainThread[EndedWork] = field(default_factory=MainThread)

    def run(self) -> list[ComponentResult]:
        """Carry the plan out. A component that fails is in the results, not raised.

        :return: one result per decision
        :raises SparkConfigError: components cannot run side by side on this Spark
        :raises SparkSessionError: Spark did not start, or was lost while session state was restored
        :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
        """
        self._began = self.clock()
        self.components.begin(self.plan)
        self.session.begin(self.plan)
        spark, tracker = self.session.spark(), self.session.tracker
        if tracker is None:
            raise SparkSessionError("components can run side by side only in a session of Spark; this is none")
        names = [decision.component for decision in self.plan.decisions]
        before = self.plan.before.components if self.plan.before is not None else {}
        self._earlier = {n: record.session_state for n, record in before.items() if record.session_state is not None}
        self._steps, self._is_fair = self._all_steps(), is_fair(spark)
        self.schedule = self.schedule.keeping_apart(kept_apart(tracker.readings))
        self._sessions = ComponentSessions(spark, tracker, ancestors(self.config.dependencies, names))
        with routed_sessions(spark), naming_components(), acting_for(ThreadOwner()):
            try:
                self._carry_out()
            except Exception as error:
                self._stop(patiently=True)
                lost = None if isinstance(error, PySparkPipelineError) else spark_lost(spark, error)
                if lost is None:
                    raise
                raise lost from error
            except BaseException:  # of a signal handler
                self._stop(patiently=False)
                raise
            finally:
                self._main.close()
        if not self._state.session_is_gone:
            for what, why in self._sessions.merge().items():
                logger.warning("%s is not in the session after the pipeline: %s", what, why)
        return [self._result(name) for name in names]

    def _all_steps(self) -> dict[str, Step]:
        by_name = {component.name: component for component in self.config.components}
        total = len(self.plan.decisions)
        return {
            decision.component: Step(by_name[decision.component], decision, position, total)
            for position, decision in enumerate(self.plan.decisions, start=1)
        }

    def _carry_out(self) -> None:
        while True:
            while starting := self.schedule.next_steps(self._state):
                self._begin(starting[0])
            if not self._running:
                return
            ended = self._main.wait()
            if ended.component in self._running:  # otherwise it was given up
                self._end(self._running.pop(ended.component), ended)
                for name in self.schedule.to_cancel(self._state):
                    self._running[name].thread.cancel()

    def _begin(self, name: str) -> None:
        step = self._steps[name]
        if step.decision.action is not Action.REUSE:
            self._start(step)
            return
        decision = self._restored(step)
        if decision.action is not Action.REUSE:
            self._steps[name] = replace(step, decision=decision)
            self.schedule = self.schedule.replaying(name)
            return
        self.hooks.on_component_reuse(ComponentReused(step))
        self._results[name] = not_run(step, str(step.decision.reason), ComponentStatus.COMPLETED)
        self._state = self._state.started(name).completed(name)

    def _restored(self, step: Step) -> Decision:
        """Restore what a reused component left, if that is needed, and return what to do with it now."""
        decision = step.decision
        if not decision.restore:
            return decision
        began = self.clock()
        copy = self._sessions.open(decision.component)
        with using_session(copy.given):
            copy.tracker.begin()
            decision = self.session.restore(decision, dropped_after(self.plan, step.position), copy.tracker)
            if decision.action is Action.REUSE:
                self._sessions.close(copy)
        self._restoring[decision.component] = (began - self._began, self.clock() - began)
        return decision

    def _start(self, step: Step) -> None:
        name = step.component.name
        copy = self._sessions.open(name)
        for what, why in copy.not_carried.items():
            logger.warning("%s: %s of an earlier component is not in its session: %s", name, what, why)
        self.components.start(step, copy.spark, copy.tracker)
        owner = ThreadOwner(name)
        thread = ComponentThread(copy.given, lambda thread: self._work(step, copy, thread, owner), self._main)
        for other in self._running.values():
            other.session.tracker.beside.add(name)
            copy.tracker.beside.add(other.step.component.name)
        self._running[name] = _Running(step, copy, thread, self.clock() - self._began)
        self._state = self._state.started(name)
        thread.start()

    def _work(self, step: Step, copy: ComponentSession, thread: ComponentThread, owner: ThreadOwner) -> WorkOutcome:
        """Do the work of a component, in its thread."""

        def announce(call: Callable[[], None]) -> None:
            thread.refuse_cancelled()
            self._main.announce(call)

        surroundings = ComponentSurroundings(
            lambda seconds: thread.sleep(self.sleep, seconds),
            announce,
            f"pyspark_pipeline_{step.position}" if self._is_fair else None,
        )
        with acting_for(owner), copy.given.around():
            self._sessions.enter(copy)
            with self.components.watching(step, copy.spark):
                return self.components.work(step, copy.spark, copy.tracker, surroundings)

    def _end(self, running: _Running, ended: EndedWork) -> None:
        """Record what became of a component."""
        name, copy = ended.component, running.session
        outcome = replace(self._judged(running, ended), ended=self.clock())
        with using_session(copy.given):
            left_by = partial(self._sessions.left_elsewhere, name, self._earlier)
            result = self.components.finish(running.step, outcome, copy.spark, copy.tracker, left_by)
            if result.error is None:
                self._sessions.close(copy)
        self._results[name] = replace(result, started_seconds=running.began)
        if result.error is None:
            self._state = self._state.completed(name)
        elif isinstance(result.error, ComponentCancelledError):
            self._state = self._state.was_cancelled(name)
        else:
            self._state = self._state.has_failed(name, session_is_gone=session_is_gone(result.error))

    def _judged(self, running: _Running, ended: EndedWork) -> WorkOutcome:
        """Return what became of a component's work, given also what others did.

        :raises BaseException: what ends the attempt
        """
        outcome, name = ended.outcome, ended.component
        failed = outcome is None or outcome.error is not None
        if running.thread.is_cancelled and failed and not self._state.session_is_gone:
            cause = next(iter(self._state.failed), None)
            still_running = outcome is None and ended.error is None
            return WorkOutcome(
                outcome.ran if outcome is not None else ComponentTiming(0.0),
                self.clock(),
                error=ComponentCancelledError(name, cause, still_running=still_running),
            )
        if ended.error is not None:
            raise ended.error
        if outcome is None or outcome.error is not None:
            return outcome or WorkOutcome(ComponentTiming(0.0), 0.0, error=ComponentCancelledError(name))
        for conflict in self._sessions.conflicts(running.session):
            if not conflict.shared:
                error = LeftByBothError(conflict.kind, conflict.name, conflict.components)
                return replace(outcome, error=error)
            logger.warning(
                "%s both changed %r (%s), which all components share, and neither depends on the other, so it depends "
                "on chance which of them counts",
                " and ".join(map(repr, conflict.components)),
                conflict.name,
                conflict.kind,
            )
        return outcome

    def _stop(self, *, patiently: bool) -> None:
        """End what is running, because the attempt ends."""
        running = [each.thread for each in self._running.values()]
        for thread in running:
            thread.cancel(patiently=patiently)
        until = time.monotonic() + (_ENDING_GRACE_SECONDS if patiently else _INTERRUPTED_GRACE_SECONDS)
        still = [name for name, each in self._running.items() if not each.thread.wait(until - time.monotonic())]
        if still:
            logger.error(
                "the code of %s is still running in this process. What it does from now on is not recorded",
                ", ".join(map(repr, still)),
            )

    def _result(self, name: str) -> ComponentResult:
        step = self._steps[name]
        result = self._results.get(name)
        if result is None:
            result = not_run(step, str(self.schedule.why_not(name, self._state)))
        if name not in self._restoring:
            return result
        began, took = self._restoring[name]
        started = began if result.started_seconds is None else result.started_seconds
        return replace(result, restoring_seconds=took, started_seconds=started)
