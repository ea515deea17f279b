"""Components that are used one after another in the measured cases."""

from __future__ import annotations

from typing import Any


def read(spark: Any, *, directory: str) -> None:
    spark.read.parquet(directory).createOrReplaceTempView("v")


def count_rows(spark: Any) -> None:
    """Use the view; what it finds goes into a view of its own."""
    spark.range(spark.table("v").count()).createOrReplaceTempView("counted")


def use_value(spark: Any) -> None:
    """Keep what the view says."""
    [row] = spark.table("v").collect()
    spark.createDataFrame([(row.value,)], "value string").createOrReplaceTempView("used")


def append(spark: Any, *, directory: str) -> None:
    spark.range(10, 13).write.mode("append").parquet(directory)


def append_and_view(spark: Any, *, directory: str) -> None:
    rows = spark.range(10, 13)
    rows.write.mode("append").parquet(directory)
    rows.createOrReplaceTempView("appended")


def overwrite(spark: Any, *, directory: str) -> None:
    spark.range(100, 107).write.mode("overwrite").parquet(directory)


def read_with_python(spark: Any, *, path: str) -> None:
    with open(path) as file:
        length = len(file.read())
    spark.createDataFrame([(str(length),)], "value string").createOrReplaceTempView("v")


def append_line(spark: Any, *, path: str) -> None:
    with open(path, "a") as file:
        file.write("3,cy\n")
