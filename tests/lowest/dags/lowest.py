"""A DAG whose task fails, is retried and resumes. Airflow 3.1 wants it in a file of the DAG folder."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

if not hasattr(DAG, "test"):
    from airflow.models.dag import DAG  # Airflow 3.0


def note(spark: SparkSession, line: str, journal: str, failures: int = 0) -> None:
    """Append the line to the journal, leave a view, and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    if line != "a":
        assert spark.table("seen_a").count() == 3
    spark.range(3).createOrReplaceTempView(f"seen_{line}")
    if Path(journal).read_text().splitlines().count(line) <= failures:
        raise ConnectionError("the service is not up yet")


with DAG("lowest", schedule=None, start_date=datetime(2025, 1, 1), catchup=False) as dag:
    PySparkPipelineOperator(
        task_id="work",
        retries=1,
        retry_delay=timedelta(0),
        conn_id=None,
        spark_conf={"spark.master": "local[1]", "spark.ui.enabled": False},
        pipeline={
            "name": "lowest",
            "session_state": "save",
            "components": [
                {"name": name, "class_path": note, "config": {"line": name, "journal": os.environ["JOURNAL"], **more}}
                for name, more in (("a", {}), ("b", {"failures": 1}), ("c", {}))
            ],
        },
    )
