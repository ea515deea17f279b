"""Runs the driver in the task and the executors on a cluster.

Define the connection as an environment variable of the workers, or in the UI with type Spark::

    AIRFLOW_CONN_SPARK_CLUSTER='{"conn_type": "spark", "host": "spark://master:7077",
                                 "extra": {"spark.executor.memory": "1g"}}'

``yarn`` and ``k8s://https://api-server:6443`` are hosts, too. Python must have the same minor version on the executors
and on the worker. ``session_state_url`` is a directory that both can write. Without it views cannot be saved: a retry
that needs them replays the components that made them if these are known to be harmless, and otherwise fails.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

with DAG(
    "example_spark_cluster",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"shared": Param("/shared/example", type="string", description="folder that the whole cluster sees")},
    tags=["example"],
) as dag:
    PySparkPipelineOperator(
        task_id="squares",
        conn_id="spark_cluster",
        spark_conf={"spark.sql.shuffle.partitions": 4},
        session_state_url="{{ params.shared }}/views",
        pipeline={
            "name": "squares",
            "components": [
                {
                    "name": "make",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {"sql": "SELECT id, id * id AS square FROM range(1000)", "output_view": "squares"},
                    "session_state": "save",
                },
                {
                    "name": "write",
                    "component_type": "sink",
                    "class_path": "airflow_provider.components.WriteData",
                    "config": {"input_view": "squares", "path": "{{ params.shared }}/squares"},
                    "depends_on": ["make"],
                },
            ],
        },
        retries=1,
    )
