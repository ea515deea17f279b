"""A component's own retries and circuit breaker, with a clock that only moves when it is told to."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import pytest

from airflow_provider.errors import CircuitOpenError, PipelineConfigError
from airflow_provider.runner import (
    NoOpHooks,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
)
from airflow_provider.runner.config.model import CircuitBreakerConfig
from airflow_provider.runner.observing.events import CircuitChanged, ComponentCompleted, ComponentFailed, RetryScheduled
from airflow_provider.runner.running.circuit_breaker import CircuitBreaker
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.components.basic import ShelfError
from tests.samples.pipelines import component, pipeline


@dataclasses.dataclass
class Clock:
    """Time that passes only while something sleeps."""

    now: float = 1000.0
    pauses: list[float] = dataclasses.field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Told(NoOpHooks):
    """What the hooks were told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        self.events.append(
            f"try {event.attempt} of {event.max_attempts} failed, {event.delay_seconds:g} s: {event.error}"
        )

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        self.events.append(f"{event.component.name}: {event.old} -> {event.new}")

    def after_component(self, event: ComponentCompleted) -> None:
        self.events.append(f"completed after {event.retries} retries in {event.duration_seconds:g} s")

    def on_component_failure(self, event: ComponentFailed) -> None:
        self.events.append(f"failed in {event.duration_seconds:g} s: {event.error}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


def fail_times(script: Script, times: int, error: type[BaseException] = OSError) -> None:
    """Let component ``a`` fail so many times and then succeed."""
    left = iter(range(1, times + 1))

    def behaviour() -> None:
        number = next(left, None)
        if number is not None:
            raise error(f"failure {number}")

    script.on("a", behaviour)


def runner(config: PipelineConfig, clock: Clock, hooks: NoOpHooks) -> SimplePipelineRunner:
    environment = RunnerEnvironment(clock=clock, sleep=clock.sleep)
    return SimplePipelineRunner(config, hooks=hooks, spark=object(), environment=environment)  # type: ignore[arg-type]


def run(clock: Clock, hooks: NoOpHooks, **fields: Any) -> PipelineResult:
    return runner(pipeline(component("a", **fields), "b"), clock, hooks).run()


def test_without_a_policy_a_component_is_tried_once(script: Script, clock: Clock, told: Told) -> None:
    fail_times(script, 1)
    assert run(clock, told).status is PipelineResultStatus.FAILURE
    assert script.calls == ["a"]
    assert clock.pauses == []
    assert told.events == ["failed in 0 s: failure 1"]


def test_a_component_is_tried_until_it_succeeds_and_hooks_hear_of_each_retry(
    script: Script, clock: Clock, told: Told
) -> None:
    fail_times(script, 2)
    result = run(clock, told, retry={"max_attempts": 5})
    assert result.status is PipelineResultStatus.SUCCESS
    assert result.component_results[0].retries == 2
    assert script.calls == ["a", "a", "a", "b"]
    assert told.events == [
        "try 1 of 5 failed, 1 s: failure 1",
        "try 2 of 5 failed, 2 s: failure 2",
        "completed after 2 retries in 3 s",
        "completed after 0 retries in 0 s",
    ]


def test_a_component_that_uses_up_its_tries_fails_with_its_last_error(script: Script, clock: Clock, told: Told) -> None:
    fail_times(script, 99)
    result = run(clock, told, resilience={"retry": {"max_attempts": 3}})
    ((name, error),) = result.failed_components
    assert (name, type(error), str(error)) == ("a", OSError, "failure 3")
    assert script.calls == ["a", "a", "a"]
    assert told.events[-1] == "failed in 3 s: failure 3"


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [
        ({}, [1, 2]),
        ({"max_attempts": 1}, []),
        ({"max_attempts": 6, "max_delay_seconds": 5}, [1, 2, 4, 5, 5]),
        ({"max_attempts": 4, "initial_delay_seconds": 0.5, "backoff_multiplier": 3}, [0.5, 1.5, 4.5]),
        ({"max_attempts": 4, "backoff_multiplier": 1}, [1, 1, 1]),
        ({"max_attempts": 3, "initial_delay_seconds": 0}, [0, 0]),
        ({"max_attempts": 3, "initial_delay_seconds": 10, "max_delay_seconds": 5}, [5, 5]),
    ],
)
def test_the_pauses_grow_and_are_capped(
    script: Script, clock: Clock, told: Told, policy: dict[str, Any], pauses: list[float]
) -> None:
    fail_times(script, 99)
    run(clock, told, retry=policy)
    assert clock.pauses == pauses


