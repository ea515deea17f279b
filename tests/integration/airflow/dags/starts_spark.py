"""A module that starts Spark when it is imported, as scripts do."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("etl").getOrCreate()


def load(session: Any, output_view: str) -> None:
    spark.range(3).createOrReplaceTempView(output_view)
