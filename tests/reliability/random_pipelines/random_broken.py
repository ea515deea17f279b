"""Components that break views, as staging tables and daily cleaning do, and one that asks whether a view is broken."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMA = "id long, v long, tag string"


def stage(spark: SparkSession, *, table: str, source: str, view: str, how: str, kept: str) -> None:
    """Make a view over a table that is dropped at once, and one that can be read."""
    spark.table(source).write.saveAsTable(table)
    if how == "frame":
        spark.table(table).createOrReplaceTempView(view)
    elif how == "query":
        spark.sql(f"SELECT id, v + 1 AS v, tag FROM {table}").createOrReplaceTempView(view)
    else:
        spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {table}")
    spark.sql(f"DROP TABLE {table}")
    spark.table(source).selectExpr("id", "v + 17 AS v", "tag").createOrReplaceTempView(kept)


def widen(spark: SparkSession, *, table: str, source: str, view: str) -> None:
    """Make a table with one more column, and a view that reads it."""
    spark.sql(f"CREATE OR REPLACE TEMP VIEW widened AS SELECT id, v, v + 19 AS more, tag FROM {source}")
    spark.sql(f"DROP TABLE IF EXISTS {table}")
    spark.table("widened").write.saveAsTable(table)
    spark.catalog.dropTempView("widened")
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT id, more AS v, tag FROM {table}")


def narrow_table(spark: SparkSession, *, table: str) -> None:
    spark.sql(f"DROP TABLE {table}")
    spark.sql(f"CREATE TABLE {table} USING parquet AS SELECT 1L AS id, 2L AS v, 'narrow' AS tag")


def narrow_view(spark: SparkSession, *, view: str) -> None:
    """Replace a view by one with fewer columns."""
    spark.range(3).createOrReplaceTempView(view)


def remove_files(spark: SparkSession, *, path: str) -> None:
    shutil.rmtree(path)


def drop_function(spark: SparkSession, *, function: str) -> None:
    spark.sql(f"DROP TEMPORARY FUNCTION {function}")


def ask(spark: SparkSession, *, asked: str, view: str) -> None:
    """Bake into a view whether another one can be read."""
    try:
        answer = f"{spark.table(asked).count()} rows"
    except Exception:  # Spark has an error of its own for each way in which a view is broken, or not there
        answer = "broken"
    spark.createDataFrame([(0, 1, f"={answer}")], SCHEMA).createOrReplaceTempView(view)