@pytest.mark.parametrize(
    ("names", "error", "tried_again"),
    [
        (["OSError"], OSError, True),
        (["builtins.OSError"], OSError, True),
        (["OSError"], ShelfError, True),
        (["ShelfError"], ShelfError, True),
        (["tests.samples.components.basic.ShelfError"], ShelfError, True),
        (["ValueError", "OSError"], OSError, True),
        (["Exception"], ShelfError, True),
        (["ShelfError"], OSError, False),
        (["other.module.ShelfError"], ShelfError, False),
        (["ValueError"], OSError, False),
        ([], OSError, False),
        (["IOError"], FileNotFoundError, True),  # old names of OSError
        (["builtins.EnvironmentError"], OSError, True),
    ],
    ids=str,
)
def test_only_the_named_errors_and_their_subclasses_are_tried_again(
    script: Script, clock: Clock, told: Told, names: list[str], error: type[BaseException], tried_again: bool
) -> None:
    fail_times(script, 1, error)
    result = run(clock, told, retry={"retry_on_exceptions": names})
    assert (result.status is PipelineResultStatus.SUCCESS) is tried_again
    assert script.calls.count("a") == (2 if tried_again else 1)


def test_an_interrupt_is_never_tried_again(script: Script, clock: Clock, told: Told) -> None:
    fail_times(script, 1, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(clock, told, retry={"retry_on_exceptions": ["BaseException", "KeyboardInterrupt"]})
    assert script.calls == ["a"]


def test_an_open_circuit_stops_the_retries_and_the_last_error_is_the_cause(
    script: Script, clock: Clock, told: Told
) -> None:
    fail_times(script, 99)
    result = run(
        clock,
        told,
        resilience={"retry": {"max_attempts": 10}, "circuit_breaker": {"failure_threshold": 2, "timeout_seconds": 60}},
    )
    ((_, error),) = result.failed_components
    assert isinstance(error, CircuitOpenError)
    assert str(error) == (
        "component 'a': the circuit breaker is open after repeated failures; the next try is allowed in 58 s"
    )
    assert isinstance(error.__cause__, OSError)
    assert str(error.__cause__) == "failure 2"
    assert script.calls == ["a", "a"]
    assert told.events == [
        "try 1 of 10 failed, 1 s: failure 1",
        "a: closed -> open",
        "try 2 of 10 failed, 2 s: failure 2",
        f"failed in 3 s: {error}",
    ]


def test_a_circuit_is_half_open_after_its_timeout_and_closes_after_a_success(
    script: Script, clock: Clock, told: Told
) -> None:
    fail_times(script, 2)
    breaker = {"failure_threshold": 2, "timeout_seconds": 2, "success_threshold": 1}
    result = run(clock, told, resilience={"retry": {"max_attempts": 5}, "circuit_breaker": breaker})
    assert result.status is PipelineResultStatus.SUCCESS
    assert [event for event in told.events if "->" in event] == [
        "a: closed -> open",
        "a: open -> half_open",
        "a: half_open -> closed",
    ]


def test_a_circuit_opens_again_when_the_half_open_try_fails(script: Script, clock: Clock, told: Told) -> None:
    fail_times(script, 99)
    breaker = {"failure_threshold": 1, "timeout_seconds": 1}
    policy = {"max_attempts": 3, "initial_delay_seconds": 1, "backoff_multiplier": 1}
    run(clock, told, resilience={"retry": policy, "circuit_breaker": breaker})
    assert [event for event in told.events if "->" in event] == [
        "a: closed -> open",
        "a: open -> half_open",
        "a: half_open -> open",
        "a: open -> half_open",
        "a: half_open -> open",
    ]


def test_a_circuit_is_remembered_between_the_runs_of_one_runner(script: Script, clock: Clock, told: Told) -> None:
    fail_times(script, 99)
    config = pipeline(component("a", circuit_breaker={"failure_threshold": 2, "timeout_seconds": 60}))
    same_runner = runner(config, clock, told)
    errors = []
    for _ in range(3):
        ((_, error),) = same_runner.run().failed_components
        errors.append(type(error))
    assert errors == [OSError, OSError, CircuitOpenError]
    clock.now += 60
    script.mend("a")
    assert same_runner.run().status is PipelineResultStatus.SUCCESS


class Breaker:
    """A breaker by itself, for what a run cannot show."""

    def __init__(self, clock: Clock, **policy: Any) -> None:
        self.changes: list[str] = []
        self.breaker = CircuitBreaker(
            "a", CircuitBreakerConfig(**policy), lambda old, new: self.changes.append(f"{old} -> {new}"), clock
        )

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.admit()
            self.breaker.failed()

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.admit()
            self.breaker.succeeded()


def test_only_failures_in_a_row_open_a_circuit(clock: Clock) -> None:
    it = Breaker(clock, failure_threshold=3)
    for _ in range(5):
        it.fail(2)
        it.succeed()
    assert it.changes == []
    it.fail(3)
    assert it.changes == ["closed -> open"]


def test_an_open_circuit_refuses_until_its_timeout_and_says_how_long(clock: Clock) -> None:
    it = Breaker(clock, failure_threshold=1, timeout_seconds=60)
    it.fail()
    clock.now += 59
    with pytest.raises(CircuitOpenError, match="the next try is allowed in 1 s") as caught:
        it.breaker.admit()
    assert (caught.value.component, caught.value.seconds) == ("a", 1.0)
    clock.now += 1
    it.breaker.admit()
    assert it.changes == ["closed -> open", "open -> half_open"]


def test_a_half_open_circuit_needs_so_many_successes_in_a_row(clock: Clock) -> None:
    it = Breaker(clock, failure_threshold=1, success_threshold=3, timeout_seconds=60)
    it.fail()
    clock.now += 60
    it.succeed(2)
    assert it.changes[-1] == "open -> half_open"
    it.succeed()
    assert it.changes[-1] == "half_open -> closed"


def test_a_half_open_circuit_lets_only_so_many_tries_through_at_once(clock: Clock) -> None:
    it = Breaker(clock, failure_threshold=1, half_open_max_calls=2, timeout_seconds=60)
    it.fail()
    clock.now += 60
    it.breaker.admit()
    it.breaker.admit()
    with pytest.raises(CircuitOpenError):
        it.breaker.admit()


@pytest.mark.parametrize(
    "fields",
    [
        {"retry": {"max_attempts": 0}},
        {"retry": {"initial_delay_seconds": -1}},
        {"retry": {"backoff_multiplier": 0.5}},
        {"circuit_breaker": {"failure_threshold": 0}},
        {"circuit_breaker": {"timeout_seconds": 0}},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(PipelineConfigError, match="must be greater than"):
        component("a", **fields)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_hooks_between_the_tries_are_none_of_the_components_code(script: Script, clock: Clock) -> None:
    """An edit of a hook is no edit of the component, and what a hook does is no side effect of the component."""
    entered: list[str] = []

    class Calls(Told):
        def after_component(self, event: ComponentCompleted) -> None:
            entered.extend(event.entered)

    fail_times(script, 1)
    hooks = Calls()
    breaker = {"failure_threshold": 1, "timeout_seconds": 0.5}
    retry = {"max_attempts": 3, "initial_delay_seconds": 1}
    assert run(clock, hooks, retry=retry, circuit_breaker=breaker).status is PipelineResultStatus.SUCCESS
    assert [event.partition(" ")[0] for event in hooks.events] == ["a:", "try", "a:"]
    assert "tests.samples.components.basic.scripted" in entered
    assert not [name for name in entered if name.startswith((f"{__name__}.Told", f"{__name__}.test_hooks"))]
