"""Components that use Spark and pandas from the driver."""

from __future__ import annotations

import decimal
import json
import re
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from tests.integration.spark.harmless.acts.files import free_name


def lazy_view(spark: Any) -> None:
    frame = spark.range(5).withColumn("twice", F.col("id") * 2).where("id > 1")
    frame.withColumn("n", F.row_number().over(Window.orderBy("id"))).createOrReplaceTempView("v")


def sql_view(spark: Any) -> None:
    spark.sql("CREATE OR REPLACE TEMP VIEW v AS SELECT id * 2 AS id FROM range(5)")


def append_csv_with_pandas(spark: Any, *, path: str) -> None:
    pd.DataFrame({"id": [1]}).to_csv(path, mode="a", header=False, index=False)
    spark.range(5).createOrReplaceTempView("v")


def parquet_with_pandas(spark: Any, *, outbox: str) -> None:
    pd.DataFrame({"id": [1]}).to_parquet(free_name(outbox, "pandas"))
    spark.range(5).createOrReplaceTempView("v")


def save_with_numpy(spark: Any, *, outbox: str) -> None:
    np.save(free_name(outbox, "numpy"), np.arange(3))
    spark.range(5).createOrReplaceTempView("v")


def read_csv_with_pandas(spark: Any, *, source: str) -> None:
    frame = pd.read_csv(source, names=["id", "name"])
    spark.createDataFrame(frame).createOrReplaceTempView("v")


def compute_with_pandas(spark: Any) -> None:
    frame = pd.DataFrame({"id": np.arange(5), "x": np.sqrt(np.arange(5.0))})
    totals = frame.groupby(frame["id"] % 2)["x"].sum().reset_index()
    spark.createDataFrame(totals).createOrReplaceTempView("v")


def compute_with_the_standard_library(spark: Any) -> None:
    day = date(2026, 11, 1) + timedelta(days=3)
    words = re.findall(r"\w+", json.loads('{"text": "a b c"}')["text"])
    price = decimal.Decimal("1.10") * len(words)
    spark.createDataFrame([(day, str(price))], "day date, price string").createOrReplaceTempView("v")


def to_pandas(spark: Any) -> None:
    mean = float(spark.range(5).toPandas()["id"].mean())
    spark.range(5).where(F.col("id") > mean).createOrReplaceTempView("v")


def collect(spark: Any) -> None:
    top = max(row.id for row in spark.range(5).collect())
    spark.range(5).where(F.col("id") < top).createOrReplaceTempView("v")


def count(spark: Any) -> None:
    number = spark.range(5).count()
    spark.range(number * 2).createOrReplaceTempView("v")


def show(spark: Any) -> None:
    frame = spark.range(5)
    frame.show()
    frame.createOrReplaceTempView("v")


def cache(spark: Any) -> None:
    spark.range(5).cache().createOrReplaceTempView("v")


def persist_on_disk(spark: Any) -> None:
    frame = spark.range(5).persist(StorageLevel.DISK_ONLY)
    frame.count()
    frame.createOrReplaceTempView("v")


def cache_table(spark: Any) -> None:
    spark.range(5).createOrReplaceTempView("v")
    spark.sql("CACHE TABLE v")


def cache_lazily_by_name(spark: Any) -> None:
    spark.range(5).createOrReplaceTempView("v")
    spark.catalog.cacheTable("v", StorageLevel.MEMORY_ONLY)


def cache_and_append(spark: Any, *, path: str) -> None:
    with open(path, "a") as file:
        file.write("line\n")
    spark.range(5).persist(StorageLevel.DISK_ONLY).createOrReplaceTempView("v")


def broadcast_hint(spark: Any) -> None:
    names = spark.createDataFrame([(0, "a"), (1, "b")], "id long, name string")
    spark.range(5).join(F.broadcast(names), "id", "left").createOrReplaceTempView("v")


def broadcast_variable(spark: Any) -> None:
    names = spark.sparkContext.broadcast({0: "a", 1: "b"})
    rows = [(key, name) for key, name in names.value.items()]
    spark.createDataFrame(rows, "id long, name string").createOrReplaceTempView("v")


def accumulate(spark: Any) -> None:
    total = spark.sparkContext.accumulator(0)
    spark.range(5).foreach(lambda row: total.add(row.id))
    spark.createDataFrame([(total.value,)], "total long").createOrReplaceTempView("v")


def create_data_frame(spark: Any) -> None:
    spark.createDataFrame([Row(id=1, name="a"), Row(id=2, name="b")]).createOrReplaceTempView("v")


def parallelize(spark: Any) -> None:
    spark.sparkContext.parallelize([(1,), (2,)]).toDF(["id"]).createOrReplaceTempView("v")


def infer_the_schema_of_csv(spark: Any, *, source: str) -> None:
    spark.read.csv(source, inferSchema=True).createOrReplaceTempView("v")


def infer_the_schema_of_json(spark: Any, *, source: str) -> None:
    spark.read.json(source).createOrReplaceTempView("v")


def read_parquet(spark: Any, *, source: str) -> None:
    spark.read.parquet(source).createOrReplaceTempView("v")


def map_an_rdd(spark: Any) -> None:
    rows = spark.range(5).rdd.map(lambda row: row.id * 2).collect()
    spark.createDataFrame([(row,) for row in rows], "id long").createOrReplaceTempView("v")


def append_through_the_jvm(spark: Any, *, path: str) -> None:
    writer = spark._jvm.java.io.FileWriter(path, True)
    writer.write("line\n")
    writer.close()
    spark.range(5).createOrReplaceTempView("v")


def append_through_py4j(spark: Any, *, path: str) -> None:
    gateway = spark.sparkContext._gateway
    writer = gateway.jvm.java.io.FileWriter(path, True)
    writer.write("line\n")
    writer.close()
    spark.range(5).createOrReplaceTempView("v")


def act_in_an_expression(spark: Any, *, prefix: str) -> None:
    """SQL can call any static method of the JVM."""
    spark.sql(f"SELECT reflect('java.io.File', 'createTempFile', '{prefix}', '.x')").collect()
    spark.range(5).createOrReplaceTempView("v")
