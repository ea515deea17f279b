"""Components that leave a trace: each execution appends a line to a file, the journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def step(spark: SparkSession, line: str, journal: str, failures: int = 0) -> None:
    """Append the line to the journal, use Spark, and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    assert spark.sql("SELECT 41 + 1").first()[0] == 42
    if Path(journal).read_text().splitlines().count(line) <= failures:
        ask_the_service()


def register(spark: SparkSession, line: str, journal: str) -> None:
    """Append the line to the journal and hide a function of Spark's: it must not run twice, and nobody would notice."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    spark.udf.register("upper", lambda text: text.upper())


def ask_the_service() -> None:
    raise ConnectionError("the service is not up yet")


def note_setting(spark: SparkSession, key: str, journal: str) -> None:
    """Append the value of a Spark setting to the journal."""
    with Path(journal).open("a") as file:
        file.write(f"{spark.conf.get(key)}\n")
