"""A run that fails, resumes, fails again: what is recorded when, and what runs (invariants 1 to 3, 5 and 10)."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import (
    CheckpointWriteError,
    StaleAttemptError,
)
from airflow_provider.runner import (
    CheckpointHooks,
    CompositeHooks,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    NoOpHooks,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.checkpoint.checkpoint_hooks import AttemptMetadata
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentStarted,
    PipelineStarted,
    Step,
)
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import CalledByHand
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.harness.runs import DIAMOND, NO_SPARK, RUN, SEVEN, ScriptedRun
from tests.samples.pipelines import component, pipeline


@pytest.fixture(params=["memory", "local"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> ScriptedRun:
    """A run of seven independent components."""
    return ScriptedRun(
        SEVEN, InMemoryCheckpointStore() if request.param == "memory" else LocalCheckpointStore(tmp_path / "s")
    )


# Invariants 1 and 10: never forget, and green means done


def test_a_failure_in_the_middle_leaves_what_completed_and_names_what_failed(run: ScriptedRun, script: Script) -> None:
    script.fail("c")
    result = run.attempt()
    assert result.status is PipelineResultStatus.FAILURE
    assert script.calls == ["a", "b", "c"]
    assert result.completed_components == run.stored.completed_components == ["a", "b"]
    assert (run.stored.status, run.stored.failed_component) == ("failed", "c")
    assert run.completed() == {"a", "b"}


def test_the_next_attempt_goes_on_with_the_component_that_failed(run: ScriptedRun, script: Script) -> None:
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
def test_no_attempt_runs_again_what_any_earlier_one_completed(
    run: ScriptedRun, script: Script, same_hooks: bool
) -> None:
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


def test_failing_at_the_same_place_forgets_nothing(run: ScriptedRun, script: Script) -> None:
    script.fail("d")
    for _ in range(3):
        run.attempt()
        assert run.completed() == {"a", "b", "c"}
    assert script.calls == list("abcddd")


@pytest.mark.parametrize("where", ["a hook", "a component"])
def test_the_record_is_whole_at_every_instant_of_a_resumed_attempt(
    run: ScriptedRun, script: Script, where: str
) -> None:
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
def test_a_resumed_attempt_that_dies_at_once_forgets_nothing(run: ScriptedRun, script: Script, crash_at: str) -> None:
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


def test_the_first_record_is_written_before_anything_runs(run: ScriptedRun, script: Script) -> None:
    script.on("a", lambda: seen.append((run.stored.status, run.stored.completed_components)))
    seen: list[Any] = []
    run.attempt()
    assert seen == [("in_progress", [])]


def test_a_completed_run_loaded_again_runs_nothing(run: ScriptedRun, script: Script) -> None:
    run.attempt()
    script.take_calls()
    assert run.completed() == set("abcdefg")
    result = run.attempt()
    assert script.calls == []
    assert result.status is PipelineResultStatus.SUCCESS
    assert result.completed_components == list("abcdefg")
    assert run.stored.status == "completed"


def test_without_a_checkpoint_nothing_is_complete(run: ScriptedRun, caplog: pytest.LogCaptureFixture) -> None:
    assert run.completed() == set()
    assert caplog.text == ""


def test_the_time_that_reuse_saves_is_known(script: Script) -> None:
    """The plan knows how long a component took when it ran, in whatever attempt that was."""
    from airflow_provider.runner.planning.decide import decide
    from airflow_provider.runner.planning.facts import Facts

    run = ScriptedRun(pipeline("a", "b"))
    script.fail("b")
    ticks = iter(range(0, 1000, 10))
    run.attempt(environment=RunnerEnvironment(clock=lambda: float(next(ticks))))
    plan = decide(run.config, Facts(run.stored))
    a, b = plan.decisions
    assert (a.action, a.seconds_saved) == ("REUSE", 10.0)
    assert str(a.reason).startswith("completed in attempt 1 at ")
    assert (b.action, str(b.reason)) == ("RUN", "failed in attempt 1")


# Invariant 2: never invent


def test_a_component_that_runs_is_not_yet_recorded(run: ScriptedRun, script: Script) -> None:
    seen: list[list[str]] = []
    script.on("b", lambda: seen.append(run.stored.completed_components))
    run.attempt()
    assert seen == [["a"]]


def test_what_the_caller_says_is_complete_is_skipped_but_not_recorded(
    run: ScriptedRun, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that this run never completed is no fact; the log says so."""
    runner = SimplePipelineRunner(SEVEN, hooks=run.checkpoint_hooks(), spark=NO_SPARK)
    result = runner.run(completed_components={"a", "no such component"})
    assert script.calls == list("bcdefg")
    assert result.status is PipelineResultStatus.SUCCESS
    assert run.stored.completed_components == list("bcdefg")
    assert "given as completed but not in the checkpoint, so a later attempt will run them: 'a'" in caplog.messages


