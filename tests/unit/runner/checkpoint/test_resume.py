"""A run that fails, resumes, fails again: what is recorded when, and what runs (invariants 1 to 4, 7, 9 and 10)."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import (
    AttemptStopped,
    CheckpointError,
    CheckpointFormatError,
    CheckpointReadError,
    CheckpointWriteError,
    StaleAttemptError,
)
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    CheckpointStore,
    CompositeHooks,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    NoOpHooks,
    PipelineConfig,
    PipelineHooks,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentStarted,
    PipelineStarted,
)
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline
from tests.samples.stores import FlakyStore

RUN = "run-1"
SEVEN = pipeline(*"abcdefg")
DIAMOND = pipeline("a", component("b", "a"), component("c", "a"), component("d", "b", "c"), "e")


@dataclasses.dataclass
class Run:
    """Attempts at one pipeline under one run id. Each is a new process in all but name."""

    config: PipelineConfig
    store: CheckpointStore = dataclasses.field(default_factory=InMemoryCheckpointStore)
    pauses: list[float] = dataclasses.field(default_factory=list)

    def checkpoint_hooks(self) -> CheckpointHooks:
        return CheckpointHooks(self.store, RUN, compute_pipeline_fingerprint(self.config), sleep=self.pauses.append)

    def attempt(self, hooks: PipelineHooks | None = None, **options: Any) -> PipelineResult:
        """Load, plan and run, as the operator does."""
        runner = SimplePipelineRunner(
            self.config,
            hooks=hooks or self.checkpoint_hooks(),
            spark=object(),  # type: ignore[arg-type]
            **options,
        )
        return runner.run(completed_components=self.completed())

    def completed(self) -> set[str]:
        return load_checkpoint_for_resume(self.store, RUN, self.config)

    @property
    def stored(self) -> CheckpointState:
        state = self.store.load(RUN, self.config.name)
        assert state is not None
        return state


@pytest.fixture(params=["memory", "local"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """A run of seven independent components."""
    return Run(SEVEN, InMemoryCheckpointStore() if request.param == "memory" else LocalCheckpointStore(tmp_path / "s"))


# Invariants 1 and 10: never forget, and green means done


def test_a_failure_in_the_middle_leaves_what_completed_and_names_what_failed(run: Run, script: Script) -> None:
    script.fail("c")
    result = run.attempt()
    assert result.status is PipelineResultStatus.FAILURE
    assert script.calls == ["a", "b", "c"]
    assert result.completed_components == run.stored.completed_components == ["a", "b"]
    assert (run.stored.status, run.stored.failed_component) == ("failed", "c")
    assert run.completed() == {"a", "b"}


def test_the_next_attempt_goes_on_with_the_component_that_failed(run: Run, script: Script) -> None:
    script.fail("c")
    run.attempt()
    script.mend("c")
    script.take_calls()
    result = run.attempt()
    assert result.status is PipelineResultStatus.SUCCESS
    assert script.calls == list("cdefg")
    assert result.completed_components == list("abcdefg")
    assert (run.stored.status, run.stored.failed_component) == ("completed", None)


@pytest.mark.parametrize("same_hooks", [False, True], ids=["new hooks per attempt", "one hooks object"])
def test_no_attempt_runs_again_what_any_earlier_one_completed(run: Run, script: Script, same_hooks: bool) -> None:
    """Also after a second and a third failure in a row: the record of attempt 1 outlives attempts 2 and 3."""
    hooks = run.checkpoint_hooks() if same_hooks else None
    ran = []
    for broken in ("b", "d", "f", None):
        for name in "bdf":
            script.mend(name)
        if broken:
            script.fail(broken)
        result = run.attempt(hooks)
        ran.append("".join(script.take_calls()))
        assert result.status is (PipelineResultStatus.FAILURE if broken else PipelineResultStatus.SUCCESS)
        assert run.stored.attempt == len(ran)
    assert ran == ["ab", "bcd", "def", "fg"]
    assert run.stored.completed_components == list("abcdefg")
    assert {name: record.attempt for name, record in run.stored.components.items()} == dict(
        zip("abcdefg", [1, 2, 2, 3, 3, 4, 4], strict=True)
    )


def test_failing_at_the_same_place_forgets_nothing(run: Run, script: Script) -> None:
    script.fail("d")
    for _ in range(3):
        run.attempt()
        assert run.completed() == {"a", "b", "c"}
    assert script.calls == list("abcddd")


@pytest.mark.parametrize("where", ["a hook", "a component"])
def test_the_record_is_whole_at_every_instant_of_a_resumed_attempt(run: Run, script: Script, where: str) -> None:
    """From its first act on, so that a crash right there forgets nothing."""
    script.fail("d")
    run.attempt()
    seen: list[list[str]] = []

    def look() -> None:
        seen.append(run.stored.completed_components)

    class Look(NoOpHooks):
        def before_pipeline(self, event: PipelineStarted) -> None:
            look()

        def before_component(self, event: ComponentStarted) -> None:
            look()

        def after_component(self, event: ComponentCompleted) -> None:
            look()

    script.mend("d")
    if where == "a hook":
        run.attempt(CompositeHooks(run.checkpoint_hooks(), Look()))
        assert seen[:3] == [list("abc"), list("abc"), list("abcd")]
    else:
        for name in "defg":
            script.on(name, look)
        run.attempt()
        assert seen == [list("abc"), list("abcd"), list("abcde"), list("abcdef")]


@pytest.mark.parametrize("crash_at", ["before_pipeline", "before_component", "after_component"])
def test_a_resumed_attempt_that_dies_at_once_forgets_nothing(run: Run, script: Script, crash_at: str) -> None:
    """The process is gone before it did anything: everything of the earlier attempts is still there."""
    script.fail("d")
    run.attempt()
    script.mend("d")

    class Dies(NoOpHooks):
        pass

    def die(self: object, event: object) -> None:
        raise KeyboardInterrupt

    setattr(Dies, crash_at, die)
    with pytest.raises(KeyboardInterrupt):
        run.attempt(CompositeHooks(run.checkpoint_hooks(), Dies()))
    assert run.completed() >= {"a", "b", "c"}
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert not {"a", "b", "c"} & set(script.calls)


def test_the_first_record_is_written_before_anything_runs(run: Run, script: Script) -> None:
    script.on("a", lambda: seen.append((run.stored.status, run.stored.completed_components)))
    seen: list[Any] = []
    run.attempt()
    assert seen == [("in_progress", [])]


def test_a_completed_run_loaded_again_runs_nothing(run: Run, script: Script) -> None:
    run.attempt()
    script.take_calls()
    assert run.completed() == set("abcdefg")
    result = run.attempt()
    assert script.calls == []
    assert result.status is PipelineResultStatus.SUCCESS
    assert result.completed_components == list("abcdefg")
    assert run.stored.status == "completed"


def test_without_a_checkpoint_nothing_is_complete(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    assert run.completed() == set()
    assert caplog.text == ""


def test_the_time_that_reuse_saves_is_known(script: Script) -> None:
    """The plan knows how long a component took when it ran, in whatever attempt that was."""
    from airflow_provider.runner.planning.decide import plan_from_checkpoint

    run = Run(pipeline("a", "b"))
    script.fail("b")
    ticks = iter(range(0, 1000, 10))
    run.attempt(clock=lambda: float(next(ticks)))
    plan = plan_from_checkpoint(run.config, run.stored)
    a, b = plan.decisions
    assert (a.action, a.seconds_saved) == ("REUSE", 10.0)
    assert a.reason.startswith("completed in attempt 1 at ")
    assert (b.action, b.reason) == ("RUN", "failed in attempt 1")


# Invariant 2: never invent


def test_a_component_that_runs_is_not_yet_recorded(run: Run, script: Script) -> None:
    seen: list[list[str]] = []
    script.on("b", lambda: seen.append(run.stored.completed_components))
    run.attempt()
    assert seen == [["a"]]


def test_what_the_caller_says_is_complete_is_skipped_but_not_recorded(
    run: Run, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that this run never completed is no fact; the log says so."""
    runner = SimplePipelineRunner(SEVEN, hooks=run.checkpoint_hooks(), spark=object())  # type: ignore[arg-type]
    result = runner.run(completed_components={"a", "no such component"})
    assert script.calls == list("bcdefg")
    assert result.status is PipelineResultStatus.SUCCESS
    assert run.stored.completed_components == list("bcdefg")
    assert "not in the checkpoint although given as completed, so a later attempt will run them: 'a'" in caplog.messages


