"""Carries a plan out: restores, runs and replays its components one after the other, and calls the hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from airflow_provider.runner.config.graph import ancestors, descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.events import ComponentReused, Step
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.log_groups import LogGroup
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.running.attempt_facts import dropped_after
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.running.component_runner import ComponentRunner
from airflow_provider.runner.session_state.left_conflicts import LeftSoFar
from airflow_provider.runner.spark.lost import session_is_gone

logger = logging.getLogger(__name__)


@dataclass
class _Failures:
    """What failed so far, and what that stops.

    :param stop: whether nothing more runs after the first failure
    """

    depends_on: dict[str, list[str]]
    stop: bool
    failed: list[str] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)

    def add(self, component: str, error: BaseException) -> None:
        """Count a failure; without a session nothing can run any more."""
        self.stop = self.stop or session_is_gone(error)
        self.failed.append(component)
        self.blocked = descendants(self.depends_on, set(self.failed))

    @property
    def end_the_run(self) -> bool:
        """Whether nothing more runs."""
        return bool(self.failed) and self.stop

    def whynot_run(self, component: str) -> str | None:
        """Return why a component cannot run any more, None if it can."""
        if self.end_the_run:
            return f"{self.failed[0]!r} failed before it"
        return "depends on a failed component" if component in self.blocked else None


@dataclass(frozen=True)
class PlanExecution:
    """Carries one plan out.

    :param config: the pipeline
    :param plan: what to do with each component
    :param session: the attempt's session
    :param components: runs one component
    :param hooks: called for components that are reused
    :param clock: a monotonic clock in seconds
    """

    config: PipelineConfig
    plan: RunPlan
    session: AttemptSession
    components: ComponentRunner
    hooks: PipelineHooks
    clock: Callable[[], float]

    def run(self, *, fail_fast: bool) -> list[ComponentResult]:
        """Carry the plan out. A component that fails is in the results, not raised.

        :param fail_fast: stop at the first failure; False: continue with what does not depend on it
        :return: one result per decision
        :raises SparkSessionError: Spark did not start, or was lost while session state was restored
        :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
        """
        by_name = {component.name: component for component in self.config.components}
        total = len(self.plan.decisions)
        self.components.begin(self.plan)
        if self.plan.runs_until:
            self.session.begin(self.plan)
        names = [decision.component for decision in self.plan.decisions]
        left = LeftSoFar(ancestors(self.config.dependencies, names))
        results: list[ComponentResult] = []
        failures = _Failures(self.config.dependencies, fail_fast)
        restored = LogGroup(logger, "restoring the session state of completed components")
        for position, decision in enumerate(self.plan.decisions, start=1):
            step = Step(by_name[decision.component], decision, position, total)
            result = self._take(step, failures, restored)
            results.append(result)
            if result.error is not None:
                failures.add(decision.component, result.error)
            elif result.status is ComponentStatus.COMPLETED:
                self._warn_of_conflicts(left)
        restored.close()
        return results

    def _warn_of_conflicts(self, left: LeftSoFar) -> None:
        """Warn if a component left something else than another one, to which the author's graph has no order.

        In a pipeline without any ``depends_on`` the order of the plan is all that the author has said.
        """
        tracker = self.session.tracker
        if tracker is None or tracker.left is None or not any(self.config.dependencies.values()):
            return
        own, tracker.left = tracker.left, None
        for conflict in left.conflicts(own):
            if not conflict.shared:
                logger.warning(
                    "%s both leave %r (%s), and neither depends on the other, so only their place in the file decides "
                    "which of them counts: add %r to depends_on of %r, or use different names",
                    " and ".join(map(repr, conflict.components)),
                    conflict.name,
                    conflict.kind,
                    conflict.components[0],
                    conflict.components[-1],
                )
        left.add(own)

    def _take(self, step: Step, failures: _Failures, restored: LogGroup) -> ComponentResult:
        """Take one step: restore, run, replay or leave out the component."""
        restoring, name = 0.0, step.component.name
        if step.decision.action is Action.REUSE and not failures.end_the_run:
            if step.decision.restore:
                restored.open()
            step, restoring = self._restored(step)
        if step.decision.action is Action.REUSE:
            self.hooks.on_component_reuse(ComponentReused(step))
            result = not_run(step, str(step.decision.reason), ComponentStatus.COMPLETED)
        elif name in self.plan.left_out:
            result = not_run(step, "left out of this attempt")
        elif (why := failures.whynot_run(name)) is not None:
            result = not_run(step, why)
        else:
            restored.close()
            spark = self.session.spark()  # before the clock starts: its start-up is no component's time
            result = self.components.run(step, spark, self.session.tracker)
        return replace(result, restoring_seconds=restoring) if restoring else result

    def _restored(self, step: Step) -> tuple[Step, float]:
        """Restore what a reused component left, if that is needed; return what to do now, and how long it took."""
        if not step.decision.restore:
            return step, 0.0
        began, spark_before = self.clock(), self.session.opening_seconds
        decision = self.session.restore(step.decision, dropped_after(self.plan, step.position))
        took = self.clock() - began - (self.session.opening_seconds - spark_before)
        return replace(step, decision=decision), took


def not_run(step: Step, reason: str, status: ComponentStatus | None = None) -> ComponentResult:
    """Return the result of a component that does not run. What had completed earlier stays complete."""
    decision = step.decision
    if status is None:
        status = ComponentStatus.NOT_RUN if decision.action is Action.RUN else ComponentStatus.COMPLETED
    return ComponentResult(decision.component, decision.action, reason, status, seconds_saved=decision.seconds_saved)
