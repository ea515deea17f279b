"""Components that travel to a driver, in a module of their own: the driver has no Airflow to import the DAG file with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sell(spark: SparkSession, shops: int, output_view: str) -> None:
    """Make up a day's sales."""
    sales = spark.range(10_000).selectExpr("id", f"id % {int(shops)} AS shop", "(id * 37 % 100) / 10 AS price")
    sales.createOrReplaceTempView(output_view)
