"""Airflow stops a task before Spark is there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider.errors import AttemptStopped
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import InMemoryCheckpointStore


def test_a_kill_while_the_attempt_is_prepared_ends_it_before_it_begins() -> None:
    """``execute`` goes on after Airflow's signal handler; neither Spark nor a component is started then."""
    store = InMemoryCheckpointStore()
    operator = PySparkPipelineOperator(
        task_id="t",
        pipeline={"name": "p", "components": [{"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}]},
        conn_id=None,
        checkpoint_store=store,
    )
    operator.on_kill()
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1, try_number=1, max_tries=1)

    with pytest.raises(AttemptStopped, match="Airflow asked the task to stop"):
        operator.execute({"ti": ti, "run_id": "r"})

    assert store.load("r", "p", scope=("d", "t", "-1")) is None
