"""Ways to say what Spark has to run with, a task for each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

LOCAL = {"spark.master": "local[2]", "spark.ui.enabled": False, "spark.sql.shuffle.partitions": 3}


def sql(text: str) -> dict[str, Any]:
    return {
        "name": "query",
        "class_path": "airflow_provider.components.RunSql",
        "config": {"sql": text, "output_view": "v"},
    }


def task(task_id: str, spark_conf: Any, *components: dict[str, Any]) -> None:
    pipeline = {"name": task_id, "components": list(components or [sql("SELECT 1 AS a")])}
    PySparkPipelineOperator(
        task_id=task_id, pipeline=pipeline, conn_id=None, spark_conf=spark_conf, retries=1, retry_delay=timedelta(0)
    )


def dag(dag_id: str, **options: Any) -> DAG:
    params = {"conf": LOCAL, "nothing": None}
    return DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, params=params, **options)


with dag("properties"):
    task("python", "{{ params.conf }}")
    task("text", "spark.master=local[2]")
    task("none", {**LOCAL, "spark.yarn.queue": None})
    task("none_by_template", {**LOCAL, "spark.yarn.queue": "{{ params.nothing }}"})
    task("list", {**LOCAL, "spark.jars": ["a.jar", "b.jar"]})

with dag("native_properties", render_template_as_native_obj=True):
    task("mapping", "{{ params.conf }}")
    task("none_by_template", {**LOCAL, "spark.yarn.queue": "{{ params.nothing }}"})

with dag("failing_write"):
    write = {
        "name": "write",
        "class_path": "airflow_provider.components.WriteData",
        "component_type": "sink",
        "depends_on": ["query"],
        "config": {"input_view": "v", "path": "{{ params.conf['path'] }}"},
    }
    task("work", LOCAL, sql("SELECT raise_error('of two\\nlines') AS a FROM range(4)"), write)

with dag("starts_spark"):
    component = {"name": "load", "class_path": "starts_spark.load", "config": {"output_view": "v"}}
    task("elsewhere", {"spark.master": "local[1]"}, component)
