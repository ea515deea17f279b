"""What runs is what was written: a component counts as complete only if its work was done."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider.errors import AttemptStopped, NothingRanError
from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from tests.samples.components import odd

ODD = "tests.samples.components.odd"


@pytest.fixture(autouse=True)
def _nothing_done() -> Iterator[None]:
    odd.DONE.clear()
    yield
    odd.DONE.clear()


def pipeline(kind: str, **fields: Any) -> PipelineConfig:
    return PipelineConfig(name="p", components=[{"name": "a", "class_path": f"{ODD}.{kind}", **fields}])  # type: ignore[list-item]


def run(kind: str, **fields: Any) -> PipelineResult:
    return SimplePipelineRunner(pipeline(kind, **fields), spark=object()).run()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        ("work", [("async", "none")]),
        ("returns_coroutine", [("returned", "none")]),
        ("returns_future", ["future"]),
        ("RunAsync", ["RunAsync"]),
        ("OpenAsync", ["open", ("same loop", True), "close"]),
        ("OpenReturnsCoroutine", [("opened", "none"), "run", "close"]),
        ("drained_generator", ["drained"]),
        ("returns_rows", ["rows"]),
        ("RunMayTake", ["may take"]),
        ("RunIsStatic", ["static"]),
        ("RunOfClass", ["class"]),
        ("RunInjected", ["logger"]),
        ("OwnSession", ["own"]),
        ("ModelWithField", [True]),
        ("SlottedWithSpark", [True]),
        ("FrozenWithMethod", ["session"]),
        ("ModelWithSetter", ["set"]),
    ],
)
def test_what_is_awaitable_is_awaited_and_what_can_run_runs(kind: str, done: list[Any]) -> None:
    assert run(kind).status is PipelineResultStatus.SUCCESS
    assert done == odd.DONE


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("returns_generator", "a generator"),
        ("returns_map", "a lazy map"),
        ("returns_manager", "a context manager"),
        ("makes_generator", "a generator"),
        ("logged_generator", "a generator"),
        ("RunReturnsGenerator", "a generator"),
        ("OpenReturnsGenerator", "a generator"),
    ],
)
def test_a_result_of_which_nothing_ran_fails_the_component_and_is_never_recorded(kind: str, what: str) -> None:
    """Also with retries of its own: another try would return the same."""
    config = pipeline(kind, retry={"max_attempts": 3, "initial_delay_seconds": 0})
    store = InMemoryCheckpointStore()
    hooks = CheckpointHooks(store, run_id="r", pipeline_fingerprint=compute_pipeline_fingerprint(config))
    result = SimplePipelineRunner(config, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]
    ((_, error),) = result.failed_components
    assert isinstance(error, NothingRanError)
    assert f"it returned {what}, which never ran" in str(error)
    recorded = store.load(run_id="r")
    assert recorded is not None
    assert recorded.completed_components == []
    assert odd.DONE in ([], ["open", "close"])


@pytest.mark.parametrize("kind", ["fails", "returns_failed_future"])
def test_what_an_awaited_component_raises_is_its_failure(kind: str) -> None:
    result = run(kind)
    ((_, error),) = result.failed_components
    assert isinstance(error, ValueError)
    (only,) = result.component_results
    assert only.failure is not None
    if kind == "fails":
        assert "tests/samples/components/odd.py" in str(only.failure)


def test_an_async_component_is_tried_again_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    async def flaky(spark: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")

    monkeypatch.setattr(odd, "work", flaky)
    assert run("work", retry={"max_attempts": 3, "initial_delay_seconds": 0}).status is PipelineResultStatus.SUCCESS
    assert len(tries) == 3


def test_an_async_component_runs_where_a_loop_is_already_running() -> None:
    """As in a notebook, whose cells run inside a loop. What the author put into context variables is there."""

    async def cell() -> PipelineResult:
        odd.CONTEXT.set("notebook")
        return run("work")

    assert asyncio.run(cell()).status is PipelineResultStatus.SUCCESS
    assert odd.DONE == [("async", "notebook")]

    async def failing() -> PipelineResult:
        return run("fails")

    ((_, error),) = asyncio.run(failing()).failed_components
    assert str(error) == "inside"


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), AttemptStopped(), asyncio.CancelledError()], ids=repr
)
def test_what_ends_a_process_ends_an_async_component_too(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(spark: Any) -> None:
        raise error

    monkeypatch.setattr(odd, "work", stopped)
    if isinstance(error, (SystemExit, asyncio.CancelledError)):  # the component's own failure
        assert run("work").status is PipelineResultStatus.FAILURE
    else:
        with pytest.raises(type(error)):
            run("work")


@pytest.mark.parametrize("where", ["in the component", "in a callback"])
def test_a_signal_that_stops_the_attempt_stops_an_async_component(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt must end now, and asyncio keeps to itself what callbacks raise."""

    def stop(number: int, frame: Any) -> None:
        raise AttemptStopped("Airflow asked the task to stop")

    async def waits(spark: Any) -> None:
        try:
            if where == "in a callback":
                asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGUSR1)
            else:
                signal.raise_signal(signal.SIGUSR1)
            await asyncio.sleep(60)
        finally:
            odd.DONE.append("cleaned up")

    monkeypatch.setattr(odd, "work", waits)
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(AttemptStopped):
            run("work")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert odd.DONE == ["cleaned up"]


def test_the_threads_own_event_loop_is_left_as_it_was() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        run("work")
        assert asyncio.get_event_loop_policy().get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_task_that_is_never_awaited_is_warned_about(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def forgets(spark: Any) -> None:
        forgets.task = asyncio.create_task(asyncio.sleep(60))  # type: ignore[attr-defined]

    monkeypatch.setattr(odd, "work", forgets)
    assert run("work").status is PipelineResultStatus.SUCCESS
    assert "it started tasks and did not await them, so they are cancelled: 1" in caplog.messages


@pytest.mark.parametrize(
    ("kind", "what"), [("returns_function", "a function"), ("returns_component", "an object with run()")]
)
def test_a_result_that_was_meant_to_be_called_is_warned_about(
    kind: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert run(kind).status is PipelineResultStatus.SUCCESS
    assert f"component 'a' returned {what}, which the runner does not call" in caplog.messages
