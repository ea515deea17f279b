"""What code that was written for the checkpoints of pyspark-pipeline-framework finds here, with our guarantees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import (
    CheckpointWriteError,
    CodeChangedError,
    ComponentFailedError,
    ConfigChangedError,
    RestartRefusedError,
    SessionStateNotSavedError,
    SourceChangedError,
    StaleAttemptError,
)
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    ComponentResult,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    LoggingHooks,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORES: dict[str, Callable[[Path], FileCheckpointStore]] = {
    "local": lambda path: LocalCheckpointStore(path / "not" / "there" / "yet"),
    "memory": lambda path: InMemoryCheckpointStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileCheckpointStore:
    return STORES[request.param](tmp_path)


def state(**fields: Any) -> CheckpointState:
    return CheckpointState(**{"run_id": "r", "pipeline_name": "p", "pipeline_fingerprint": "f", **fields})


def hooks_of(store: FileCheckpointStore, config: PipelineConfig, **options: Any) -> CheckpointHooks:
    return CheckpointHooks(store, "r", compute_pipeline_fingerprint(config), **options)


def stored(store: FileCheckpointStore) -> CheckpointState:
    found = store.load("r", "p")
    assert found is not None
    return found


# The state and the store


@pytest.mark.parametrize("field", ["run_id", "pipeline_name", "pipeline_fingerprint"])
def test_a_state_without_a_name_or_a_fingerprint_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        state(**{field: ""})


@pytest.mark.parametrize("status", ["running", "", "COMPLETED", None, 3])
def test_a_status_that_is_none_is_refused_with_those_that_are(status: object) -> None:
    with pytest.raises(ValueError, match=r"Invalid status .*; it is one of 'in_progress', 'failed', 'completed'"):
        state(status=status)


def test_a_store_says_whether_a_checkpoint_exists(store: FileCheckpointStore) -> None:
    assert not store.exists("r", "p")
    store.save(state())
    assert store.exists("r", "p")
    assert not store.exists("r", "q")
    assert not store.exists("r2", "p")
    assert not store.exists("r", "p", scope=("dag", "task", "-1"))
    store.delete("r", "p")
    assert not store.exists("r", "p")
    store.delete("r", "p")


def test_a_takeover_alone_is_no_checkpoint_yet(store: FileCheckpointStore) -> None:
    config = pipeline("a")
    hooks_of(store, config).take_over(config)
    assert not store.exists("r", "p")


def test_what_exists_is_what_can_be_loaded(tmp_path: Path) -> None:
    store = LocalCheckpointStore(tmp_path)
    store.save(state())
    (whole,) = [path for path in tmp_path.rglob("*.json") if "completed_components" in path.read_text()]
    whole.write_text("{")
    assert store.load("r", "p") is None
    assert not store.exists("r", "p")


# Calls by hand, from a loop of one's own


def test_the_record_is_kept_call_by_call_with_the_clock_that_was_given(store: FileCheckpointStore) -> None:
    config = pipeline("a", "b", "c")
    hooks = hooks_of(store, config, now_func=lambda: NOON)
    hooks.before_pipeline(config)  # type: ignore[arg-type]
    assert (stored(store).status, stored(store).completed_components) == ("in_progress", [])
    assert stored(store).created_at == stored(store).updated_at == NOON
    by_hand: Any = hooks
    by_hand.after_component(config.components[0], 0, 3, 100)
    assert stored(store).completed_components == ["a"]
    assert stored(store).components["a"].duration_seconds == 0.1
    by_hand.after_component(config=config.components[1], index=1, total=3, duration_ms=2500)
    by_hand.on_component_failure(config.components[2], 2, RuntimeError("no"))
    assert (stored(store).failed_component, stored(store).status) == ("c", "failed")
    by_hand.after_pipeline(config, PipelineResult(pipeline_name="p", status=PipelineResultStatus.FAILURE))
    assert (stored(store).completed_components, stored(store).status) == (["a", "b"], "failed")
    assert load_checkpoint_for_resume(store, "r", config) == {"a", "b"}


def test_what_an_earlier_loop_recorded_stays_recorded(store: FileCheckpointStore) -> None:
    """Their hooks forget it: the second failure loses what the first attempt completed."""
    config = pipeline("a", "b", "c")
    for name, index in (("a", 0), ("b", 1)):
        by_hand: Any = hooks_of(store, config)
        by_hand.before_pipeline(config)
        by_hand.after_component(config.components[index], index, 3, 5)
        by_hand.on_component_failure(config.components[2], 2, RuntimeError("no"))
        assert name in stored(store).completed_components
    assert stored(store).completed_components == ["a", "b"]
    by_hand = hooks_of(store, config)
    by_hand.before_pipeline(config)
    by_hand.after_component(config.components[2], 2, 3, 5)
    by_hand.after_pipeline(config, PipelineResult("p", PipelineResultStatus.SUCCESS))
    assert (stored(store).completed_components, stored(store).status) == (["a", "b", "c"], "completed")


def test_a_loop_with_results_of_its_own_is_believed(store: FileCheckpointStore) -> None:
    from pyspark_pipeline_framework.runner.result import PipelineResult as Theirs
    from pyspark_pipeline_framework.runner.result import PipelineResultStatus as TheirStatus

    config = pipeline("a")
    for theirs, ours in (
        (TheirStatus.SUCCESS, "completed"),
        (TheirStatus.FAILURE, "failed"),
        (TheirStatus.PARTIAL_SUCCESS, "failed"),
    ):
        by_hand: Any = hooks_of(store, config)
        by_hand.before_pipeline(config)
        by_hand.after_pipeline(config, Theirs(status=theirs, pipeline_name="p"))
        assert stored(store).status == ours


def test_a_replaced_loop_cannot_record(store: FileCheckpointStore) -> None:
    config = pipeline("a", "b")
    old, new = hooks_of(store, config), hooks_of(store, config)
    by_hand: Any = old
    by_hand.before_pipeline(config)
    new.before_pipeline(config)  # type: ignore[arg-type]
    with pytest.raises(StaleAttemptError) as caught:
        by_hand.after_component(config.components[0], 0, 2, 1)
    assert (caught.value.run_id, caught.value.pipeline_name) == ("r", "p")


def test_a_loop_and_the_runner_share_a_record(store: FileCheckpointStore, script: Script) -> None:
    config = pipeline("a", "b")
    by_hand: Any = hooks_of(store, config)
    by_hand.before_pipeline(config)
    by_hand.after_component(config.components[0], 0, 2, 5)
    spark: Any = object()
    runner = SimplePipelineRunner(config, hooks=[LoggingHooks(), hooks_of(store, config)], spark=spark)
    result = runner.run(load_checkpoint_for_resume(store, "r", config))
    assert result.status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == ["b"]
    assert stored(store).status == "completed"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h, c: h.after_component(c.components[0], 0, 1, 1), "before the start of the pipeline was recorded"),
        (
            lambda h, c: h.before_pipeline({"name": "p"}),
            "before_pipeline got a dict, so nothing was recorded",
        ),
        (
            lambda h, c: h.after_component(c.components[0]),
            "after_component: .*missing 3 required .*; nothing was recorded",
        ),
        (lambda h, c: h.after_component(c, 0, 1, 1), "after_component got a PipelineConfig"),
        (lambda h, c: h.before_pipeline(), "before_pipeline got a NoneType"),
    ],
)
def test_what_cannot_be_recorded_never_looks_recorded(call: Any, message: str) -> None:
    """Theirs say nothing when a component completes in a run that never began."""
    config = pipeline("a")
    with pytest.raises(CheckpointWriteError, match=message):
        call(hooks_of(InMemoryCheckpointStore(), config), config)


class Documents:
    """A store of somebody's own with the methods of that package: it has never heard of a scope."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}

    def save(self, state: CheckpointState) -> None:
        self.documents[state.run_id, state.pipeline_name] = state.to_json()

    def load(self, run_id: str, pipeline_name: str) -> CheckpointState | None:
        found = self.documents.get((run_id, pipeline_name))
        return CheckpointState.from_json(found) if found else None

    def delete(self, run_id: str, pipeline_name: str) -> None:
        self.documents.pop((run_id, pipeline_name), None)

    def exists(self, run_id: str, pipeline_name: str) -> bool:
        return (run_id, pipeline_name) in self.documents


