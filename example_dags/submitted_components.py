"""Components that travel to a driver. A module of their own, because the driver cannot import the DAG file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sell(spark: SparkSession, shops: int, output_view: str) -> None:
    """Make up a day's sales."""
    sales = spark.range(10_000).selectExpr("id", f"id % {int(shops)} AS shop", "(id * 37 % 100) / 10 AS price")
    sales.createOrReplaceTempView(output_view)
