"""The names that authors import, and the example of DESIGN.md as it is written there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider.runner as runner_package
import airflow_provider.runner.checkpoint as checkpoint_package
from airflow_provider.runner import (
    CheckpointHooks,
    ComponentConfig,
    CompositeHooks,
    LocalCheckpointStore,
    LoggingHooks,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)

ROOT = Path(__file__).parents[3]

EXPORTED = {
    *("SimplePipelineRunner", "PipelineConfig", "ComponentConfig", "load_pipeline_config", "DataFlow"),
    *("PipelineHooks", "NoOpHooks", "CompositeHooks", "LoggingHooks", "MetricsHooks"),
    *("CheckpointHooks", "CheckpointState", "CheckpointStore", "LocalCheckpointStore", "InMemoryCheckpointStore"),
    *("compute_pipeline_fingerprint", "load_checkpoint_for_resume"),
    *("PipelineResult", "PipelineResultStatus", "ComponentResult"),
}
OF_CHECKPOINT = {
    *("CheckpointHooks", "CheckpointState", "CheckpointStore", "LocalCheckpointStore", "InMemoryCheckpointStore"),
    *("compute_pipeline_fingerprint", "load_checkpoint_for_resume"),
}


@pytest.mark.parametrize(
    ("package", "names"),
    [(runner_package, EXPORTED), (checkpoint_package, OF_CHECKPOINT)],
    ids=["airflow_provider.runner", "airflow_provider.runner.checkpoint"],
)
def test_the_names_of_the_design_are_exported(package: object, names: set[str]) -> None:
    exported = package.__all__  # type: ignore[attr-defined]
    assert names <= set(exported)
    assert list(exported) == sorted(exported)
    assert all(hasattr(package, name) for name in exported)


@pytest.mark.parametrize(
    "module", ["airflow_provider", "airflow_provider.runner", "airflow_provider.components", "airflow_provider.errors"]
)
def test_an_import_brings_neither_airflow_nor_spark(module: str) -> None:
    """DAG files are parsed all the time, and the engine works where Airflow is not installed."""
    code = f"import sys, {module}; print([m for m in ('airflow', 'pyspark', 'pyhocon', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_example_of_the_design_works_as_written(tmp_path: Path) -> None:
    """DESIGN.md, "The runner's public face": one process, the same ``runner`` and ``hooks`` for both runs."""
    log, needed = tmp_path / "log", tmp_path / "needed"

    def component(name: str, kind: str, **more: str) -> ComponentConfig:
        return ComponentConfig(
            name=name,
            class_path=f"tests.samples.components.basic.{kind}",
            config={"path": str(log), "line": name, **more},
        )

    config = PipelineConfig(
        name="daily",
        components=[
            component("extract", "Append"),
            component("transform", "FailUntil", needs=str(needed)),
            component("publish", "Append"),
            # Nothing asks for Spark, but the runner opens it; the session is passed in to keep this test small.
        ],
    )

    store = LocalCheckpointStore(Path(tmp_path / "checkpoints"))
    fingerprint = compute_pipeline_fingerprint(config)
    checkpoint_hooks = CheckpointHooks(store, run_id="run-001", pipeline_fingerprint=fingerprint)
    hooks = CompositeHooks(LoggingHooks(), checkpoint_hooks)
    runner = SimplePipelineRunner(config, hooks=hooks, spark=object())  # type: ignore[arg-type]
    result = runner.run()
    assert result.status is PipelineResultStatus.FAILURE
    assert log.read_text().split() == ["extract", "transform"]

    needed.touch()
    completed = load_checkpoint_for_resume(store, "run-001", config)
    assert completed == {"extract"}
    result = runner.run(completed_components=completed)
    assert result.status is PipelineResultStatus.SUCCESS
    assert result.completed_components == ["extract", "transform", "publish"]
    assert log.read_text().split() == ["extract", "transform", "transform", "publish"]

    state = store.load(run_id="run-001")
    assert state is not None
    assert state == store.load(run_id="run-001", pipeline_name="daily")
    assert state.completed_components == ["extract", "transform", "publish"]
    store.save(state)
    assert store.load(run_id="run-001") == state
