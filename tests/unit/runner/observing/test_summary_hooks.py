"""The summary of an attempt that goes on, and of one that ends badly."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.errors import CheckpointWriteError, StaleAttemptError
from airflow_provider.runner import NoOpHooks, SimplePipelineRunner
from airflow_provider.runner.observing.events import ComponentStarted
from airflow_provider.runner.observing.hooks import CompositeHooks
from airflow_provider.runner.observing.summary_hooks import SummaryHooks
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.pipelines import pipeline

ABC = pipeline(*"abc")


class Clock:
    """Moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Ends(NoOpHooks):
    """Ends the attempt at a component."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def before_component(self, event: ComponentStarted) -> None:
        if event.component.name == "b":
            raise self._error


def run(told: list[dict[str, Any]], *, clock: Clock | None = None, other: NoOpHooks | None = None) -> Any:
    clock = clock or Clock()
    with SummaryHooks("p", told.append, clock) as hooks:
        all_hooks = CompositeHooks(hooks, other or NoOpHooks())
        return SimplePipelineRunner(
            ABC,
            hooks=all_hooks,
            spark=object(),
            environment=RunnerEnvironment(clock=clock),  # type: ignore[arg-type]
        ).run({"a"})


def statuses(summary: dict[str, Any]) -> list[str]:
    return [part["status"] for part in summary["components"]]


def test_a_quick_attempt_tells_its_plan_and_its_end(script: Script) -> None:
    """And in the end exactly what the result says."""
    told: list[dict[str, Any]] = []
    result = run(told)
    assert [summary["status"] for summary in told] == ["running", "success"]
    assert statuses(told[0]) == ["planned", "planned", "planned"]
    assert told[1] == result.summary()


def test_a_long_attempt_tells_where_it_stands_every_ten_seconds(script: Script) -> None:
    """Each time the whole, so that the newest one says all."""
    told: list[dict[str, Any]] = []
    clock = Clock()

    def work() -> None:
        clock.now += 6

    script.on("b", work)
    script.on("c", work)
    run(told, clock=clock)
    assert [statuses(summary) for summary in told[:-1]] == [["planned"] * 3, ["completed"] * 3]
    assert (told[1]["status"], told[1]["duration_seconds"]) == ("running", 12.0)


def test_the_summary_of_a_failure_is_passed_on_at_once(script: Script) -> None:
    """Before what others left is saved, because the process may be killed meanwhile."""
    told: list[dict[str, Any]] = []
    script.fail("b")
    run(told)
    assert [summary["status"] for summary in told] == ["running", "running", "failure"]
    assert statuses(told[1]) == ["completed", "failed", "planned"]
    assert told[1]["components"][1]["error"].startswith("RuntimeError")
    assert statuses(told[2]) == ["completed", "failed", "not_run"]


def test_an_attempt_that_is_ended_tells_what_did_not_run(script: Script) -> None:
    """A record that cannot be saved, a stop by Airflow: the error is in the summary, and is raised all the same."""
    told: list[dict[str, Any]] = []
    with pytest.raises(CheckpointWriteError):
        run(told, other=Ends(CheckpointWriteError("the store is gone")))
    assert told[-1]["error"].endswith("the store is gone")
    assert (told[-1]["status"], statuses(told[-1])) == ("failure", ["completed", "failed", "not_run"])


def test_a_replaced_attempt_passes_on_no_summary(script: Script) -> None:
    """Its successor's summary stands under the same key."""
    told: list[dict[str, Any]] = []
    with pytest.raises(StaleAttemptError):
        run(told, other=Ends(StaleAttemptError("replaced")))
    assert [summary["status"] for summary in told] == ["running"]


def test_a_summary_that_cannot_be_passed_on_hides_no_error(script: Script) -> None:
    """The attempt's own error is raised."""

    def refuse(summary: dict[str, Any]) -> None:
        raise BrokenPipeError

    with pytest.raises(KeyError), SummaryHooks("p", refuse):
        raise KeyError("x")


def test_the_summary_holds_no_number_that_an_xcom_cannot_take(script: Script) -> None:
    """Airflow cannot send an integer beyond 64 bits, and fails the task for it after its work."""
    script.fail("b", OverflowError(2**70))
    told: list[dict[str, Any]] = []
    clock = Clock()
    script.on("a", lambda: setattr(clock, "now", 1e30))
    hooks = SummaryHooks("p", told.append, clock)
    result = SimplePipelineRunner(ABC, hooks=hooks, environment=RunnerEnvironment(clock=clock)).run()

    def integers(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [found for item in value.values() for found in integers(item)]
        if isinstance(value, list):
            return [found for item in value for found in integers(item)]
        return [value] if isinstance(value, int) else []

    assert integers([*told, result.summary()]) == []
