"""A component with a Python function that Spark runs, which is what fails first where two versions are mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def squares(spark: SparkSession) -> None:
    """Print the sum of what a Python function makes of ten numbers."""
    spark.udf.register("square", lambda number: number * number, "bigint")
    (row,) = spark.sql("SELECT sum(square(id)) AS total FROM range(10)").collect()
    print(f"the sum of the squares is {row.total}")
