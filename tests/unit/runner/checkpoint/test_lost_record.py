"""A lost record is a failure (invariant 4): a store that cannot save or be read, and hooks that raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider.errors import (
    AttemptStopped,
    CheckpointError,
    CheckpointFormatError,
    CheckpointReadError,
    CheckpointWriteError,
)
from airflow_provider.runner import (
    CheckpointState,
    CompositeHooks,
    NoOpHooks,
    PipelineHooks,
    PipelineResultStatus,
    SimplePipelineRunner,
)
from airflow_provider.runner.observing.events import (
    ComponentStarted,
)
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.harness.runs import NO_SPARK, SEVEN, ScriptedRun
from tests.samples.harness.stores import FlakyStore, PlainStore
from tests.samples.pipelines import component, pipeline


class Wrapper(NoOpHooks):
    """An author's own wrapper around hooks."""

    def __init__(self, inner: PipelineHooks) -> None:
        self.before_pipeline = inner.before_pipeline  # type: ignore[method-assign]
        self.after_component = inner.after_component  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda hooks: hooks,
        lambda hooks: CompositeHooks(hooks),
        lambda hooks: CompositeHooks(NoOpHooks(), CompositeHooks(hooks, NoOpHooks())),
        lambda hooks: Wrapper(hooks),
    ],
    ids=["alone", "composite", "nested composites", "the author's wrapper"],
)
def test_a_store_that_cannot_save_fails_the_attempt(
    script: Script, wrap: Callable[[PipelineHooks], PipelineHooks]
) -> None:
    """After its own retries, and nothing runs after the component whose record is lost."""
    store = FlakyStore()
    run = ScriptedRun(SEVEN, store)
    script.on("b", store.breaks)
    with pytest.raises(CheckpointWriteError) as caught:
        run.attempt(wrap(run.checkpoint_hooks()))
    assert str(caught.value) == (
        f"saving the checkpoint of pipeline 'p', run 'run-1' failed {len(run.pauses) + 1} times: "
        "OSError: [Errno 28] No space left on device; the attempt stops, because without the record "
        "the next attempt would run finished components again"
    )
    assert isinstance(caught.value.__cause__, OSError)
    assert script.calls == ["a", "b"]
    assert len(run.pauses) > 5
    assert run.completed() == {"a"}
    script.mend("b")
    store.mend()
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert script.calls == list("bcdefg")


@pytest.mark.parametrize("stop", [AttemptStopped("Airflow asked the task to stop"), KeyboardInterrupt(), SystemExit(1)])
def test_a_save_that_is_interrupted_is_not_tried_again(script: Script, stop: BaseException) -> None:
    """What ends the attempt must not be taken for a store that fails for a moment: no further component starts."""
    store = FlakyStore()

    def interrupted() -> None:
        store.failures.append(stop)

    script.on("a", interrupted)
    with pytest.raises(type(stop)):
        ScriptedRun(SEVEN, store).attempt()
    assert script.calls == ["a"]
    assert store.saves == 2  # the one of the beginning, and the one that was interrupted


def test_a_store_that_fails_for_a_moment_fails_nothing(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    store = FlakyStore()
    run = ScriptedRun(SEVEN, store)
    script.on("b", lambda: store.failures.extend([OSError("gone"), OSError("still gone")]))
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert len(run.pauses) == 2
    assert run.stored.completed_components == list("abcdefg")
    assert any("failed (try 1): OSError: gone; retrying in" in message for message in caplog.messages)


@pytest.mark.parametrize("start", ["the first attempt begins", "a later one takes the checkpoint over"])
def test_a_store_that_fails_at_the_start_lets_nothing_run(script: Script, start: str) -> None:
    store = FlakyStore()
    run = ScriptedRun(SEVEN, store)
    if start != "the first attempt begins":
        script.fail("c")
        run.attempt()
        script.take_calls()
    store.breaks()
    with pytest.raises(CheckpointWriteError):
        run.attempt()
    assert script.calls == []


def test_a_store_that_fails_at_the_very_end_fails_the_attempt(script: Script) -> None:
    """Invariant 10: without the record nobody knows that the run is complete."""

    class FailsToFinish(FlakyStore):
        def save(self, state: CheckpointState) -> None:
            if state.status == "completed":
                raise OSError("gone")
            super().save(state)

    with pytest.raises(CheckpointWriteError):
        ScriptedRun(SEVEN, FailsToFinish()).attempt()
    assert script.calls == list("abcdefg")


def test_a_component_whose_own_retries_are_on_is_not_tried_again_because_its_record_is_lost(script: Script) -> None:
    store = FlakyStore()
    run = ScriptedRun(pipeline(component("a", retry={"max_attempts": 5, "initial_delay_seconds": 0})), store)
    script.on("a", store.breaks)
    with pytest.raises(CheckpointWriteError):
        run.attempt()
    assert script.calls == ["a"]


@pytest.mark.parametrize("error", [CheckpointReadError("cannot be read"), CheckpointFormatError(3, 2)])
def test_a_checkpoint_that_cannot_be_read_lets_nothing_run(script: Script, error: CheckpointError) -> None:
    """Invariant 9: it is unknown what has completed."""

    class Unreadable(PlainStore):
        def load(self, *args: Any, **more: Any) -> CheckpointState | None:
            raise error

    run = ScriptedRun(SEVEN, Unreadable())
    for act in (run.attempt, run.runner().run):
        with pytest.raises(type(error)) as caught:
            act()
        assert caught.value is error
    assert script.calls == []


# Session state is only saved where there is Spark; that event is in observing/test_hooks.py.
EVENTS = [name for name in vars(PipelineHooks) if not name.startswith("_") and name != "on_session_state_saved"]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("first", [True, False], ids=["before the checkpoint hooks", "after the checkpoint hooks"])
def test_an_observing_hook_that_raises_is_logged_and_the_run_goes_on(
    script: Script, event: str, first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    tries = iter(range(100))

    def flaky() -> None:
        if next(tries) < 1:
            raise OSError("for a moment")

    policy = {"retry": {"max_attempts": 2}, "circuit_breaker": {"failure_threshold": 1, "timeout_seconds": 0.001}}
    run = ScriptedRun(pipeline("a", component("b", resilience=policy), "c"))
    if event == "on_component_reuse":
        script.fail("b")
        run.attempt(fail_fast=False)
        script.take_calls()
    if event in ("on_retry_attempt", "on_circuit_breaker_state_change"):
        script.on("b", flaky)
    if event == "on_component_failure":
        script.fail("b")

    class Metrics(NoOpHooks):
        pass

    def broken(self: object, event: object) -> None:
        raise ValueError("the metrics server is down")

    setattr(Metrics, event, broken)
    mine = run.checkpoint_hooks()
    ticks = iter(range(1000))
    result = run.attempt(
        CompositeHooks(Metrics(), mine) if first else CompositeHooks(mine, Metrics()),
        fail_fast=False,
        environment=RunnerEnvironment(clock=lambda: float(next(ticks)), sleep=lambda seconds: None),
    )
    assert f"hook Metrics.{event} failed; the run goes on" in caplog.messages
    assert set(result.completed_components) >= {"a", "c"}
    assert run.completed() == set(result.completed_components)


def test_hooks_given_alone_that_raise_are_logged_as_well(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(NoOpHooks):
        def before_component(self, event: ComponentStarted) -> None:
            raise ValueError("no")

    result = SimplePipelineRunner(SEVEN, hooks=Broken(), spark=NO_SPARK).run()
    assert result.status is PipelineResultStatus.SUCCESS
    assert caplog.messages.count("hook Broken.before_component failed; the run goes on") == 7
