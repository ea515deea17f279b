"""A pipeline that runs: its components wait and fail as files in the run's folder direct."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

NEEDS = {"load": [], "rates": [], "clean": ["load"], "convert": ["clean", "rates"], "report": ["convert"]}

with DAG("chain", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, params={"folder": ""}):
    (
        PySparkPipelineOperator(
            task_id="etl",
            conn_id=None,
            spark_conf={"spark.master": "local[1]", "spark.ui.enabled": False},
            pipeline={
                "name": "chain",
                "components": [
                    {
                        "name": name,
                        "class_path": "acts.act",
                        "depends_on": needs,
                        "config": {"name": name, "folder": "{{ params.folder }}", "after": needs[0] if needs else ""},
                    }
                    for name, needs in NEEDS.items()
                ],
            },
        )
        >> EmptyOperator(task_id="done")
    )
