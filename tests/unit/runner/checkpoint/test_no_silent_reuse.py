"""What was recorded under another config, run, scope or pipeline, or is damaged, is not reused (invariants 7 and 9)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from tests.conftest import Script
from tests.samples.harness.runs import NO_SPARK, RUN, SEVEN, ScriptedRun
from tests.samples.pipelines import component, pipeline


@pytest.fixture(params=["memory", "local"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> ScriptedRun:
    """A run of seven independent components."""
    return ScriptedRun(
        SEVEN, InMemoryCheckpointStore() if request.param == "memory" else LocalCheckpointStore(tmp_path / "s")
    )


# Invariant 7: no silent reuse


def test_a_changed_config_starts_from_the_beginning_and_the_log_names_the_field_but_not_its_value(
    run: ScriptedRun, script: Script, caplog: pytest.LogCaptureFixture
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
    run: ScriptedRun, script: Script, config: PipelineConfig, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    run.attempt()
    run.config = config
    assert run.completed() == set()
    assert what in caplog.text


def test_a_failed_attempt_under_a_changed_config_keeps_nothing_of_the_old_one(run: ScriptedRun, script: Script) -> None:
    """Not even when the config is changed back."""
    run.attempt()
    original, run.config = run.config, pipeline("a", component("b", config={"more": 1}), *"cdefg")
    script.fail("b")
    run.attempt()
    assert run.completed() == {"a"}
    assert run.stored.completed_components == ["a"]
    run.config = original
    assert run.completed() == set()


def test_what_does_not_change_a_components_work_does_not_start_the_run_again(run: ScriptedRun, script: Script) -> None:
    script.fail("c")
    run.attempt()
    run.config = run.config.model_copy(update={"version": "2", "tags": {"team": "data"}})
    assert run.completed() == {"a", "b"}


def test_another_run_pipeline_or_scope_reuses_nothing(run: ScriptedRun, script: Script) -> None:
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
        SimplePipelineRunner(SEVEN, hooks=hooks, spark=NO_SPARK).run()
        script.mend("c")
    assert load_checkpoint_for_resume(store, RUN, SEVEN, scope=("dag", "task", "0")) == set("ab")
    assert load_checkpoint_for_resume(store, RUN, SEVEN, scope=("dag", "task", "1")) == set("abcd")


def test_every_decision_of_a_plan_has_a_reason(run: ScriptedRun, script: Script) -> None:
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
    run = ScriptedRun(SEVEN, LocalCheckpointStore(tmp_path))
    script.fail("c")
    run.attempt()
    (path,) = tmp_path.rglob("*.checkpoint.json")
    path.write_bytes(path.read_bytes()[:50])
    script.mend("c")
    script.take_calls()
    assert run.attempt().status is PipelineResultStatus.SUCCESS
    assert script.calls == list("abcdefg")
    assert any(record.levelno >= logging.WARNING for record in caplog.records)
