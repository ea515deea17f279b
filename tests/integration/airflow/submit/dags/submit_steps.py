"""Components that travel to the driver. Each execution leaves a line in a file, the journal."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def note(journal: str, line: str) -> int:
    """Append a line to the journal and return how often it stands there now."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    return Path(journal).read_text().splitlines().count(line)


def make(spark: SparkSession, journal: str) -> None:
    """Leave the view ``numbers``."""
    note(journal, "make")
    spark.range(1000).selectExpr("id", "id % 7 AS shop").createOrReplaceTempView("numbers")


def add_up(spark: SparkSession, journal: str) -> None:
    """Leave the view ``totals``, made with a Python function that runs on the executors."""
    note(journal, "add_up")
    spark.udf.register("twice", lambda number: number * 2, "long")
    spark.sql("SELECT shop, sum(twice(id)) AS total FROM numbers GROUP BY shop").createOrReplaceTempView("totals")
    spark.sql("DROP TEMPORARY FUNCTION twice")


def ask(spark: SparkSession, journal: str, failures: int) -> None:
    """Fail the first ``failures`` times."""
    if note(journal, "ask") <= failures:
        raise ConnectionError("the service is not up yet")
    spark.sql("SELECT *, total > 142000 AS large FROM totals").createOrReplaceTempView("answer")


def write(spark: SparkSession, journal: str, target: str) -> None:
    """Write the view ``answer``."""
    note(journal, "write")
    spark.table("answer").write.mode("overwrite").parquet(target)


def prove_there_is_no_airflow(spark: SparkSession, journal: str) -> None:
    """Fail unless this Python has no Airflow and the engine is the one that travelled."""
    import airflow_provider

    assert importlib.util.find_spec("airflow") is None
    assert "airflow_provider.zip" in str(airflow_provider.__file__)
    note(journal, "no airflow")


def slow(spark: SparkSession, journal: str, target: str, seconds: float) -> None:
    """Write the result of tasks that take a while, one of which says when the work has begun."""
    note(journal, "slow")

    def work(numbers: object) -> object:
        time.sleep(seconds)
        yield sum(numbers)  # type: ignore[call-overload]

    sums = spark.sparkContext.parallelize(range(1000), 8).mapPartitions(work).collect()
    spark.createDataFrame([(number,) for number in sums], "part long").createOrReplaceTempView("parts")
    spark.sql("SELECT sum(part) AS total FROM parts").write.mode("overwrite").parquet(target)


def linger(spark: SparkSession, journal: str, seconds: float) -> None:
    """Do nothing in Spark for a while."""
    note(journal, "linger")
    time.sleep(seconds)
