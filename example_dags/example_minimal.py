"""The smallest pipeline: two components in one task, written in the DAG file."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

with DAG("example_minimal", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"]):
    PySparkPipelineOperator(
        task_id="squares",
        pipeline={
            "name": "squares",
            "components": [
                {
                    "name": "make",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {"sql": "SELECT id, id * id AS square FROM range(10)", "output_view": "squares"},
                },
                {
                    "name": "check",
                    "class_path": "airflow_provider.components.CheckData",
                    "config": {"input_view": "squares", "min_rows": 10, "unique": ["id"]},
                    "depends_on": ["make"],
                },
            ],
        },
        retries=1,
    )
