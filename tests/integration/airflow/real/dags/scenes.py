"""The DAGs of the scenes. Every run has a folder of its own, a parameter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

FOLDER = "{{ params.folder }}"


def chain(*names: str, folder: str = FOLDER) -> dict[str, Any]:
    """A pipeline of components that follow each other and use no Spark."""
    return {
        "name": "chain",
        "components": [
            {
                "name": name,
                "class_path": "acts.act",
                "depends_on": [before] if before else [],
                "config": {"name": name, "folder": folder, "after": before},
            }
            for before, name in zip(("", *names), names, strict=False)
        ],
    }


def spark() -> dict[str, Any]:
    """A pipeline whose components leave views for each other."""
    steps = [
        ("numbers", "transformation", []),
        ("totals", "transformation", ["numbers"]),
        ("publish", "sink", ["totals"]),
    ]
    return {
        "name": "spark",
        "session_state": "save",
        "components": [
            {
                "name": name,
                "class_path": f"acts.{name}",
                "component_type": kind,
                "depends_on": depends_on,
                "config": {"name": name, "folder": FOLDER},
            }
            for name, kind, depends_on in steps
        ],
    }


def dag(dag_id: str, **params: Any) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        params={"folder": "", **params},
        default_args={
            "retry_delay": timedelta(0),
            "conn_id": None,
            "spark_conf": {"spark.master": "local[1]", "spark.ui.enabled": False, "spark.sql.shuffle.partitions": 1},
        },
    )


with dag("chain"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"))

with dag("chain_retried"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"), retries=1)

with dag("chain_in_a_directory"):
    PySparkPipelineOperator(
        task_id="work", pipeline=chain("a", "b", "c", "d"), checkpoint_url=f"{FOLDER}/checkpoints", retries=1
    )

with dag("chain_cleared_afresh"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c"), on_clear="restart")

with dag("spark"):
    PySparkPipelineOperator(task_id="work", pipeline=spark(), retries=2)

with dag("mapped"):
    PySparkPipelineOperator.partial(task_id="work", retries=1, max_active_tis_per_dag=4).expand(
        pipeline=[chain("a", "b", "c", folder=f"{FOLDER}/{index}") for index in range(4)]
    )

with dag("restart", restart_from=""):
    PySparkPipelineOperator(
        task_id="work", pipeline=chain("a", "b", "c", "d"), restart_from="{{ params.restart_from }}"
    )