def test_what_runs_again_is_not_recorded_as_complete_until_it_has(run: Run, script: Script) -> None:
    run.attempt()
    script.fail("b")
    runner = SimplePipelineRunner(SEVEN, hooks=run.checkpoint_hooks(), spark=object())  # type: ignore[arg-type]
    runner.run(completed_components=set("adefg"))
    assert run.completed() == set("adefg")


def test_dependents_of_a_failed_component_never_run_and_independent_ones_do_without_fail_fast(script: Script) -> None:
    run = Run(DIAMOND)
    script.fail("b")
    result = run.attempt(fail_fast=False)
    assert script.calls == ["a", "b", "c", "e"]
    assert {r.component_name: r.status.value for r in result.component_results} == {
        "a": "completed",
        "b": "failed",
        "c": "completed",
        "d": "not_run",
        "e": "completed",
    }
    assert result.status is PipelineResultStatus.FAILURE
    assert (run.stored.status, run.stored.failed_component) == ("failed", "b")
    script.mend("b")
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert script.calls == ["b", "d"]


def test_a_dependent_of_a_dependent_never_runs_either(script: Script) -> None:
    run = Run(pipeline("a", component("b", "a"), component("c", "b"), component("d", "c"), "e"))
    script.fail("a")
    result = run.attempt(fail_fast=False)
    assert script.calls == ["a", "e"]
    reasons = {r.component_name: r.reason for r in result.component_results if r.status.value == "not_run"}
    assert reasons == dict.fromkeys("bcd", "depends on a failed component")


