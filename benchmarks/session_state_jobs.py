"""The jobs of ``session_state.py``: their steps, as components. All are plain functions."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Step = tuple[str, Callable[..., None], dict[str, Any]]
"""Name, function and config of a component."""


def read(spark: SparkSession, folder: str) -> None:
    spark.read.parquet(f"{folder}/items").createOrReplaceTempView("items")
    spark.read.parquet(f"{folder}/orders").createOrReplaceTempView("orders")


def clean(spark: SparkSession) -> None:
    spark.sql("SELECT * FROM items WHERE flag IS NOT NULL AND quantity > 0").createOrReplaceTempView("clean")


def join(spark: SparkSession) -> None:
    query = "SELECT c.*, o.nation, price * (1 - discount) AS net FROM clean c JOIN orders o USING (order_id)"
    spark.sql(query).createOrReplaceTempView("joined")


def aggregate(spark: SparkSession) -> None:
    query = "SELECT nation, flag, sum(net) AS net, count(*) AS items FROM joined GROUP BY nation, flag"
    spark.sql(query).createOrReplaceTempView("totals")


def write(spark: SparkSession, target: str, view: str) -> None:
    fail_if_asked()
    spark.table(view).write.mode("overwrite").parquet(target)


def costly(spark: SparkSession) -> None:
    # Every row must be ranked before one can be left out, so Spark cannot prune the work for a reader of one column.
    query = """SELECT part_id % 1000 AS part, flag, price, quantity, discount,
        percent_rank() OVER (PARTITION BY part_id % 1000 ORDER BY price, order_id) AS place FROM items"""
    spark.sql(f"SELECT * FROM ({query}) WHERE place > 0.95").createOrReplaceTempView("costly")


def summarise(spark: SparkSession, target: str, column: str) -> None:
    query = f"SELECT flag, avg({column}) AS mean, count(*) AS n FROM costly GROUP BY flag"
    spark.sql(query).write.mode("overwrite").parquet(target)


def eager(spark: SparkSession, folder: str, target: str, column: str) -> None:
    frame = spark.read.parquet(f"{folder}/items").groupBy("order_id", column).count()
    frame.write.mode("overwrite").parquet(target)


def few(spark: SparkSession, folder: str) -> None:
    spark.read.parquet(f"{folder}/orders").limit(1000).createOrReplaceTempView("few")


def compute(spark: SparkSession, rows: int, before: str, view: str) -> None:
    """Costly and harmless: an action, and a small view of what it gave."""
    query = "SELECT id % 16 AS k, sum(hash(sha2(CAST(id AS STRING), 512))) AS h"
    found = [tuple(row) for row in spark.sql(f"{query} FROM range(0, {rows}, 1, 8) GROUP BY 1").collect()]
    frame = spark.createDataFrame(found, "k LONG, h LONG")
    if before:
        frame = frame.join(spark.table(before).withColumnRenamed("h", "b"), "k").selectExpr("k", "h + b AS h")
    frame.createOrReplaceTempView(view)


def compute_and_write(spark: SparkSession, rows: int, before: str, target: str) -> None:
    """The same, and its result is written; the view goes."""
    fail_if_asked()
    compute(spark, rows, before, "written")
    spark.table("written").coalesce(1).write.mode("overwrite").parquet(target)
    spark.catalog.dropTempView("written")


def fail_if_asked() -> None:
    if os.environ.get("BENCHMARK_FAIL") == "fail":
        raise RuntimeError("as the benchmark asked for")
    if os.environ.get("BENCHMARK_FAIL") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def steps(job: str, folder: Path, scratch: Path, rows: int) -> list[Step]:
    """Return the steps of a job.

    :param job: its name
    :param folder: has the data
    :param scratch: for what this run writes
    :param rows: how many rows a component of the harmless job computes
    """
    if job == "lazy":
        return [
            ("read", read, {"folder": str(folder)}),
            ("clean", clean, {}),
            ("join", join, {}),
            ("aggregate", aggregate, {}),
            ("write", write, {"target": f"{scratch}/out", "view": "totals"}),
        ]
    if job == "harmless":
        views = ["", "one", "two", "three", "four"]
        return [
            *(
                (f"compute_{view}", compute, {"rows": rows, "before": before, "view": view})
                for before, view in itertools.pairwise(views)
            ),
            ("compute_five", compute_and_write, {"rows": rows, "before": views[-1], "target": f"{scratch}/out"}),
        ]
    if job == "fan-out":
        return [
            ("read", read, {"folder": str(folder)}),
            ("costly", costly, {}),
            *(
                (f"use_{column}", summarise, {"target": f"{scratch}/{column}", "column": column})
                for column in ("price", "quantity", "discount")
            ),
        ]
    return [
        *(
            (f"make_{column}", eager, {"folder": str(folder), "target": f"{scratch}/{column}", "column": column})
            for column in ("price", "quantity", "discount", "flag", "shipped", "part_id")
        ),
        ("few", few, {"folder": str(folder)}),
        ("write", write, {"target": f"{scratch}/out", "view": "few"}),
    ]
