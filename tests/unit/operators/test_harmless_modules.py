"""Where the modules come from that an author or a company vouches for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import InMemoryCheckpointStore, PipelineConfig
from airflow_provider.runner.observing.result import PipelineResult, PipelineResultStatus
from airflow_provider.runner.running import airflow_attempt

STEP = {"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[PipelineConfig]:
    """The configs that attempts are given; nothing runs."""
    given: list[PipelineConfig] = []

    def attempt(run: Any, *_: Any, **__: Any) -> PipelineResult:
        given.append(run.config)
        return PipelineResult("p", PipelineResultStatus.SUCCESS, (), 0.0)

    monkeypatch.setattr(airflow_attempt, "run_airflow_attempt", attempt)
    return given


def execute(pipeline: Any) -> None:
    operator = PySparkPipelineOperator(
        task_id="t",
        pipeline=pipeline,
        conn_id=None,
        spark_conf={"spark.master": "local[2]"},
        checkpoint_store=InMemoryCheckpointStore(),
    )
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1, try_number=1, max_tries=1)
    operator.execute({"ti": ti, "run_id": "r"})


def test_no_module_counts_as_harmless_by_default(configs: list[PipelineConfig]) -> None:
    execute({"name": "p", "components": [STEP]})
    assert configs[0].harmless_modules == []


def test_airflows_configuration_is_added_to_the_pipelines_own(
    configs: list[PipelineConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, whether commas or spaces are between them."""
    monkeypatch.setenv("AIRFLOW__PYSPARK_PIPELINE__HARMLESS_MODULES", "our.text, geopy.distance own")
    fields = {"name": "p", "components": [STEP], "harmless_modules": ["own"]}
    execute(fields)
    execute(PipelineConfig.model_validate(fields))
    assert [config.harmless_modules for config in configs] == [["own", "our.text", "geopy.distance"]] * 2