def test_with_fail_fast_nothing_runs_after_a_failure(script: Script) -> None:
    run = Run(DIAMOND)
    script.fail("b")
    result = run.attempt()
    assert script.calls == ["a", "b"]
    reasons = {r.component_name: r.reason for r in result.component_results if r.status.value == "not_run"}
    assert reasons == dict.fromkeys("cde", "'b' failed before it")


# Invariant 3: record before going on


def test_the_record_of_a_component_is_durable_before_the_next_one_starts(script: Script, tmp_path: Path) -> None:
    """Read back from the disk by a store object that never saved anything."""
    run = Run(SEVEN, LocalCheckpointStore(tmp_path))
    seen: list[str] = []

    def look() -> None:
        state = LocalCheckpointStore(tmp_path).load(RUN, "p")
        assert state is not None
        seen.append("".join(state.completed_components))

    for name in "abcdefg":
        script.on(name, look)
    run.attempt()
    assert seen == ["", "a", "ab", "abc", "abcd", "abcde", "abcdef"]


# Invariant 4: a lost record is a failure


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
    run = Run(SEVEN, store)
    script.on("b", lambda: store.failures.extend(OSError(28, "No space left on device") for _ in range(3)))
    with pytest.raises(CheckpointWriteError) as caught:
        run.attempt(wrap(run.checkpoint_hooks()))
    assert str(caught.value) == (
        "the checkpoint of pipeline 'p', run 'run-1', could not be saved in 3 tries: "
        "OSError: [Errno 28] No space left on device; the attempt stops, because without the record "
        "the next attempt would run finished components again"
    )
    assert isinstance(caught.value.__cause__, OSError)
    assert script.calls == ["a", "b"]
    assert len(run.pauses) == 2
    assert run.completed() == {"a"}
    script.mend("b")
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
        Run(SEVEN, store).attempt()
    assert script.calls == ["a"]
    assert store.saves == 2  # the one that took the checkpoint over, and the one that was interrupted


def test_a_store_that_fails_for_a_moment_fails_nothing(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    store = FlakyStore()
    run = Run(SEVEN, store)
    script.on("b", lambda: store.failures.extend([OSError("gone"), OSError("still gone")]))
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert run.pauses == [0.2, 0.4]
    assert run.stored.completed_components == list("abcdefg")
    assert "saving the checkpoint failed, trying again: gone" in caplog.messages


def test_a_store_that_fails_at_the_start_lets_nothing_run(script: Script) -> None:
    store = FlakyStore()
    store.failures = [OSError("gone")] * 3
    run = Run(SEVEN, store)
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
        Run(SEVEN, FailsToFinish()).attempt()
    assert script.calls == list("abcdefg")


def test_a_component_whose_own_retries_are_on_is_not_tried_again_because_its_record_is_lost(script: Script) -> None:
    store = FlakyStore()
    run = Run(pipeline(component("a", retry={"max_attempts": 5, "initial_delay_seconds": 0})), store)
    script.on("a", lambda: store.failures.extend([OSError("gone")] * 3))
    with pytest.raises(CheckpointWriteError):
        run.attempt()
    assert script.calls == ["a"]


@pytest.mark.parametrize("error", [CheckpointReadError("cannot be read"), CheckpointFormatError(2, 1)])
def test_a_checkpoint_that_cannot_be_read_lets_nothing_run(script: Script, error: CheckpointError) -> None:
    """Invariant 9: it is unknown what has completed."""

    class Unreadable(InMemoryCheckpointStore):
        def load(self, *args: Any, **more: Any) -> CheckpointState | None:
            raise error

    with pytest.raises(type(error)):
        Run(SEVEN, Unreadable()).attempt()
    with pytest.raises(type(error)):
        SimplePipelineRunner(SEVEN, hooks=CheckpointHooks(Unreadable(), RUN, "f"), spark=object()).run()  # type: ignore[arg-type]
    assert script.calls == []


EVENTS = [name for name in vars(NoOpHooks) if not name.startswith("_")]


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
    run = Run(pipeline("a", component("b", resilience=policy), "c"))
    if event == "on_component_reuse":
        script.fail("b")
        run.attempt(fail_fast=False, sleep=lambda seconds: None)
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
        sleep=lambda seconds: None,
        clock=lambda: float(next(ticks)),
    )
    assert f"hook Metrics.{event} failed; the run goes on" in caplog.messages
    assert set(result.completed_components) >= {"a", "c"}
    assert run.completed() == set(result.completed_components)


