"""What a component does to its config stays with it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from tests.conftest import Script
from tests.samples.components.peer import Grows
from tests.samples.pipelines import component

SPARK: Any = object()


def grows(**fields: Any) -> Any:
    config = {"columns": ["id"], "options": {"sep": ";"}}
    return {"name": "a", "class_path": "tests.samples.components.peer.Grows", "config": config, **fields}


def test_a_component_that_changes_its_config_is_reused_in_the_next_attempt(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Both attempts have the same config object, as in a notebook."""
    Grows.seen.clear()
    config = PipelineConfig.model_validate({"name": "p", "components": [grows(), component("b", "a")]})
    store, actions = InMemoryCheckpointStore(), []
    for _ in range(2):
        script.fail("b")
        hooks = CheckpointHooks(store, "r", compute_pipeline_fingerprint(config))
        result = SimplePipelineRunner(config, hooks=hooks, spark=SPARK).run(
            load_checkpoint_for_resume(store, "r", config)
        )
        actions.append([part.action.value for part in result.component_results])
    assert actions == [["RUN", "RUN"], ["REUSE", "RUN"]]
    assert Grows.seen == [["id", "loaded_at"]]
    assert config.components[0].config == {"columns": ["id"], "options": {"sep": ";"}}
    assert "config changed" not in caplog.text


def test_two_runs_in_one_process_give_a_component_the_same_config() -> None:
    Grows.seen.clear()
    config = PipelineConfig.model_validate({"name": "p", "components": [grows()]})
    for _ in range(2):
        SimplePipelineRunner(config, spark=SPARK).run()
    assert Grows.seen == [["id", "loaded_at"], ["id", "loaded_at"]]
