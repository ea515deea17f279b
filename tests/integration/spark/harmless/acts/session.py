"""Components that only change the session, and some that look like it."""

from __future__ import annotations

import contextlib
from typing import Any


def with_own_session(spark: Any) -> None:
    """A script that was moved into a function."""
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.appName("load orders")
        .master("yarn")
        .config("spark.executor.memory", "4g")
        .config("spark.driver.maxResultSize", "2g")
        .config("spark.yarn.queue", "etl")
        .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
        .config(map={"spark.sql.shuffle.partitions": "7", "spark.dynamicAllocation.enabled": "true"})
        .enableHiveSupport()
        .getOrCreate()
    )
    spark.range(5).createOrReplaceTempView("v")


def write_with_own_session(spark: Any, *, target: str) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("load").config("spark.executor.cores", "4").getOrCreate()
    spark.range(5).write.mode("append").parquet(target)


def write_with_own_conf(spark: Any, *, target: str) -> None:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    conf = SparkConf().setAppName("load").set("spark.hadoop.fs.s3a.secret.key", "hunter2").set("spark.jars", "x.jar")
    spark = SparkSession.builder.config(conf=conf).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.range(5).write.mode("append").parquet(target)


def write_with_packages(spark: Any, *, target: str) -> None:
    """Static settings of SQL and of its extensions."""
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.appName("load")
        .config("spark.jars.packages", "io.delta:delta-spark_2.13:4.0.0")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.warehouse.dir", "/nowhere")
        .config("spark.ui.port", "4050")
        .getOrCreate()
    )
    spark.range(5).write.mode("append").parquet(target)


def write_and_set_with_own_session(spark: Any, *, target: str) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("load").config("spark.sql.session.timeZone", "Asia/Tokyo").getOrCreate()
    spark.range(5).write.mode("append").parquet(target)
    spark.sql("SELECT current_timezone() AS zone").createOrReplaceTempView("v")


def statement(spark: Any, *, sql: str) -> None:
    """What authors do with a constant text."""
    spark.sql(sql)


def statements(spark: Any, *, sql: list[str]) -> None:
    for text in sql:
        spark.sql(text)


def set_conf(spark: Any, *, key: str, value: str) -> None:
    spark.conf.set(key, value)


def try_to_refresh(spark: Any, *, table: str) -> None:
    from pyspark.errors import AnalysisException

    with contextlib.suppress(AnalysisException):
        spark.sql(f"REFRESH TABLE {table}")
    spark.conf.set("my.refreshed", "yes")
