"""Components side by side: two slow sources are read at once, and the graph decides what each component sees.

Both sources answer slowly, as services do, so reading them one after the other would take twice as long. Both branches
use a temp view ``staging``, each its own.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SECONDS = 3.0


def read_orders(spark: SparkSession) -> None:
    """Leave the view ``orders``."""
    time.sleep(SECONDS)
    spark.range(1000).selectExpr("id", "id % 7 AS customer", "id * 1.5 AS price").createOrReplaceTempView("staging")
    spark.table("staging").createOrReplaceTempView("orders")
    spark.catalog.dropTempView("staging")


def read_customers(spark: SparkSession) -> None:
    """Leave the view ``customers``."""
    time.sleep(SECONDS)
    spark.range(7).selectExpr("id AS customer", "concat('customer ', id) AS name").createOrReplaceTempView("staging")
    spark.table("staging").createOrReplaceTempView("customers")
    spark.catalog.dropTempView("staging")


with DAG("example_parallel", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"]):
    join = "SELECT name, sum(price) AS total FROM orders JOIN customers USING (customer) GROUP BY name"
    PySparkPipelineOperator(
        task_id="report",
        pipeline={
            "name": "report",
            "components": [
                {"name": "orders", "class_path": read_orders},
                {"name": "customers", "class_path": read_customers},
                {
                    "name": "join",
                    "class_path": "airflow_provider.components.RunSql",
                    "depends_on": ["orders", "customers"],
                    "config": {"sql": join, "output_view": "totals"},
                },
                {
                    "name": "check",
                    "class_path": "airflow_provider.components.CheckData",
                    "depends_on": ["join"],
                    "config": {"input_view": "totals", "min_rows": 7, "unique": ["name"]},
                },
            ],
        },
        max_parallel_components=2,
        retries=1,
    )
