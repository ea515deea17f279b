"""The same pipeline on every way to Spark. All paths are parameters: every test has its own."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

STEPS = str(Path(__file__).parent / "submit_steps.py")
WITHOUT_AIRFLOW: dict[str, str] = json.loads(os.environ["WITHOUT_AIRFLOW"])
WITHOUT_PYDANTIC: dict[str, str] = json.loads(os.environ["WITHOUT_PYDANTIC"])
for conn_id, master in (("SUBMIT_LOCAL", "local[2]"), ("CLUSTER", os.environ.get("CLUSTER_MASTER", ""))):
    os.environ[f"AIRFLOW_CONN_{conn_id}"] = json.dumps({"conn_type": "spark", "host": master})
QUIET = {"spark.ui.enabled": False, "spark.sql.shuffle.partitions": 2, "spark.driver.host": "127.0.0.1"}


def component(name: str, function: str | None = None, after: str | None = None, **config: Any) -> dict[str, Any]:
    return {
        "name": name,
        "class_path": f"submit_steps.{function or name}",
        "depends_on": [after] if after else [],
        "config": {"journal": "{{ params.folder }}/journal", **config},
    }


CHAIN = {
    "name": "chain",
    "components": [
        {**component("make"), "session_state": "replay"},  # a line twice in the journal does no harm
        {**component("add_up", after="make"), "session_state": "save"},
        component("ask", after="add_up", failures=1),
        component("write", after="ask", target="{{ params.folder }}/answer"),
    ],
}
PROOF = {**CHAIN, "components": [component("prove", "prove_there_is_no_airflow"), *CHAIN["components"]]}
SLOW = {
    "name": "slow",
    "components": [
        component("make"),
        component("slow", after="make", target="{{ params.folder }}/answer", seconds=3),
    ],
}
LOST = {"name": "lost", "components": [{"name": "lost", "class_path": "nowhere_to_be_found.Lost"}]}


def dag(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        params={"folder": ""},
        default_args={
            "retries": 1,
            "retry_delay": timedelta(0),
            "checkpoint_url": "{{ params.folder }}/checkpoints",
            "session_state_url": "{{ params.folder }}/views",
        },
    )


def submit(pipeline: dict[str, Any], conn_id: str, **options: Any) -> PySparkPipelineSubmitOperator:
    return PySparkPipelineSubmitOperator(
        task_id="work", pipeline=pipeline, conn_id=conn_id, py_files=STEPS, **{"conf": QUIET, **options}
    )


with dag("submit_cluster_without_airflow"):
    # An address that only Spark knows: Hadoop's viewfs, as it stands for hdfs, s3a and the rest.
    submit(
        PROOF,
        "cluster",
        env_vars=WITHOUT_AIRFLOW,
        conf={**QUIET, "spark.hadoop.fs.viewfs.mounttable.lake.link./shared": "file://{{ params.folder }}"},
        checkpoint_url="viewfs://lake/shared/checkpoints",
        session_state_url="viewfs://lake/shared/views",
    )

with dag("submit_without_pydantic"):
    submit(CHAIN, "submit_local", env_vars=WITHOUT_PYDANTIC)

with dag("submit_lost"):
    submit(LOST, "submit_local")

with dag("submit_slow"):
    submit(SLOW, "cluster")

with dag("task_cluster"):
    PySparkPipelineOperator(task_id="work", pipeline=CHAIN, conn_id="cluster", spark_conf=QUIET)

with dag("task_slow"):
    PySparkPipelineOperator(task_id="work", pipeline=SLOW, conn_id="cluster", spark_conf=QUIET)
