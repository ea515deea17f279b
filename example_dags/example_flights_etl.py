"""A real pipeline: the 336,776 flights that left New York in 2013, in twelve components and one task.

Needs the package's extra ``demo``. Parameters: ``lake``, the folder to write to, and ``targets_url``, the service that
knows the carriers' punctuality targets (default: a file beside this one).
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

HERE = Path(__file__).parent
LAKE = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "flights"

with DAG(
    "example_flights_etl",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={
        "lake": Param(str(LAKE), type="string", minLength=1, description="folder for all results"),
        "targets_url": Param((HERE / "flights" / "carrier_targets.json").as_uri(), type="string"),
    },
    tags=["example"],
):
    PySparkPipelineOperator(
        task_id="flights",
        pipeline=HERE / "flights" / "pipeline.yaml",
        session_state_url="{{ params.lake }}/session_state",
        spark_conf={"spark.sql.shuffle.partitions": 4},
        retries=2,
        retry_delay=timedelta(seconds=5),
    )