def test_hooks_given_alone_that_raise_are_logged_as_well(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(NoOpHooks):
        def before_component(self, event: ComponentStarted) -> None:
            raise ValueError("no")

    result = SimplePipelineRunner(SEVEN, hooks=Broken(), spark=object()).run()  # type: ignore[arg-type]
    assert result.status is PipelineResultStatus.SUCCESS
    assert caplog.messages.count("hook Broken.before_component failed; the run goes on") == 7


# Invariant 5: the newest attempt wins


def test_an_attempt_that_has_been_replaced_starts_no_further_component(run: Run, script: Script) -> None:
    newer = Run(run.config, run.store)
    at_work: list[str] = []

    def successor_takes_over() -> None:
        script.mend("b")
        script.fail("d")
        newer.attempt()
        at_work.extend(script.take_calls())

    script.on("b", successor_takes_over)
    with pytest.raises(StaleAttemptError, match=r"attempt 1 .* has been replaced by attempt 2"):
        run.attempt()
    assert at_work == ["a", "b", "b", "c", "d"]
    assert script.calls == [], "nothing ran in the old attempt after it was replaced"
    assert run.pauses == [], "and it did not try again"
    assert run.completed() == {"a", "b", "c"}
    assert run.stored.attempt == 2


# What a component can do to the process


@pytest.mark.parametrize("code", [0, 1, None])
def test_a_component_that_calls_sys_exit_has_failed(run: Run, script: Script, code: int | None) -> None:
    """Invariants 2 and 10: leaving the process in the middle of a run is no success."""
    script.on("b", lambda: sys.exit(code))
    result = run.attempt()
    assert result.status is PipelineResultStatus.FAILURE
    ((name, error),) = result.failed_components
    assert name == "b"
    assert isinstance(error, SystemExit)
    assert run.completed() == {"a"}
    assert run.stored.failed_component == "b"


def test_an_interrupt_goes_through_and_leaves_a_usable_checkpoint(run: Run, script: Script) -> None:
    script.fail("c", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run.attempt()
    assert run.completed() == {"a", "b"}
    assert (run.stored.status, run.stored.failed_component) == ("in_progress", None)
    script.mend("c")
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert script.calls == list("cdefg")


def test_a_component_that_cannot_be_built_has_failed(tmp_path: Path, script: Script) -> None:
    """What ``__init__`` or ``from_config`` raises is the component's failure, not the runner's."""
    from airflow_provider.runner import ComponentConfig

    peer = "tests.samples.peer.CountWithConnection"
    config = PipelineConfig(name="p", components=[component("a"), ComponentConfig(name="b", class_path=peer)])
    run = Run(config)
    result = run.attempt()
    ((name, error),) = result.failed_components
    assert name == "b"
    assert isinstance(error, KeyError)
    assert run.completed() == {"a"}


# Invariant 7: no silent reuse


def test_a_changed_config_starts_from_the_beginning_and_the_log_names_the_field_but_not_its_value(
    run: Run, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariants 7 and 8."""
    run.attempt()
    run.config = pipeline("a", component("b", config={"password": "hunter2"}), *"cdefg")
    assert run.completed() == set()
    assert caplog.messages == [
        "pipeline 'p', run 'run-1': config changed: config.password of 'b' added; it starts from the beginning"
    ]
    script.take_calls()
    result = run.attempt()
    assert script.calls == list("abcdefg")
    assert result.status is PipelineResultStatus.SUCCESS
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (pipeline("a", component("b", "a"), *"cdefg"), "depends_on of 'b' changed"),
        (pipeline(*"abcdefgh"), "'h' added"),
        (pipeline(*"abcdef"), "'g' removed"),
        (pipeline(*"bacdefg"), "the order of its components"),
        (pipeline("a", component("b", enabled=False), *"cdefg"), "enabled of 'b' changed"),
        (pipeline(*"abcdefgvwxyz"), "'v' added, 'w' added, 'x' added and 2 more"),
    ],
    ids=["dependency", "added", "removed", "order", "disabled", "many"],
)
def test_every_kind_of_change_is_named(
    run: Run, script: Script, config: PipelineConfig, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    run.attempt()
    run.config = config
    assert run.completed() == set()
    assert what in caplog.text


def test_a_failed_attempt_under_a_changed_config_keeps_nothing_of_the_old_one(run: Run, script: Script) -> None:
    """Not even when the config is changed back."""
    run.attempt()
    original, run.config = run.config, pipeline("a", component("b", config={"more": 1}), *"cdefg")
    script.fail("b")
    run.attempt()
    assert run.completed() == {"a"}
    assert run.stored.completed_components == ["a"]
    run.config = original
    assert run.completed() == set()


def test_what_does_not_change_a_components_work_does_not_start_the_run_again(run: Run, script: Script) -> None:
    script.fail("c")
    run.attempt()
    run.config = run.config.model_copy(update={"version": "2", "tags": {"team": "data"}})
    assert run.completed() == {"a", "b"}


def test_another_run_pipeline_or_scope_reuses_nothing(run: Run, script: Script) -> None:
    run.attempt()
    assert load_checkpoint_for_resume(run.store, "run-2", SEVEN) == set()
    assert load_checkpoint_for_resume(run.store, RUN, pipeline(*"abcdefg", name="q")) == set()
    assert load_checkpoint_for_resume(run.store, RUN, SEVEN, scope=("dag", "task", "-1")) == set()


def test_a_scoped_run_resumes_in_its_scope(script: Script) -> None:
    store, fingerprint = InMemoryCheckpointStore(), compute_pipeline_fingerprint(SEVEN)
    for index in ("0", "1"):
        scope = ("dag", "task", index)
        script.fail("c" if index == "0" else "e")
        hooks = CheckpointHooks(store, RUN, fingerprint, scope=scope)
        SimplePipelineRunner(SEVEN, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]
        script.mend("c")
    assert load_checkpoint_for_resume(store, RUN, SEVEN, scope=("dag", "task", "0")) == set("ab")
    assert load_checkpoint_for_resume(store, RUN, SEVEN, scope=("dag", "task", "1")) == set("abcd")


def test_every_decision_of_a_plan_has_a_reason(run: Run, script: Script) -> None:
    """Invariant 7: in the result, where a person can read it."""
    script.fail("c")
    first = run.attempt()
    second = run.attempt()
    assert all(result.reason for result in (*first.component_results, *second.component_results))
    assert {r.component_name: r.action.value for r in second.component_results} == {
        "a": "REUSE",
        "b": "REUSE",
        **dict.fromkeys("cdefg", "RUN"),
    }


# Invariant 9: a bad checkpoint never blocks


def test_a_damaged_checkpoint_starts_the_run_afresh(
    script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(SEVEN, LocalCheckpointStore(tmp_path))
    script.fail("c")
    run.attempt()
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(path.read_bytes()[:50])
    script.mend("c")
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert script.calls == list("abcdefg")
    assert any(record.levelno >= logging.WARNING for record in caplog.records)


# The rest of the record


def test_the_record_says_what_airflow_and_the_clock_said() -> None:
    store = InMemoryCheckpointStore()
    times = iter(datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(24))
    hooks = CheckpointHooks(
        store, RUN, compute_pipeline_fingerprint(SEVEN), attempt=4, airflow={"max_tries": 5}, now=lambda: next(times)
    )
    SimplePipelineRunner(SEVEN, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]
    state = store.load(RUN)
    assert state is not None
    assert (state.attempt, state.airflow) == (4, {"max_tries": 5})
    assert state.created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert state.updated_at is not None
    assert state.updated_at > state.created_at
    json.dumps(state.to_json())


def test_a_resumed_run_keeps_the_time_of_its_first_attempt(run: Run, script: Script) -> None:
    script.fail("c")
    run.attempt()
    created = run.stored.created_at
    run.attempt()
    assert run.stored.created_at == created


def test_an_event_without_a_start_is_an_error_and_no_lost_record() -> None:
    """Hooks that are wired up wrongly fail loudly."""
    hooks = CheckpointHooks(InMemoryCheckpointStore(), RUN, "f")
    (config,) = pipeline("a").components
    with pytest.raises(CheckpointWriteError, match="before the start of the pipeline was recorded"):
        hooks.on_component_failure(
            ComponentFailed(component=config, position=1, total=1, duration_seconds=0.0, error=OSError())
        )
