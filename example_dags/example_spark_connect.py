"""Runs the driver on a Spark Connect server; the task is its client.

Define the connection as an environment variable of the workers, or in the UI with type Spark Connect::

    AIRFLOW_CONN_SPARK_CONNECT='{"conn_type": "spark_connect", "host": "connect.example.com", "port": 15002,
                                 "login": "etl", "password": "the token", "extra": {"use_ssl": true}}'

``login`` is the user id, ``password`` the token; leave out what the server does not need. The server keeps the session
for a retry: views, the function and the settings are still there, and nothing is restored or replayed.
``session_state_url`` is a directory that the server can write, in case it restarts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import DAG, Param

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register(spark: SparkSession) -> None:
    """Make a Python function known to SQL."""
    spark.udf.register("grade", lambda points: "high" if points > 0.5 else "low", "string")


with DAG(
    "example_spark_connect",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"shared": Param("/shared/example", type="string", description="folder that the server can write")},
    tags=["example"],
) as dag:
    PySparkPipelineOperator(
        task_id="lottery",
        conn_id="spark_connect",
        spark_conf={"spark.sql.session.timeZone": "UTC"},
        session_state_url="{{ params.shared }}/views",
        pipeline={
            "name": "lottery",
            "components": [
                {"name": "register", "class_path": "example_spark_connect.register"},
                {
                    "name": "draw",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {"sql": "SELECT id, rand() AS points FROM range(1000)", "output_view": "draws"},
                },
                {
                    "name": "write",
                    "component_type": "sink",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {
                        "sql": "INSERT OVERWRITE DIRECTORY '{{ params.shared }}/grades' USING parquet "
                        "SELECT id, points, grade(points) AS grade FROM draws"
                    },
                    "depends_on": ["register", "draw"],
                },
            ],
        },
        retries=1,
    )
