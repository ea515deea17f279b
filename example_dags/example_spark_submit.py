"""Runs the driver in a process of its own: spark-submit starts it, on the worker or on the cluster.

Define the connection as an environment variable of the workers, or in the UI with type Spark::

    AIRFLOW_CONN_SPARK_SUBMIT='{"conn_type": "spark", "host": "yarn",
                                "extra": {"deploy-mode": "cluster", "queue": "nightly",
                                          "yarn_resourcemanager_webapp_address": "http://resource-manager:8088"}}'

In deploy mode ``cluster`` the driver runs elsewhere, so ``checkpoint_url`` has to be an address that it reaches
(``s3a://bucket/prefix``, ``hdfs://``, ``gs://``, ``abfss://``), and with ``yarn_track_via_rm_api=True`` a retry
attaches to a driver that is still alive. In deploy mode ``client`` a directory will do, as here.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, Param

from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

HERE = Path(__file__).parent

with DAG(
    "example_spark_submit",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"shared": Param("/shared/example", type="string", description="folder that the driver sees")},
    tags=["example"],
) as dag:
    PySparkPipelineSubmitOperator(
        task_id="sales",
        conn_id="spark_submit",
        checkpoint_url="{{ params.shared }}/checkpoints",
        py_files=str(HERE / "submitted_components.py"),
        conf={"spark.sql.shuffle.partitions": 4},
        pipeline={
            "name": "sales",
            "components": [
                {
                    "name": "sell",
                    "class_path": "submitted_components.sell",
                    "config": {"shops": 7, "output_view": "sales"},
                },
                {
                    "name": "totals",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {
                        "sql": "SELECT shop, sum(price) AS total FROM sales GROUP BY shop",
                        "output_view": "totals",
                    },
                    "depends_on": ["sell"],
                },
                {
                    "name": "write",
                    "component_type": "sink",
                    "class_path": "airflow_provider.components.WriteData",
                    "config": {"input_view": "totals", "path": "{{ params.shared }}/totals/{{ ds }}"},
                    "depends_on": ["totals"],
                },
            ],
        },
        retries=1,
    )
