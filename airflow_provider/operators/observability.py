"""Passes a run on to Airflow's metrics, to its traces and to OpenLineage."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider.masking import mask
from airflow_provider.runner import MetricsHooks, NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, ComponentStarted
from airflow_provider.runner.record.progress_record import SparkUsage

if TYPE_CHECKING:
    from airflow.sdk import Context
    from opentelemetry.trace import Span

PREFIX = "pyspark_pipeline."


def metrics_hooks(dag_id: str, task_id: str) -> MetricsHooks:
    """Return hooks that pass their figures to Airflow's metrics.

    Times become timers, in milliseconds as Airflow has them, a peak a gauge, everything else counters. Each has the
    tags ``dag_id``, ``task_id``, ``pipeline`` and, where it applies, ``component``.
    """
    from airflow.providers.common.compat.sdk import Stats

    def emit(name: str, value: float, tags: dict[str, str]) -> None:
        tags = {"dag_id": dag_id, "task_id": task_id, **tags}
        if name.endswith("_seconds"):
            Stats.timing(f"{PREFIX}{name.removesuffix('_seconds')}", timedelta(seconds=value), tags=tags)
        elif name.endswith("seconds_saved"):
            Stats.timing(f"{PREFIX}pipeline.saved", timedelta(seconds=value), tags=tags)
        elif name.endswith("peak_memory_bytes"):
            Stats.gauge(f"{PREFIX}{name}", int(value), tags=tags)
        else:
            Stats.incr(f"{PREFIX}{name}", int(value), tags=tags)

    return MetricsHooks(emit)


class TracingHooks(NoOpHooks):
    """Opens a span per component that runs, below the span of the task. Costs nothing without tracing."""

    def __init__(self) -> None:
        self._span: Span | None = None

    def before_component(self, event: ComponentStarted) -> None:
        from opentelemetry import trace

        self._span = trace.get_tracer("airflow_provider").start_span(
            f"component.{event.component.name}",
            attributes={
                "pyspark_pipeline.component": event.component.name,
                "pyspark_pipeline.action": event.decision.action.value,
                "pyspark_pipeline.reason": str(event.decision.reason),
                "pyspark_pipeline.position": event.position,
            },
        )

    def after_component(self, event: ComponentCompleted) -> None:
        if self._span is not None:
            self._span.set_attribute("pyspark_pipeline.retries", event.retries)
            self._tell_costs(event.usage)
            self._span.end()
            self._span = None

    def on_component_failure(self, event: ComponentFailed) -> None:
        from opentelemetry.trace import Status, StatusCode

        if self._span is not None:
            if isinstance(event.error, Exception):
                text = mask("".join(traceback.format_exception(event.error)))
                masked = {"exception.message": mask(str(event.error)), "exception.stacktrace": text}
                self._span.record_exception(event.error, masked)
            self._tell_costs(event.usage)
            self._span.set_status(Status(StatusCode.ERROR, type(event.error).__name__))
            self._span.end()
            self._span = None

    def _tell_costs(self, usage: SparkUsage | None) -> None:
        """Add what the component took of Spark. OpenTelemetry's semantic conventions have no names for it."""
        if self._span is not None and usage is not None:
            costs = usage.costs.to_json()
            self._span.set_attributes({f"pyspark_pipeline.spark.{name}": value for name, value in costs.items()})


def with_openlineage(
    properties: Mapping[str, Any], context: Context, *, parent: bool | None, transport: bool | None
) -> dict[str, Any]:
    """Add the properties for Spark's OpenLineage integration, as the operators of Airflow's Spark provider do.

    :param properties: Spark properties, which win over those that are added
    :param context: Airflow's context
    :param parent: whether to name this task as the parent job; None: ``[openlineage] spark_inject_parent_job_info``
    :param transport: whether to pass Airflow's transport on; None: ``[openlineage] spark_inject_transport_info``
    """
    found = dict(properties)
    if _wanted(parent, "spark_inject_parent_job_info"):
        from airflow.providers.common.compat.openlineage.utils.spark import (
            inject_parent_job_information_into_spark_properties,
        )

        found = inject_parent_job_information_into_spark_properties(found, context)
    if _wanted(transport, "spark_inject_transport_info"):
        from airflow.providers.common.compat.openlineage.utils.spark import (
            inject_transport_information_into_spark_properties,
        )

        found = inject_transport_information_into_spark_properties(found, context)
    return found


def _wanted(given: bool | None, option: str) -> bool:
    return bool(conf.getboolean("openlineage", option, fallback=False)) if given is None else given