def test_a_store_that_knows_no_scope_serves_runs_outside_airflow(script: Script) -> None:
    config, store = pipeline("a", "b"), Documents()
    script.fail("b")
    for expected in (["a", "b"], ["b"]):
        own: Any = store
        hooks = CheckpointHooks(own, "r", compute_pipeline_fingerprint(config))
        spark: Any = object()
        runner = SimplePipelineRunner(config, hooks=hooks, spark=spark)
        runner.run(load_checkpoint_for_resume(own, "r", config))
        assert script.take_calls() == expected
        script.mend("b")
    assert store.documents["r", "p"]["status"] == "completed"


# Exceptions and results


@pytest.mark.parametrize("kind", [ConfigChangedError, CodeChangedError])
def test_an_error_about_a_run_has_its_names(kind: Any) -> None:
    error = kind("run-42", "daily", "what changed")
    assert (error.run_id, error.pipeline_name, error.pipeline) == ("run-42", "daily", "daily")
    assert "'run-42'" in str(error)
    assert "'daily'" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        SessionStateNotSavedError("daily", [("a", "why", "what to do")]),
        SourceChangedError("daily", ["what"], "what to do"),
        RestartRefusedError("daily", "what", "a", "why"),
        ComponentFailedError("daily", "a", 1, 2, "what"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_about_a_pipeline_has_its_name(error: Any) -> None:
    assert error.pipeline_name == error.pipeline == "daily"


def test_a_changed_config_starts_over_unless_it_is_to_fail(store: FileCheckpointStore) -> None:
    store.save(state(completed_components=["a"]))
    assert load_checkpoint_for_resume(store, "r", pipeline("a")) == set()
    strict = pipeline("a").model_copy(update={"on_config_change": "fail"})
    with pytest.raises(ConfigChangedError) as caught:
        load_checkpoint_for_resume(store, "r", strict)
    assert (caught.value.run_id, caught.value.pipeline_name) == ("r", "p")


def test_the_config_of_a_component_counts_and_so_does_whether_it_is_enabled() -> None:
    base = compute_pipeline_fingerprint(pipeline("a", "b"))
    assert compute_pipeline_fingerprint(pipeline("a", component("b", config={"x": 1}))) != base
    assert compute_pipeline_fingerprint(pipeline("a", component("b", enabled=False))) != base


def test_results_have_their_milliseconds(script: Script) -> None:
    spark: Any = object()
    result = SimplePipelineRunner(pipeline("a"), spark=spark).run()
    (a,) = result.component_results
    assert isinstance(a, ComponentResult)
    assert a.duration_ms == int(a.duration_seconds * 1000)
    assert result.total_duration_ms == int(result.duration_seconds * 1000)
    assert PipelineResult("p", PipelineResultStatus.SUCCESS).component_results == ()
