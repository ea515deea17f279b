"""A pipeline file and hooks as they are for pyspark-pipeline-framework, in a task."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator


class Journal:
    """Hooks with the arguments of that package: each call appends a line."""

    def __init__(self) -> None:
        self.path = Path()

    def line(self, *words: object) -> None:
        with self.path.open("a") as file:
            print(*words, file=file)

    def before_pipeline(self, config: Any) -> None:
        self.path = Path(config.get_component("a").config["journal"] + ".hooks")
        self.line("before_pipeline", config.name, config.version)

    def after_pipeline(self, config: Any, result: Any) -> None:
        self.line("after_pipeline", result.status.value, *result.completed_components)

    def before_component(self, config: Any, index: int, total: int) -> None:
        self.line("before_component", config.name, index, total)

    def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
        self.line("after_component", config.name, index, total, type(duration_ms).__name__)

    def on_component_failure(self, config: Any, index: int, error: Exception) -> None:
        self.line("on_component_failure", config.name, index, error)
        raise RuntimeError("nobody listens")

    def on_retry_attempt(
        self, config: Any, attempt: int, max_attempts: int, delay_ms: int, error: Exception
    ) -> None: ...

    def on_circuit_breaker_state_change(self, component_name: str, old_state: Any, new_state: Any) -> None: ...


with DAG(
    "as_for_the_other_package",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={"journal": ""},
    default_args={"retries": 1, "retry_delay": timedelta(0), "conn_id": None},
):
    PySparkPipelineOperator(task_id="work", pipeline="peer.conf", hooks=[Journal()])
    PySparkPipelineOperator(task_id="class", pipeline="peer.conf", hooks=Journal)
