"""DAGs whose runs the tests of the tab fill with progress. Nothing here runs."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

PIPELINE = {"name": "orders", "components": [{"name": "only", "class_path": "acts.act"}]}


def samples(dag_id: str) -> DAG:
    return DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1), catchup=False)


with samples("orders"):
    pipeline = PySparkPipelineOperator(task_id="etl", pipeline=PIPELINE)
    pipeline >> EmptyOperator(task_id="report") >> EmptyOperator(task_id="mail")

with samples("two"):
    for name in ("bronze", "gold"):
        PySparkPipelineOperator(task_id=name, pipeline={**PIPELINE, "name": name}) >> EmptyOperator(
            task_id=f"after_{name}"
        )

with samples("mapped"):
    PySparkPipelineOperator.partial(task_id="shop").expand(pipeline=[PIPELINE, PIPELINE, PIPELINE])
