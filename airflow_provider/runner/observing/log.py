"""Hooks that write the run's log, for the person who reads it at 3 a.m."""

from __future__ import annotations

import logging
from collections import Counter

from airflow_provider.errors import SparkLostError
from airflow_provider.runner.observing.attempt_error import attempt_error
from airflow_provider.runner.observing.author_line import ENGINE
from airflow_provider.runner.observing.cost_suspicion import suspicion_of
from airflow_provider.runner.observing.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
)
from airflow_provider.runner.observing.failure import explain
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.observing.log_groups import log_group
from airflow_provider.runner.observing.report import duration, only_reason, plan_table, result_table, time_line
from airflow_provider.runner.observing.result import PipelineResultStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.spark.error_text import stack_lines
from airflow_provider.runner.spark.jvm_lines import without_java


class LoggingHooks(NoOpHooks):
    """Logs the plan, a line at the start and end of each component, and the result as a table.

    The plan is a table, or one line if all components run for the same reason.

    >>> hooks = LoggingHooks(logging.getLogger("daily"))
    >>> result = SimplePipelineRunner(config, hooks=hooks, spark=spark).run()

    :param logger: where to log; default: a logger named after this module
    :param verdict: whether to end with the error of a failed attempt; False for a caller that raises it
    """

    def __init__(self, logger: logging.Logger | None = None, *, verdict: bool = True) -> None:
        self._log = logger or logging.getLogger(__name__)
        self._verdict = verdict

    def before_pipeline(self, event: PipelineStarted) -> None:
        config, plan = event.config, event.plan
        about = [f"version {config.version}"]
        about += [config.environment] if config.environment else []
        about += [f"{key}={value}" for key, value in config.tags.items()]
        counts = Counter(decision.action for decision in plan.decisions if decision.component not in plan.left_out)
        what = ", ".join(f"{counts[action]} to {action.value}" for action in Action if counts[action])
        if plan.left_out:
            what = f"{what or 'nothing to do'}, {len(plan.left_out)} left out"
        reason = only_reason(plan)
        what = what if reason is None else f"{what} ({reason})"
        self._log.info("pipeline %r (%s): plan of this attempt: %s", config.name, ", ".join(about), what)
        if reason is None:
            self._lines(plan_table(plan))
        if plan.kept_by_rerun_affected:
            self._log.info(
                "%s is 'restart'; 'rerun_affected' would have kept %s",
                plan.restarted_by,
                ", ".join(plan.kept_by_rerun_affected),
            )
        for note in plan.notes:
            self._log.warning("%s", note)
        enabled = {component.name for component in config.ordered}
        for component in config.ordered:
            for other in component.depends_on:
                if other not in enabled:
                    self._log.warning(
                        "component %r depends on %r, which is disabled; it runs without it",
                        component.name,
                        other,
                    )

    def after_pipeline(self, event: PipelineFinished) -> None:
        result = event.result
        total, complete = len(result.component_results), len(result.completed_components)
        verdict = "succeeded" if result.status is PipelineResultStatus.SUCCESS else "FAILED"
        verdict = "ran in part" if result.is_part else verdict
        self._log.info(
            "pipeline %r %s after %s: %d of %d components complete",
            result.pipeline_name,
            verdict,
            duration(result.duration_seconds),
            complete,
            total,
        )
        self._lines(result_table(result))
        self._log.info("time: %s", time_line(result))
        for part in result.component_results:
            if (found := suspicion_of(part.usage, part.duration_seconds)) is not None:
                self._log.info("%s: %s", part.component_name, found.text)
        if result.seconds_saved:
            self._log.info("reuse saved about %s", duration(result.seconds_saved))
        error = attempt_error(result, "the next attempt of this run") if self._verdict else None
        for line in str(error).splitlines() if error else ():
            self._log.error("%s", line)

    def before_component(self, event: ComponentStarted) -> None:
        what = "replay started" if event.decision.action is Action.REPLAY else "started"
        self._log.info("[%d/%d] %s: %s", event.position, event.total, event.component.name, what)

    def after_component(self, event: ComponentCompleted) -> None:
        state = event.session_state
        self._log.info(
            "[%d/%d] %s: %s in %s%s",
            event.position,
            event.total,
            event.component.name,
            "replayed" if event.decision.action is Action.REPLAY else "completed",
            duration(event.duration_seconds),
            f"; a retry would replay it: {state.reason}" if state and state.handling == "replay" else "",
        )

    def on_component_failure(self, event: ComponentFailed) -> None:
        failure = event.failure or explain(event.error)
        self._log.error(
            "[%d/%d] %s: FAILED after %s: %s",
            event.position,
            event.total,
            event.component.name,
            duration(event.duration_seconds),
            failure.headline,
        )
        if not isinstance(event.error, SparkLostError):
            whole = stack_lines(event.error)
            shown = without_java(stack_lines(event.error, ENGINE))
            rest = "" if shown == whole else "; the whole is in the log at level DEBUG"
            with log_group(self._log, f"stack trace of this error{rest}"):
                self._lines(shown)
            if shown != whole:
                for line in whole:
                    self._log.debug("%s", line)

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        self._log.warning(
            "%s: try %d of %d failed, next in %s: %s",
            event.component.name,
            event.attempt,
            event.max_attempts,
            duration(event.delay_seconds),
            explain(event.error).headline,
        )

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        self._log.warning("%s: circuit breaker %s -> %s", event.component.name, event.old, event.new)

    def _lines(self, lines: list[str]) -> None:
        # One record per line: log viewers put time and level in front of each record.
        for line in lines:
            self._log.info("%s", line)
