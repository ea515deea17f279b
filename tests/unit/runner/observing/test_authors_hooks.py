"""What authors' hooks do and get in the ways in which a run can go wrong."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from airflow_provider.errors import CheckpointWriteError, StaleAttemptError
from airflow_provider.runner import (
    CheckpointHooks,
    CompositeHooks,
    InMemoryCheckpointStore,
    LoggingHooks,
    MetricsHooks,
    NoOpHooks,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.checkpoint.saving import SavePolicy
from tests.conftest import Script
from tests.samples.pipelines import pipeline

SPARK: Any = object()


class Tracking(NoOpHooks):
    """Begins a run somewhere else, which must be ended."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def before_pipeline(self, event: Any) -> None:
        self.told.append("begun")

    def after_pipeline(self, event: Any) -> None:
        self.told.append(event.result.status.value)


class TrackingAsThere(Tracking):
    """The same with the arguments of pyspark-pipeline-framework."""

    def after_pipeline(self, config: Any, result: Any) -> None:  # type: ignore[override]
        self.told.append(result.status.value)


class Full(InMemoryCheckpointStore):
    """A store that is full after so many writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left, self.write = writes, self._memory.write
        self._memory.write = self.counted  # type: ignore[method-assign]

    def counted(self, path: str, content: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError("no space left on device")
        self.write(path, content)


@pytest.mark.parametrize("kind", [Tracking, TrackingAsThere])
@pytest.mark.parametrize("around", [lambda h: h, lambda h: CompositeHooks(LoggingHooks(), CompositeHooks(h))])
def test_what_was_begun_is_ended_when_spark_does_not_start(script: Script, kind: Any, around: Any) -> None:
    def no_spark() -> Any:
        raise ConnectionError("no JVM")

    hooks, metrics = kind(), MetricsHooks()
    with pytest.raises(ConnectionError):
        SimplePipelineRunner(pipeline("a"), hooks=[metrics, around(hooks)], spark=no_spark).run()
    assert hooks.told == ["begun", "failure"]


def test_what_was_begun_is_ended_when_the_record_is_lost_and_the_record_stays_as_it_was(script: Script) -> None:
    config, store, hooks = pipeline("a", "b"), Full(3), Tracking()
    record = CheckpointHooks(store, "r", compute_pipeline_fingerprint(config), saving=SavePolicy(patience_seconds=0))
    with pytest.raises(CheckpointWriteError):
        SimplePipelineRunner(config, hooks=[hooks, record], spark=SPARK).run()
    assert hooks.told == ["begun", "failure"]
    state = store.load("r", "p")
    assert state is not None
    assert (state.status, state.completed_components) == ("in_progress", ["a"])


def test_hooks_that_saw_the_end_do_not_see_it_again(script: Script) -> None:
    script.fail("a")
    hooks = Tracking()
    SimplePipelineRunner(pipeline("a"), hooks=hooks, spark=SPARK).run()
    assert hooks.told == ["begun", "failure"]


class Stops(NoOpHooks):
    def after_pipeline(self, event: Any) -> None:
        raise StaleAttemptError("replaced")


def test_a_hook_that_ends_with_an_error_of_the_record_sees_one_end(script: Script) -> None:
    hooks = Tracking()
    with pytest.raises(StaleAttemptError):
        SimplePipelineRunner(pipeline("a"), hooks=[hooks, Stops()], spark=SPARK).run()
    assert hooks.told == ["begun", "success"]


@pytest.mark.parametrize("status", [0, 1, None])
def test_a_hook_that_calls_exit_does_not_end_the_run(
    script: Script, caplog: pytest.LogCaptureFixture, status: int | None
) -> None:
    """Commands end with ``sys.exit()``; a script would end with status 0 and half of its components."""

    class Calls(NoOpHooks):
        def after_component(self, event: Any) -> None:
            sys.exit(status)

    result = SimplePipelineRunner(pipeline("a", "b"), hooks=Calls(), spark=SPARK).run()
    assert result.status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == ["a", "b"]
    assert "hook Calls.after_component failed; the run goes on" in caplog.text


def test_a_kill_goes_through_hooks(script: Script) -> None:
    class Killed(NoOpHooks):
        def after_component(self, event: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SimplePipelineRunner(pipeline("a", "b"), hooks=Killed(), spark=SPARK).run()


def test_a_method_that_looks_like_a_misspelt_callback_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    class Misspelt(NoOpHooks):
        def after_componant(self, event: Any) -> None: ...

        def on_component_failed(self, event: Any) -> None: ...

        def on_message(self, text: str) -> None: ...

        def after_all(self) -> None: ...

    CompositeHooks(Misspelt())
    assert caplog.messages == [
        "hook Misspelt.after_componant is never called; did you mean 'after_component'?",
        "hook Misspelt.on_component_failed is never called; did you mean 'on_component_failure'?",
    ]