def test_what_runs_again_is_not_recorded_as_complete_until_it_has(run: ScriptedRun, script: Script) -> None:
    run.attempt()
    script.fail("b")
    runner = SimplePipelineRunner(SEVEN, hooks=run.checkpoint_hooks(), spark=NO_SPARK)
    runner.run(completed_components=set("adefg"))
    assert run.completed() == set("adefg")


def test_dependents_of_a_failed_component_never_run_and_independent_ones_do_without_fail_fast(script: Script) -> None:
    run = ScriptedRun(DIAMOND)
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
    run = ScriptedRun(pipeline("a", component("b", "a"), component("c", "b"), component("d", "c"), "e"))
    script.fail("a")
    result = run.attempt(fail_fast=False)
    assert script.calls == ["a", "e"]
    reasons = {r.component_name: r.reason for r in result.component_results if r.status.value == "not_run"}
    assert reasons == dict.fromkeys("bcd", "depends on a failed component")


def test_with_fail_fast_nothing_runs_after_a_failure(script: Script) -> None:
    run = ScriptedRun(DIAMOND)
    script.fail("b")
    result = run.attempt()
    assert script.calls == ["a", "b"]
    reasons = {r.component_name: r.reason for r in result.component_results if r.status.value == "not_run"}
    assert reasons == dict.fromkeys("cde", "'b' failed before it")


# Invariant 3: record before going on


def test_the_record_of_a_component_is_durable_before_the_next_one_starts(script: Script, tmp_path: Path) -> None:
    """Read back from the disk by a store object that never saved anything."""
    run = ScriptedRun(SEVEN, LocalCheckpointStore(tmp_path))
    seen: list[str] = []

    def look() -> None:
        state = LocalCheckpointStore(tmp_path).load(RUN, "p")
        assert state is not None
        seen.append("".join(state.completed_components))

    for name in "abcdefg":
        script.on(name, look)
    run.attempt()
    assert seen == ["", "a", "ab", "abc", "abcd", "abcde", "abcdef"]


# Invariant 5: the newest attempt wins


def test_an_attempt_that_has_been_replaced_starts_no_further_component(run: ScriptedRun, script: Script) -> None:
    newer = ScriptedRun(run.config, run.store)
    at_work: list[str] = []

    def successor_takes_over() -> None:
        script.mend("b")
        script.fail("d")
        newer.attempt()
        at_work.extend(script.take_calls())

    script.on("b", successor_takes_over)
    with pytest.raises(StaleAttemptError, match=r"attempt 2 .* has replaced attempt 1"):
        run.attempt()
    assert at_work == ["a", "b", "b", "c", "d"]
    assert script.calls == [], "nothing ran in the old attempt after it was replaced"
    assert run.pauses == [], "and it did not try again"
    assert run.completed() == {"a", "b", "c"}
    assert run.stored.attempt == 2


# What a component can do to the process


@pytest.mark.parametrize("code", [0, 1, None])
def test_a_component_that_calls_sys_exit_has_failed(run: ScriptedRun, script: Script, code: int | None) -> None:
    """Invariants 2 and 10: leaving the process in the middle of a run is no success."""
    script.on("b", lambda: sys.exit(code))
    result = run.attempt()
    assert result.status is PipelineResultStatus.FAILURE
    ((name, error),) = result.failed_components
    assert name == "b"
    assert isinstance(error, SystemExit)
    assert run.completed() == {"a"}
    assert run.stored.failed_component == "b"


def test_an_interrupt_goes_through_and_leaves_a_usable_checkpoint(run: ScriptedRun, script: Script) -> None:
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

    peer = "tests.samples.components.peer.CountWithConnection"
    config = PipelineConfig(name="p", components=[component("a"), ComponentConfig(name="b", class_path=peer)])
    run = ScriptedRun(config)
    result = run.attempt()
    ((name, error),) = result.failed_components
    assert name == "b"
    assert isinstance(error, KeyError)
    assert run.completed() == {"a"}


# The rest of the record


def test_the_record_says_what_airflow_and_the_clock_said() -> None:
    store = InMemoryCheckpointStore()
    times = iter(datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(24))
    hooks = CheckpointHooks(
        store,
        RUN,
        compute_pipeline_fingerprint(SEVEN),
        metadata=AttemptMetadata(4, {"max_tries": 5}),
        saving=SavePolicy(now=lambda: next(times)),
    )
    SimplePipelineRunner(SEVEN, hooks=hooks, spark=NO_SPARK).run()
    state = store.load(RUN)
    assert state is not None
    assert (state.attempt, state.airflow) == (4, {"max_tries": 5})
    assert state.created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert state.updated_at is not None
    assert state.updated_at > state.created_at
    json.dumps(state.to_json())


def test_a_resumed_run_keeps_the_time_of_its_first_attempt(run: ScriptedRun, script: Script) -> None:
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
            ComponentFailed(Step(config, Decision("a", Action.RUN, CalledByHand()), 1, 1), 0.0, OSError())
        )
