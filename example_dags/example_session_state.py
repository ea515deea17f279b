"""Brings back on a retry what components leave in the Spark session: a function, settings, views.

A retry replays ``register``, because a temp function cannot be saved. The view of ``draw`` is saved, because it is
random: results made from it must still match. ``describe`` only defines a view and is replayed.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register(spark: SparkSession) -> None:
    """Make a Python function known to SQL, and set the time zone for the rest of the pipeline."""
    spark.udf.register("grade", lambda points: "high" if points > 0.5 else "low", "string")
    spark.conf.set("spark.sql.session.timeZone", "UTC")


def sql(name: str, statement: str, view: str, depends_on: list[str]) -> dict[str, object]:
    """Return a component that leaves the result of a statement as a view."""
    return {
        "name": name,
        "class_path": "airflow_provider.components.RunSql",
        "config": {"sql": statement, "output_view": view},
        "depends_on": depends_on,
    }


with DAG("example_session_state", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"]):
    PySparkPipelineOperator(
        task_id="lottery",
        pipeline={
            "name": "lottery",
            "components": [
                {"name": "register", "class_path": "example_session_state.register"},
                sql("draw", "SELECT id, rand() AS points FROM range(1000)", "draws", ["register"]),
                sql("describe", "SELECT id, points, grade(points) AS grade FROM draws", "graded", ["draw"]),
                {
                    "name": "check",
                    "class_path": "airflow_provider.components.CheckData",
                    "config": {
                        "input_view": "graded",
                        "min_rows": 1000,
                        "conditions": {"graded by points": "(grade = 'high') = (points > 0.5)"},
                    },
                    "depends_on": ["describe"],
                },
            ],
        },
        retries=1,
    )
