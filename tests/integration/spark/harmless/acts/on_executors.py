"""Components whose Python code runs on the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import requests
from pyspark.sql import functions as F
from pyspark.sql.types import LongType


def append_row(path: str, row: Any) -> None:
    with open(path, "a") as file:
        file.write(f"{row}\n")


def foreach(spark: Any, *, path: str) -> None:
    spark.range(5).foreach(lambda row: append_row(path, row))
    spark.range(5).createOrReplaceTempView("v")


def foreach_partition(spark: Any, *, path: str) -> None:
    def append(rows: Iterable[Any]) -> None:
        for row in rows:
            append_row(path, row)

    spark.range(5).foreachPartition(append)
    spark.range(5).createOrReplaceTempView("v")


def foreach_of_an_rdd(spark: Any, *, path: str) -> None:
    spark.sparkContext.parallelize(range(5)).foreach(lambda row: append_row(path, row))
    spark.range(5).createOrReplaceTempView("v")


def twice(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        frame["id"] = frame["id"] * 2
        yield frame


def map_in_pandas(spark: Any) -> None:
    spark.range(5).mapInPandas(twice, "id long").createOrReplaceTempView("v")


def map_in_pandas_and_count(spark: Any) -> None:
    frame = spark.range(5).mapInPandas(twice, "id long")
    frame.count()
    frame.createOrReplaceTempView("v")


def map_in_pandas_that_acts(spark: Any, *, path: str) -> None:
    """Whenever Spark computes the view, it acts, as in plain Spark; saving the view is one time."""

    def act(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            for row in frame["id"]:
                append_row(path, row)
            yield frame

    spark.range(5).mapInPandas(act, "id long").createOrReplaceTempView("v")


def append_csv_in_pandas(spark: Any, *, path: str) -> None:
    def act(frame: pd.DataFrame) -> pd.DataFrame:
        frame.to_csv(path, mode="a", header=False)
        return frame

    spark.range(5).groupBy("id").applyInPandas(act, "id long").createOrReplaceTempView("v")


def map_in_pandas_that_acts_at_once(spark: Any, *, path: str) -> None:
    def act(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            for row in frame["id"]:
                append_row(path, row)
            yield frame

    number = spark.range(5).mapInPandas(act, "id long").agg(F.sum("id")).first()[0]
    spark.range(number).createOrReplaceTempView("v")


def plus_one(value: int) -> int:
    return value + 1


def udf(spark: Any) -> None:
    add = F.udf(plus_one, LongType())
    spark.range(5).select(add("id").alias("id")).createOrReplaceTempView("v")


def udf_in_an_action(spark: Any) -> None:
    add = F.udf(plus_one, LongType())
    total = spark.range(5).select(F.sum(add("id"))).first()[0]
    spark.range(total).createOrReplaceTempView("v")


def lambda_udf_in_an_action(spark: Any) -> None:
    add = F.udf(lambda value: value + 1, "long")
    total = spark.range(5).select(F.sum(add("id"))).first()[0]
    spark.range(total).createOrReplaceTempView("v")


@F.pandas_udf(LongType())
def plus_two(values: pd.Series) -> pd.Series:
    return values + 2


def pandas_udf(spark: Any) -> None:
    spark.range(5).select(plus_two("id").alias("id")).createOrReplaceTempView("v")


def udf_that_posts(spark: Any, *, url: str) -> None:
    """The view is lazy: see :func:`map_in_pandas_that_acts`."""
    post = F.udf(lambda row: requests.post(url, data=str(row), timeout=10).status_code, "int")
    spark.range(5).select("id", post("id").alias("status")).createOrReplaceTempView("v")


def cached_udf_that_posts(spark: Any, *, url: str) -> None:
    """What computes the view first, keeps its rows for all others."""
    post = F.udf(lambda row: requests.post(url, data=str(row), timeout=10).status_code, "int")
    spark.range(5).select("id", post("id").alias("status")).cache().createOrReplaceTempView("v")


def udf_that_posts_at_once(spark: Any, *, url: str) -> None:
    post = F.udf(lambda row: requests.post(url, data=str(row), timeout=10).status_code, "int")
    worst = spark.range(5).select(F.max(post("id"))).first()[0]
    spark.range(worst - 199).createOrReplaceTempView("v")


def register_a_udf(spark: Any) -> None:
    spark.udf.register("plus_one", plus_one, LongType())
    spark.range(5).selectExpr("plus_one(id) AS id").createOrReplaceTempView("v")


def register_a_udf_that_posts(spark: Any, *, url: str) -> None:
    def post(row: int) -> int:
        return requests.post(url, data=str(row), timeout=10).status_code

    spark.udf.register("post_row", post, "int")
    spark.sql("SELECT max(post_row(id)) FROM range(5)").collect()
    spark.range(5).createOrReplaceTempView("v")


def group_and_apply(spark: Any) -> None:
    def total(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"id": [frame["id"].sum()]})

    spark.range(5).groupBy(F.col("id") % 2).applyInPandas(total, "id long").createOrReplaceTempView("v")
