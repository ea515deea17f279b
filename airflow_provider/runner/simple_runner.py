"""Walks the plan: runs components one after the other and tells the hooks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from airflow_provider.errors import CheckpointError
from airflow_provider.runner.component import build
from airflow_provider.runner.config import ComponentConfig, PipelineConfig, load_pipeline_config
from airflow_provider.runner.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
)
from airflow_provider.runner.graph import descendants
from airflow_provider.runner.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.plan import Action, Decision, RunPlan, plan_skipping
from airflow_provider.runner.resilience import CircuitBreaker, run_with_retries
from airflow_provider.runner.result import (
    ComponentResult,
    ComponentStatus,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.spark_session import open_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class SimplePipelineRunner:
    """Runs a pipeline in one Spark session.

    :param config: the pipeline
    :param hooks: what to tell about the run; default: nothing
    :param spark: the session, or a function that opens it, called when the first component runs. Default: the
        active session, or a new one from the ``spark`` section of the config. The runner never stops it
    :param fail_fast: stop at the first failure; False: go on with what does not depend on it
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    """

    def __init__(
        self,
        config: PipelineConfig,
        *,
        hooks: PipelineHooks | None = None,
        spark: SparkSession | Callable[[], SparkSession] | None = None,
        fail_fast: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._hooks = CompositeHooks(hooks) if hooks is not None else CompositeHooks()
        self._open_spark = spark if callable(spark) else None
        self._spark = None if callable(spark) else spark
        self._fail_fast = fail_fast
        self._clock = clock
        self._sleep = sleep
        self._breakers: dict[str, CircuitBreaker] = {}

    def run(
        self, completed_components: Collection[str] | None = None, *, plan: RunPlan | None = None
    ) -> PipelineResult:
        """Run the pipeline. A component that fails is in the result, not raised.

        :param completed_components: names of the components to leave out
        :param plan: a plan made before, instead of ``completed_components``
        :raises PipelineConfigError: a component cannot be imported or does not take its config
        :raises SparkSessionError: Spark did not start
        :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
        """
        load_pipeline_config(self._config)
        plan = plan or plan_skipping(self._config, completed_components or ())
        began = self._clock()
        self._hooks.before_pipeline(PipelineStarted(self._config, plan))
        results = self._walk(plan)
        status = (
            PipelineResultStatus.SUCCESS if all(result.success for result in results) else PipelineResultStatus.FAILURE
        )
        result = PipelineResult(self._config.name, status, tuple(results), self._clock() - began)
        self._hooks.after_pipeline(PipelineFinished(self._config, result))
        return result

    def _walk(self, plan: RunPlan) -> list[ComponentResult]:
        components = {component.name: component for component in self._config.components}
        depends_on = {name: component.depends_on for name, component in components.items()}
        total = len(plan.decisions)
        results: list[ComponentResult] = []
        failed: set[str] = set()
        blocked: set[str] = set()
        for position, decision in enumerate(plan.decisions, start=1):
            component = components[decision.component]
            if decision.action is Action.REUSE:
                self._hooks.on_component_reuse(ComponentReused(component, position, total, decision))
                results.append(
                    ComponentResult(
                        component.name,
                        decision.action,
                        decision.reason,
                        ComponentStatus.COMPLETED,
                        seconds_saved=decision.seconds_saved,
                    )
                )
            elif failed and (self._fail_fast or component.name in blocked):
                culprit = next(iter(failed))
                reason = f"{culprit!r} failed before it" if self._fail_fast else "it depends on a failed component"
                results.append(ComponentResult(component.name, decision.action, reason, ComponentStatus.NOT_RUN))
            else:
                result = self._run_component(component, decision, position, total)
                results.append(result)
                if not result.success:
                    failed.add(component.name)
                    blocked = descendants(depends_on, failed)
        return results

    def _run_component(
        self, component: ComponentConfig, decision: Decision, position: int, total: int
    ) -> ComponentResult:
        spark = self._session()  # before the clock starts: its start-up is no component's time
        self._hooks.before_component(ComponentStarted(component, position, total, decision))
        began = self._clock()
        try:
            work = build(component.class_path, component.config, spark, self._config.base_dir)
            retries = run_with_retries(
                work,
                component.retry_policy,
                self._breaker(component),
                lambda tried, pause, error: self._announce_retry(component, tried, pause, error),
                self._sleep,
            )
        except CheckpointError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the author's code raises
            took = self._clock() - began
            self._hooks.on_component_failure(ComponentFailed(component, position, total, took, error))
            return ComponentResult(
                component.name,
                decision.action,
                decision.reason,
                ComponentStatus.FAILED,
                duration_seconds=took,
                error=error,
            )
        took = self._clock() - began
        self._hooks.after_component(ComponentCompleted(component, position, total, took, retries))
        return ComponentResult(
            component.name,
            decision.action,
            decision.reason,
            ComponentStatus.COMPLETED,
            duration_seconds=took,
            retries=retries,
        )

    def _session(self) -> SparkSession:
        if self._spark is None:
            self._spark = self._open_spark() if self._open_spark else self._default_session()
        return self._spark

    def _default_session(self) -> SparkSession:
        from pyspark.sql import SparkSession

        active = SparkSession.getActiveSession()
        if active is not None:
            return active
        return open_session(self._config.spark.to_spark_conf(), self._config.name)

    def _breaker(self, component: ComponentConfig) -> CircuitBreaker | None:
        policy = component.breaker_policy
        if policy is None:
            return None
        if component.name not in self._breakers:
            self._breakers[component.name] = CircuitBreaker(
                component.name,
                policy,
                lambda old, new: self._hooks.on_circuit_breaker_state_change(CircuitChanged(component, old, new)),
                self._clock,
            )
        return self._breakers[component.name]

    def _announce_retry(self, component: ComponentConfig, tried: int, pause: float, error: BaseException) -> None:
        attempts = component.retry_policy.max_attempts if component.retry_policy else 1
        self._hooks.on_retry_attempt(RetryScheduled(component, tried, attempts, pause, error))
