"""What the metrics hooks count and time."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.runner import MetricsHooks, PipelineResultStatus
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, SessionStateSaved, Step
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import NoCheckpoint
from airflow_provider.runner.record.progress_record import SparkCosts, SparkUsage
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from tests.conftest import Script
from tests.samples.harness.ticking_runs import run
from tests.samples.pipelines import component, pipeline

SEVEN = pipeline(*"abcdefg")


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_metrics_count_what_happens_and_time_each_component(script: Script) -> None:
    script.fail("d")
    metrics = MetricsHooks()
    run(pipeline("a", component("b", retry={"max_attempts": 2}), "c", "d", "e"), metrics, {"a"})
    assert metrics.counts == {"reused": 1, "completed": 2, "failed": 1}
    assert metrics.durations == {"b": 1.0, "c": 1.0, "d": 1.0}


def test_metrics_pass_each_figure_on_with_its_tags(script: Script) -> None:
    tries = iter([OSError("gone")])

    def behaviour() -> None:
        for error in tries:
            raise error

    script.on("b", behaviour)
    script.fail("c")
    figures: list[tuple[str, float, dict[str, str]]] = []
    config = pipeline("a", component("b", retry={"max_attempts": 2}), "c", name="daily")
    run(config, MetricsHooks(lambda *figure: figures.append(figure)), {"a"})

    def of(name: str) -> dict[str, str]:
        return {"pipeline": "daily", "component": name}

    assert figures == [
        ("component.reused", 1, of("a")),
        ("component.retried", 1, of("b")),
        ("component.completed", 1, of("b")),
        ("component.duration_seconds", 1.0, of("b")),
        ("component.failed", 1, of("c")),
        ("component.duration_seconds", 1.0, of("c")),
        ("pipeline.duration_seconds", 6.0, {"pipeline": "daily"}),
        ("pipeline.seconds_saved", 0, {"pipeline": "daily"}),
    ]


def test_metrics_pass_on_what_a_component_took_of_spark() -> None:
    """Also of one that failed; what is not known or nothing is left out."""
    figures: list[tuple[str, float]] = []
    metrics = MetricsHooks(lambda name, value, tags: figures.append((name, value)))
    step = Step(component("a"), Decision("a", Action.RUN, NoCheckpoint()), 1, 1)
    usage = SparkUsage(SparkCosts(cpu_seconds=2.5, tasks=8, failed_tasks=0, input_rows=1000))
    costs = [("component.cpu_seconds", 2.5), ("component.tasks", 8), ("component.input_rows", 1000)]

    metrics.after_component(ComponentCompleted(step, 3.0, 0, usage=usage))
    assert figures[2:] == costs
    figures.clear()
    metrics.on_component_failure(ComponentFailed(step, 3.0, ValueError("no"), usage=usage))
    assert figures[2:] == costs


def test_a_metrics_server_that_is_down_does_not_stop_the_run(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Invariant 4."""

    def emit(*figure: object) -> None:
        raise ConnectionError("down")

    assert run(SEVEN, MetricsHooks(emit)).status is PipelineResultStatus.SUCCESS
    assert "hook MetricsHooks.after_component failed; the run goes on" in caplog.messages


def test_metrics_count_what_is_saved_of_completed_components() -> None:
    """With the bytes that the views take."""
    figures: list[tuple[str, float, dict[str, str]]] = []
    metrics = MetricsHooks(lambda *figure: figures.append(figure))
    view = {"name": "v", "url": "/x", "format": "parquet", "columns": ["id"], "files": 1, "bytes": 7, "digest": "d"}
    state = SessionStateRecord(handling="kept", reason="the attempt failed", views=[SavedView.model_validate(view)])
    metrics.on_session_state_saved(SessionStateSaved("a", state))
    tags = {"pipeline": "", "component": "a"}
    assert metrics.counts == {"saved": 1}
    assert figures == [("component.saved", 1, tags), ("component.saved_bytes", 7, tags)]
