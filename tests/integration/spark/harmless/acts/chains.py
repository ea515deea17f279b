"""Components that are used one after another in the measured cases."""

from __future__ import annotations

import os
from typing import Any

import requests
from pyspark.sql import functions as F


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


def use_value_and_post(spark: Any, *, url: str) -> None:
    [row] = spark.table("v").collect()
    requests.post(url, data=row.value, timeout=10)
    spark.range(1).select(F.lit(row.value).alias("value")).createOrReplaceTempView("used")


def replace_file(spark: Any, *, path: str) -> None:
    """Write a new file and let it take the place of the old one, as one does so that nobody reads half of it."""
    with open(f"{path}.new", "w") as file:
        file.write("3,cy\n")
    os.replace(f"{path}.new", path)


def append_line(spark: Any, *, path: str) -> None:
    with open(path, "a") as file:
        file.write("3,cy\n")
