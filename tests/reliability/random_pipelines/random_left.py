"""Components that leave something else than a view, and components that make a view of it.

Those that leave something write a line into a file if they are told to: then they must not run again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql.datasource import DataSource, DataSourceReader

from tests.reliability.random_pipelines import random_jobs as jobs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMA = "id long, v long, tag string"


def show(spark: SparkSession, value: object, view: str) -> None:
    """Bake a value into a view."""
    spark.createDataFrame([(0, 1, f"={value}")], SCHEMA).createOrReplaceTempView(view)


def also_write(path: str) -> None:
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([0, 0, "left"]) + "\n")


# The process


def set_environment(spark: SparkSession, *, name: str, value: str, writes: str = "") -> None:
    os.environ[name] = value
    also_write(writes)


def unset_environment(spark: SparkSession, *, name: str, writes: str = "") -> None:
    os.environ.pop(name, None)
    also_write(writes)


def use_environment(spark: SparkSession, *, name: str, view: str) -> None:
    show(spark, os.environ.get(name), view)


def use_environments(spark: SparkSession, *, prefix: str, view: str) -> None:
    """Its code does not tell which variables it reads."""
    show(spark, sorted(item for item in os.environ.items() if item[0].startswith(prefix)), view)


def add_import_path(spark: SparkSession, *, folder: str, writes: str = "") -> None:
    sys.path.insert(0, folder)
    also_write(writes)


def use_import_path(spark: SparkSession, *, view: str) -> None:
    import random_helper  # type: ignore[import-not-found]

    show(spark, random_helper.answer(), view)


def change_directory(spark: SparkSession, *, folder: str, writes: str = "") -> None:
    os.chdir(folder)
    also_write(writes)


def use_directory(spark: SparkSession, *, view: str) -> None:
    show(spark, Path("here.txt").read_text() if Path("here.txt").exists() else "nothing here", view)


def fill_cache(spark: SparkSession, *, key: str, value: int, writes: str = "") -> None:
    jobs.CACHE[key] = value
    also_write(writes)


def use_cache(spark: SparkSession, *, key: str, view: str) -> None:
    show(spark, jobs.CACHE.get(key), view)


def keep_frame(spark: SparkSession, *, source: str, key: str, writes: str = "") -> None:
    jobs.FRAMES[key] = spark.table(source).selectExpr("id", "v + 5 AS v", "tag")
    also_write(writes)


def use_frame(spark: SparkSession, *, key: str, view: str) -> None:
    jobs.FRAMES[key].createOrReplaceTempView(view)


def set_rate(spark: SparkSession, *, value: int, writes: str = "") -> None:
    jobs.RATE = value
    also_write(writes)


def use_rate(spark: SparkSession, *, view: str) -> None:
    show(spark, jobs.RATE, view)


def count_up(spark: SparkSession, *, writes: str = "") -> None:
    """Running it twice is not the same as once."""
    jobs.COUNTS.append(1)
    also_write(writes)


def use_counts(spark: SparkSession, *, view: str) -> None:
    show(spark, len(jobs.COUNTS), view)


def set_class_attribute(spark: SparkSession, *, value: int, writes: str = "") -> None:
    jobs.Shop.rate = value
    jobs.Shop.seen[str(value)] = 1
    also_write(writes)


def use_class_attribute(spark: SparkSession, *, view: str) -> None:
    show(spark, [jobs.Shop.rate, sorted(jobs.Shop.seen)], view)


def _raised(frame: DataFrame) -> DataFrame:
    return frame.selectExpr("id", "v + 13 AS v", "tag")


def add_method(spark: SparkSession, *, writes: str = "") -> None:
    DataFrame.random_raised = _raised  # type: ignore[attr-defined]
    also_write(writes)


def use_method(spark: SparkSession, *, source: str, view: str) -> None:
    spark.table(source).random_raised().createOrReplaceTempView(view)


def replace_method(spark: SparkSession, *, writes: str = "") -> None:
    DataFrame.isEmpty = lambda frame: "never"  # type: ignore[assignment, method-assign]
    also_write(writes)


def use_replaced_method(spark: SparkSession, *, view: str) -> None:
    show(spark, spark.range(4).isEmpty(), view)


# Spark


def register_source(spark: SparkSession, *, format: str, value: int, writes: str = "") -> None:
    class Given(DataSource):  # type: ignore[misc]
        @classmethod
        def name(cls) -> str:
            return format

        def schema(self) -> str:
            return "id long, v long, tag string"

        def reader(self, schema: Any) -> DataSourceReader:
            return Reads()

    class Reads(DataSourceReader):  # type: ignore[misc]
        def read(self, partition: Any) -> Iterator[tuple[int, int, str]]:
            yield (0, value, "given")

    spark.dataSource.register(Given)
    also_write(writes)


def use_source(spark: SparkSession, *, format: str, view: str) -> None:
    spark.read.format(format).load().createOrReplaceTempView(view)


def set_hadoop_entry(spark: SparkSession, *, key: str, value: str, writes: str = "") -> None:
    spark._jsc.hadoopConfiguration().set(key, value)
    also_write(writes)


def use_hadoop_entry(spark: SparkSession, *, key: str, view: str) -> None:
    show(spark, spark._jsc.hadoopConfiguration().get(key), view)


def set_local_property(spark: SparkSession, *, key: str, value: str | None, writes: str = "") -> None:
    spark.sparkContext.setLocalProperty(key, value)  # type: ignore[arg-type]
    also_write(writes)


def use_local_property(spark: SparkSession, *, key: str, view: str) -> None:
    show(spark, spark.sparkContext.getLocalProperty(key), view)


def set_checkpoint_directory(spark: SparkSession, *, path: str, writes: str = "") -> None:
    spark.sparkContext.setCheckpointDir(path)
    also_write(writes)


def use_checkpoint_directory(spark: SparkSession, *, source: str, view: str) -> None:
    spark.table(source).checkpoint().createOrReplaceTempView(view)


def add_file(spark: SparkSession, *, path: str, writes: str = "") -> None:
    spark.sparkContext.addFile(path)
    also_write(writes)


def use_file(spark: SparkSession, *, name: str, view: str) -> None:
    from pyspark import SparkFiles

    show(spark, Path(SparkFiles.get(name)).read_text(), view)


def add_python_file(spark: SparkSession, *, path: str, writes: str = "") -> None:
    spark.sparkContext.addPyFile(path)
    also_write(writes)


def use_python_file(spark: SparkSession, *, source: str, view: str) -> None:
    from pyspark.sql.functions import udf

    def raised(v: int) -> int:
        import random_packed  # type: ignore[import-not-found]

        del sys.modules["random_packed"]  # Spark uses this process again, which a new attempt cannot do
        return random_packed.raised(v)  # type: ignore[no-any-return]

    frame = spark.table(source)
    rows = frame.select("id", udf(raised, "long")("v").alias("v"), "tag").collect()
    spark.createDataFrame(rows, SCHEMA).createOrReplaceTempView(view)


def set_sql_path(spark: SparkSession, *, database: str, writes: str = "") -> None:
    spark.sql(f"SET PATH = spark_catalog.{database}, current_schema, system.builtin")
    also_write(writes)


def use_sql_path(spark: SparkSession, *, view: str) -> None:
    """Both databases have a table of this name."""
    spark.sql("SELECT id, v, tag FROM both").createOrReplaceTempView(view)


def declare_number(spark: SparkSession, *, variable: str, value: int, writes: str = "") -> None:
    spark.sql(f"DECLARE OR REPLACE VARIABLE {variable} BIGINT DEFAULT {value}")
    also_write(writes)


def use_number(spark: SparkSession, *, variable: str, view: str) -> None:
    show(spark, spark.sql(f"SELECT {variable}").collect()[0][0], view)


def declare_list(spark: SparkSession, *, variable: str, value: int, writes: str = "") -> None:
    spark.sql(f"DECLARE OR REPLACE VARIABLE {variable} ARRAY<BIGINT> DEFAULT array({value}, 2)")
    also_write(writes)


def use_list(spark: SparkSession, *, variable: str, view: str) -> None:
    show(spark, spark.sql(f"SELECT {variable}[0]").collect()[0][0], view)


def set_variable(spark: SparkSession, *, variable: str, value: int, writes: str = "") -> None:
    spark.sql(f"SET VAR {variable} = {value}")
    also_write(writes)


def drop_variable(spark: SparkSession, *, variable: str, writes: str = "") -> None:
    spark.sql(f"DROP TEMPORARY VARIABLE {variable}")
    also_write(writes)
