"""The same pipelines on a Spark Connect server and in the task, and the example DAG that needs a server."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXAMPLES = Path(__file__).parents[5] / "example_dags"
sys.path.insert(0, str(EXAMPLES))
for conn_id in ("SPARK_CONNECT", "SERVER"):
    os.environ[f"AIRFLOW_CONN_{conn_id}"] = os.environ["CONNECT_CONNECTION"]

from example_spark_connect import dag as example  # noqa: E402, F401 - Airflow looks for DAGs in this module


def register(spark: SparkSession) -> None:
    spark.udf.register("grade", lambda points: "high" if points > 50 else "low", "string")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    spark.sql("USE shop")


def ask(spark: SparkSession, journal: str) -> None:
    """Disturb the session and fail, the first time."""
    with Path(journal).open("a") as file:
        file.write("ask\n")
    if Path(journal).read_text() == "ask\n":
        spark.range(1).createOrReplaceTempView("graded")
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        spark.sql("USE default")
        raise ConnectionError("the service is not up yet")


def write(spark: SparkSession, target: str) -> None:
    rows = spark.sql(
        "SELECT grade, count(*) AS rows, grade(max(points)) AS of_best, current_timezone() AS zone, "
        "current_database() AS home FROM graded GROUP BY grade"
    )
    rows.write.mode("overwrite").json(target)


def sql(name: str, statement: str, view: str) -> dict[str, Any]:
    config = {"sql": statement, "output_view": view}
    return {"name": name, "class_path": "airflow_provider.components.RunSql", "config": config}


PIPELINE = {
    "name": "grades",
    "components": [
        {"name": "register", "class_path": "on_a_server.register"},
        sql("make", "SELECT id, (id * 37) % 101 AS points FROM range(1000)", "points"),
        sql("grade", "SELECT *, grade(points) AS grade FROM points", "graded"),
        {"name": "ask", "class_path": "on_a_server.ask", "config": {"journal": "{{ params.folder }}/journal"}},
        {"name": "write", "class_path": "on_a_server.write", "config": {"target": "{{ params.folder }}/answer"}},
    ],
}

WAYS: dict[str, dict[str, Any]] = {
    "server": {"conn_id": "server", "spark_conf": {"spark.sql.shuffle.partitions": 2, "spark.executor.memory": "1g"}},
    "task": {"conn_id": None, "spark_conf": {"spark.master": "local[2]", "spark.sql.shuffle.partitions": 2}},
}

for way, spark in WAYS.items():
    with DAG(
        f"grades_{way}",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        params={"folder": ""},
        default_args={"retries": 1, "retry_delay": timedelta(0), "session_state_url": "{{ params.folder }}/views"},
    ) as dag:
        PySparkPipelineOperator(task_id="work", pipeline=PIPELINE, **spark)
    globals()[dag.dag_id] = dag

    with DAG(
        f"flights_{way}",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        params={"lake": "", "targets_url": ""},
        default_args={"retries": 1, "retry_delay": timedelta(0), "session_state_url": "{{ params.lake }}/views"},
    ) as dag:
        PySparkPipelineOperator(task_id="flights", pipeline=EXAMPLES / "flights" / "pipeline.yaml", **spark)
    globals()[dag.dag_id] = dag
