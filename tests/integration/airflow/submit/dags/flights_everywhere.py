"""The flights pipeline on every way to Spark."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

EXAMPLES = Path(__file__).parents[5] / "example_dags"
sys.path.insert(0, str(EXAMPLES))
for conn_id, host in (("SUBMIT_LOCAL", "local[2]"), ("CLUSTER", os.environ["CLUSTER_MASTER"])):
    os.environ[f"AIRFLOW_CONN_{conn_id}"] = json.dumps({"conn_type": "spark", "host": host})

COMPONENTS = Path(os.environ["AIRFLOW_HOME"]) / "flights.zip"
with zipfile.ZipFile(COMPONENTS, "w") as archive:
    for path in sorted((EXAMPLES / "flights").glob("*.py")):
        archive.write(path, f"flights/{path.name}")

CONF = {"spark.sql.shuffle.partitions": 2, "spark.driver.host": "127.0.0.1", "spark.executor.memory": "1g"}
COMMON: dict[str, Any] = {
    "task_id": "flights",
    "pipeline": EXAMPLES / "flights" / "pipeline.yaml",
    "checkpoint_url": "{{ params.lake }}/checkpoints",
    "session_state_url": "{{ params.lake }}/views",
    "retries": 1,
    "retry_delay": timedelta(0),
}


def dag(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        params={"lake": "", "targets_url": ""},
    )


with dag("task_local"):
    PySparkPipelineOperator(conn_id="submit_local", spark_conf=CONF, **COMMON)

with dag("task_cluster"):
    PySparkPipelineOperator(conn_id="cluster", spark_conf=CONF, **COMMON)

for way, conn_id in (("submit_local", "submit_local"), ("submit_cluster", "cluster")):
    with dag(way):
        PySparkPipelineSubmitOperator(conn_id=conn_id, conf=CONF, py_files=str(COMPONENTS), **COMMON)
