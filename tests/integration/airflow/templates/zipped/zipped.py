"""A DAG that is in a zip archive together with its pipeline, its SQL and its module."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

LOCAL = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": 1, "spark.ui.enabled": "false"}

with DAG("zipped", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, params={"journal": ""}):
    PySparkPipelineOperator(
        task_id="t",
        conn_id=None,
        spark_conf=LOCAL,
        pipeline="pipelines/zipped.yaml",
        validate_when_parsed=True,
        retries=1,
        retry_delay=timedelta(0),
    )
