"""A DAG file that has the name of another one, and its functions have the names of that one's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import ComponentConfig, PipelineConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def load(spark: SparkSession, journal: str, lines: int = 1) -> None:
    """Append a line to the journal, and fail as long as it has fewer than ``lines``."""
    with Path(journal).open("a") as file:
        file.write("ml\n")
    if len(Path(journal).read_text().splitlines()) < lines:
        raise ConnectionError("the service is not up yet")


with DAG("ml_jobs", params={"journal": ""}):
    config = {"journal": "{{ params.journal }}"}
    PySparkPipelineOperator(
        task_id="work",
        pipeline=PipelineConfig(
            name="p",
            components=[
                ComponentConfig(name="a", class_path=load, config=config),
                ComponentConfig(name="b", class_path=load, config={**config, "lines": 3}, depends_on=["a"]),
            ],
        ),
        conn_id=None,
        spark_conf={"spark.master": "local[1]"},
        retries=1,
        retry_delay=timedelta(0),
    )
