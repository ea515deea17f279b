"""Walks a plan: restores, runs and replays its components one after the other, and tells the hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.events import ComponentReused
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.log_groups import LogGroup
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.planning.partial_plan import LEFT_OUT
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.running.attempt_facts import dropped_after
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.running.component_runner import ComponentRunner
from airflow_provider.runner.spark.lost import session_is_gone

logger = logging.getLogger(__name__)


def execute_plan(
    config: PipelineConfig,
    plan: RunPlan,
    session: AttemptSession,
    components: ComponentRunner,
    hooks: PipelineHooks,
    *,
    fail_fast: bool,
    clock: Callable[[], float],
) -> list[ComponentResult]:
    """Carry a plan out. A component that fails is in the results, not raised.

    :param config: the pipeline
    :param plan: what to do with each component
    :param session: the attempt's session
    :param components: runs one component
    :param hooks: what to tell about components that are reused
    :param fail_fast: stop at the first failure; False: go on with what does not depend on it
    :param clock: a monotonic clock in seconds
    :return: one result per decision
    :raises SparkSessionError: Spark did not start, or was lost while session state was restored
    :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
    """
    by_name = {component.name: component for component in config.components}
    depends_on = {name: component.depends_on for name, component in by_name.items()}
    total = len(plan.decisions)
    components.begin(plan)
    if plan.runs_until:
        session.begin(plan)
    results: list[ComponentResult] = []
    failed: set[str] = set()
    blocked: set[str] = set()
    lines = LogGroup(logger, "what completed components had left in the session is restored")
    for position, planned in enumerate(plan.decisions, start=1):
        component, decision, restoring = by_name[planned.component], planned, 0.0
        if decision.action is Action.REUSE and not (failed and fail_fast):
            if decision.restore:
                lines.open()
            decision, restoring = _restored(session, plan, position, clock)
        if decision.action is Action.REUSE:
            hooks.on_component_reuse(ComponentReused(component, position, total, decision))
            result = _not_run(decision, ComponentStatus.COMPLETED, decision.reason)
        elif component.name in plan.left_out:
            status = ComponentStatus.NOT_RUN if decision.action is Action.RUN else ComponentStatus.COMPLETED
            result = _not_run(decision, status, LEFT_OUT)
        elif failed and (fail_fast or component.name in blocked):
            # What had completed earlier stays complete, even if it was to be replayed.
            status = ComponentStatus.NOT_RUN if decision.action is Action.RUN else ComponentStatus.COMPLETED
            why = f"{next(iter(failed))!r} failed before it" if fail_fast else "depends on a failed component"
            result = _not_run(decision, status, why)
        else:
            lines.close()
            spark = session.spark()  # before the clock starts: its start-up is no component's time
            result = components.run(component, decision, position, total, spark, session.keeper)
        if restoring:
            result = replace(result, restoring_seconds=restoring)
        results.append(result)
        if result.error is not None:
            fail_fast = fail_fast or session_is_gone(result.error)
            failed.add(component.name)
            blocked = descendants(depends_on, failed)
    lines.close()
    return results


def _restored(
    session: AttemptSession, plan: RunPlan, position: int, clock: Callable[[], float]
) -> tuple[Decision, float]:
    """Restore what a reused component left, if that is needed; return what is to be done now, and how long it took."""
    decision = plan.decisions[position - 1]
    if not decision.restore:
        return decision, 0.0
    began, spark_before = clock(), session.opening_seconds
    decision = session.restore(decision, dropped_after(plan, position))
    return decision, clock() - began - (session.opening_seconds - spark_before)


def _not_run(decision: Decision, status: ComponentStatus, reason: str) -> ComponentResult:
    return ComponentResult(decision.component, decision.action, reason, status, seconds_saved=decision.seconds_saved)
