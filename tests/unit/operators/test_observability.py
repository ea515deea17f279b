"""What Airflow's metrics and traces get of a run: a real StatsD client and socket, a real OpenTelemetry SDK."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Stats
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from statsd import StatsClient

from airflow_provider.operators.observability import TracingHooks, metrics_hooks, with_openlineage
from airflow_provider.runner import InMemoryCheckpointStore, PipelineHooks
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, ComponentStarted, Step
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import NoCheckpoint
from airflow_provider.runner.record.progress_record import SparkCosts, SparkUsage
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

THREE = pipeline("a", "b", "c")


class TaggedClient(StatsClient):  # type: ignore[misc]
    """Sends tags the way InfluxDB's StatsD dialect has them, as Airflow's own client does."""

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: dict[str, str] | None = None) -> None:
        super().incr(tagged(stat, tags), count, rate)

    def gauge(
        self, stat: str, value: float, rate: float = 1, delta: bool = False, *, tags: dict[str, str] | None = None
    ) -> None:
        super().gauge(tagged(stat, tags), value, rate, delta)

    def timing(self, stat: str, delta: Any, *, tags: dict[str, str] | None = None) -> None:
        super().timing(tagged(stat, tags), delta)


def tagged(stat: str, tags: dict[str, str] | None) -> str:
    return ",".join([stat, *(f"{key}={value}" for key, value in (tags or {}).items())])


@pytest.fixture
def statsd() -> Iterator[socket.socket]:
    """A StatsD server that Airflow's metrics are sent to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client = TaggedClient("127.0.0.1", server.getsockname()[1])
        Stats.initialize(factory=lambda: client, export_legacy_names=False)
        yield server
        Stats.initialize(factory=NoStatsLogger, export_legacy_names=False)
        client.close()


def attempt(hooks: PipelineHooks, store: InMemoryCheckpointStore, **options: Any) -> None:
    spark: Any = object()
    run_attempt(AttemptSpec(THREE, store, RunKey((), "run", THREE.name), hooks=[hooks], spark=spark, **options))


def received(server: socket.socket, until: str) -> list[str]:
    lines = []
    while not lines or not lines[-1].startswith(until):
        lines.append(server.recv(4096).decode())
    return lines


def test_airflows_metrics_get_counts_and_times_with_tags(script: Script, statsd: socket.socket) -> None:
    """Completed, failed and reused components, their duration, what reuse saved and how long a save took."""
    script.fail("c")
    store = InMemoryCheckpointStore()
    hooks = metrics_hooks("d", "t")

    attempt(hooks, store, saving=SavePolicy(on_save=hooks.checkpoint_saved))
    first = received(statsd, "pyspark_pipeline.pipeline.saved")
    script.mend("c")
    attempt(hooks, store, saving=SavePolicy(on_save=hooks.checkpoint_saved))
    second = received(statsd, "pyspark_pipeline.pipeline.saved")

    tags = f"dag_id=d,task_id=t,pipeline={THREE.name}"
    assert f"pyspark_pipeline.component.completed,{tags},component=a:1|c" in first
    assert f"pyspark_pipeline.component.failed,{tags},component=c:1|c" in first
    durations = [line for line in first if line.startswith("pyspark_pipeline.component.duration,")]
    assert len(durations) == 3
    assert all(line.endswith("|ms") for line in durations)
    saves = [line for line in first if line.startswith("pyspark_pipeline.checkpoint.save,dag_id=d")]
    assert len(saves) == 4  # the beginning, two completed, one failed; the last one comes after the summary
    assert f"pyspark_pipeline.component.reused,{tags},component=a:1|c" in second
    assert f"pyspark_pipeline.component.completed,{tags},component=c:1|c" in second


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Where spans end up. OpenTelemetry takes one provider per process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def test_each_component_that_runs_has_a_span_below_the_tasks(script: Script, exporter: InMemorySpanExporter) -> None:
    """With the action, the reason and, if it failed, the error, with secrets masked."""
    exporter.clear()
    script.fail("b", ConnectionError("jdbc:p://u?password=hunter2 is down"))
    with trace.get_tracer("airflow").start_as_current_span("task") as task:
        attempt(TracingHooks(), InMemoryCheckpointStore())
    spans = {span.name: span for span in exporter.get_finished_spans()}

    assert sorted(spans) == ["component.a", "component.b", "task"]
    assert spans["component.a"].parent.span_id == task.get_span_context().span_id
    assert spans["component.a"].attributes["pyspark_pipeline.action"] == "RUN"
    assert spans["component.a"].status.status_code is StatusCode.UNSET
    assert spans["component.b"].status.status_code is StatusCode.ERROR
    (exception,) = spans["component.b"].events
    assert exception.attributes["exception.type"] == "ConnectionError"
    assert exception.attributes["exception.message"] == "jdbc:p://u?password=*** is down"
    assert "password=*** is down" in exception.attributes["exception.stacktrace"]
    assert "hunter2" not in str(exception.attributes)


def test_a_peak_is_a_gauge_and_times_are_timers(statsd: socket.socket) -> None:
    """A sum of peaks would mean nothing."""
    hooks = metrics_hooks("d", "t")
    step = Step(component("a"), Decision("a", Action.RUN, NoCheckpoint()), 1, 1)
    usage = SparkUsage(SparkCosts(cpu_seconds=2.5, tasks=8, peak_memory_bytes=7))
    hooks.after_component(ComponentCompleted(step, 3.0, 0, usage=usage))
    found = received(statsd, "pyspark_pipeline.component.peak_memory_bytes")
    kinds = [line.rpartition(":")[2] for line in found[-3:]]
    assert kinds == ["2500.000000|ms", "8|c", "7|g"]


def test_a_span_has_what_the_component_took_of_spark(exporter: InMemorySpanExporter) -> None:
    """Also of one that failed; what is not known is left out."""
    exporter.clear()
    step = Step(component("a"), Decision("a", Action.RUN, NoCheckpoint()), 1, 1)
    usage = SparkUsage(SparkCosts(cpu_seconds=2.5, tasks=8))
    hooks = TracingHooks()
    for event in (ComponentCompleted(step, 3.0, 0, usage=usage), ComponentFailed(step, 3.0, OSError(), usage=usage)):
        hooks.before_component(ComponentStarted(step))
        hooks.after_component(event) if isinstance(event, ComponentCompleted) else hooks.on_component_failure(event)
    for span in exporter.get_finished_spans():
        found = {key: value for key, value in span.attributes.items() if key.startswith("pyspark_pipeline.spark.")}
        assert found == {"pyspark_pipeline.spark.cpu_seconds": 2.5, "pyspark_pipeline.spark.tasks": 8}


def test_lineage_adds_nothing_by_default() -> None:
    """The default is Airflow's, which is off."""
    context: Any = {}
    assert with_openlineage({"spark.x": 1}, context, parent=None, transport=None) == {"spark.x": 1}
