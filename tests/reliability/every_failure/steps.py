"""The torture pipeline: components that use everything that a session holds, each of which can be made to fail.

Every component notes each of its executions as a line in ``<dir>/runs``. It fails, at the end of its work, as often as
``<dir>/fail-<name>`` has lines, and removes one line each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Work = Callable[["SparkSession", Path], None]

WORK: dict[str, Work] = {}
DEPENDS_ON: dict[str, list[str]] = {}
SINKS = {"write_clean", "write_random", "append_log", "write_all", "read_back"}
"""Components that write; a completed one must never run again."""

POLICIES = {"costly": "save", "read": "replay", "function": "replay", "clean": "replay"}
"""All of them write a line when they run, so none is known to be harmless; for these three that may be repeated."""


def step(*depends_on: str) -> Callable[[Work], Work]:
    def register(work: Work) -> Work:
        WORK[work.__name__] = work
        DEPENDS_ON[work.__name__] = list(depends_on)
        return work

    return register


def run(spark: SparkSession, *, name: str, directory: str) -> None:
    """The component: ``name`` says which part of the pipeline it is."""
    with Path(directory, "runs").open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    WORK[name](spark, Path(directory))
    failures = Path(directory, f"fail-{name}")
    if failures.exists() and (lines := failures.read_text().splitlines()):
        failures.write_text("".join(f"{line}\n" for line in lines[1:]))
        raise RuntimeError(f"{name} was made to fail")


def pipeline(directory: Path) -> dict[str, Any]:
    """The config of the whole pipeline."""
    return {
        "name": "torture",
        "components": [
            {
                "name": name,
                "class_path": "tests.reliability.every_failure.steps.run",
                "component_type": "sink" if name in SINKS else "transformation",
                "config": {"name": name, "directory": str(directory)},
                "depends_on": DEPENDS_ON[name],
                **({"session_state": POLICIES[name]} if name in POLICIES else {}),
            }
            for name in WORK
        ],
    }


@step()
def settings(spark: SparkSession, directory: Path) -> None:
    """Changed settings and a database that becomes the current one."""
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    spark.sql(f"CREATE DATABASE IF NOT EXISTS torture LOCATION '{directory}/torture'")
    spark.sql("USE torture")


@step("settings")
def read(spark: SparkSession, directory: Path) -> None:
    """A lazy view, whose hours depend on the time zone."""
    spark.range(40).selectExpr("id", "id % 4 AS k", "timestamp_seconds(id * 3600) AS t").createOrReplaceTempView("src")
    spark.sql("CREATE OR REPLACE TEMP VIEW hours AS SELECT id, hour(t) AS h, date_format(t, 'VV') AS z FROM src")


@step("read")
def function(spark: SparkSession, directory: Path) -> None:
    """A temp function."""
    spark.udf.register("plus", lambda x: x + 1000, "long")


@step("read", "function")
def clean(spark: SparkSession, directory: Path) -> None:
    """A view replaced under its own name, through the temp function."""
    spark.sql("SELECT id, k, t, plus(id) AS p FROM src WHERE id >= 2").createOrReplaceTempView("src")


@step("read")
def costly(spark: SparkSession, directory: Path) -> None:
    """Eager work whose view is saved: a second execution would give another ``run``."""
    executions = Path(directory, "runs").read_text().splitlines().count("costly")
    total = spark.table("src").groupBy("k").count().collect()
    rows = [(row["k"], row["count"], executions) for row in total]
    spark.createDataFrame(rows, "k long, n long, run long").createOrReplaceTempView("cost")


@step("read")
def random(spark: SparkSession, directory: Path) -> None:
    """A view that comes out differently each time it is computed."""
    spark.sql("SELECT id, rand() AS r, uuid() AS u FROM range(30)").createOrReplaceTempView("dice")


@step("random")
def write_random(spark: SparkSession, directory: Path) -> None:
    """What is written of the random view before most failures …"""
    spark.table("dice").write.mode("overwrite").parquet(f"{directory}/out/random_first")


@step("clean", "costly")
def write_clean(spark: SparkSession, directory: Path) -> None:
    """A table in the current database, and a view on it."""
    joined = spark.sql("SELECT src.id, src.k, p, n, run FROM src JOIN cost USING (k)")
    joined.write.mode("overwrite").option("path", f"{directory}/tables/joined").saveAsTable("joined")
    spark.table("joined").where("k < 3").createOrReplaceTempView("on_table")


@step("write_clean")
def append_log(spark: SparkSession, directory: Path) -> None:
    """A sink without Spark."""
    with Path(directory, "log").open("a", encoding="utf-8") as file:
        file.write(f"{spark.catalog.currentDatabase()} {spark.conf.get('spark.sql.session.timeZone')}\n")


@step("write_clean")
def read_back(spark: SparkSession, directory: Path) -> None:
    """Reads the table back, replaces a view that a later one needs, and writes."""
    spark.table("joined").groupBy("k").sum("p").toDF("k", "s").createOrReplaceTempView("cost")
    spark.table("cost").write.mode("overwrite").parquet(f"{directory}/out/sums")


@step("read_back")
def zone(spark: SparkSession, directory: Path) -> None:
    """The time zone changes once more, and a setting goes."""
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    spark.conf.unset("spark.sql.shuffle.partitions")
    spark.catalog.dropTempView("hours_unused")


@step("zone", "write_random", "append_log", "random")
def write_all(spark: SparkSession, directory: Path) -> None:
    """… and what is written of everything at the end."""
    out = f"{directory}/out"
    spark.table("dice").write.mode("overwrite").parquet(f"{out}/random_second")
    for view in ("src", "hours", "cost", "on_table"):
        frame = spark.table(view)
        texts = [f"CAST(`{column}` AS STRING) AS `{column}`" for column in frame.columns]
        frame.selectExpr(*texts).write.mode("overwrite").parquet(f"{out}/{view}")
    spark.sql("SELECT plus(1) AS p, current_database() AS d, current_timezone() AS z").write.mode("overwrite").parquet(
        f"{out}/session"
    )


def stop_spark(spark: SparkSession) -> None:
    """A component that does what none may do."""
    spark.stop()
