"""Components that leave something behind, and functions that read it in a later component."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader


def insert(spark: Any, table: str) -> None:
    """Write a row, so that the component must not run again."""
    if table:
        spark.sql(f"INSERT INTO {table} VALUES (1)")


def statements(spark: Any, sql: Sequence[str], table: str = "") -> None:
    for statement in sql:
        spark.sql(statement)
    insert(spark, table)


def view_of_frame(spark: Any, table: str = "") -> None:
    spark.range(3).createOrReplaceTempView("v")
    insert(spark, table)


def view_of_same_names(spark: Any, table: str = "") -> None:
    spark.range(2).select("id", "id").createOrReplaceTempView("v")
    insert(spark, table)


def twice(x: Any) -> Any:
    return x * 2


class Counted:
    """A table function."""

    def eval(self, n: int) -> Iterator[tuple[int]]:
        for x in range(n):
            yield (x,)


def python_function(spark: Any, table: str = "") -> None:
    spark.udf.register("f", twice, "int")
    insert(spark, table)


def python_table_function(spark: Any, table: str = "") -> None:
    from pyspark.sql.functions import udtf

    spark.udtf.register("f", udtf(Counted, returnType="x: int"))
    insert(spark, table)


class Throw(DataSourceReader):  # type: ignore[misc]
    def __init__(self, pips: int) -> None:
        self.pips = pips

    def read(self, partition: Any) -> Iterator[tuple[int]]:
        yield (self.pips,)


class Dice(DataSource):  # type: ignore[misc]
    pips = 4

    @classmethod
    def name(cls) -> str:
        return "dice"

    def schema(self) -> str:
        return "x INT"

    def reader(self, schema: Any) -> DataSourceReader:
        return Throw(self.pips)


class LoadedDice(Dice):
    pips = 6


def dice(spark: Any, table: str = "") -> None:
    spark.dataSource.register(Dice)


def data_source(spark: Any, table: str = "") -> None:
    spark.dataSource.register(Dice)
    insert(spark, table)


def other_data_source(spark: Any, table: str = "") -> None:
    spark.dataSource.register(LoadedDice)
    insert(spark, table)


def hadoop_entry(spark: Any, key: str, value: str, table: str = "") -> None:
    spark._jsc.hadoopConfiguration().set(key, value)
    insert(spark, table)


def no_hadoop_entry(spark: Any, key: str, table: str = "") -> None:
    spark.sparkContext._jsc.hadoopConfiguration().unset(key)
    insert(spark, table)


def local_property(spark: Any, key: str, value: str, table: str = "") -> None:
    spark.sparkContext.setLocalProperty(key, value)
    insert(spark, table)


def job_description(spark: Any, table: str = "") -> None:
    spark.sparkContext.setJobDescription("load")
    insert(spark, table)


def job_group(spark: Any, table: str = "") -> None:
    spark.sparkContext.setJobGroup("load", "daily load")
    insert(spark, table)


def job_tag(spark: Any, table: str = "") -> None:
    spark.sparkContext.addJobTag("load")
    insert(spark, table)


def log_level(spark: Any, table: str = "") -> None:
    spark.sparkContext.setLogLevel("ERROR")
    insert(spark, table)


def checkpoint_directory(spark: Any, path: str, table: str = "") -> None:
    spark.sparkContext.setCheckpointDir(path)
    insert(spark, table)


def added_file(spark: Any, path: str, table: str = "") -> None:
    spark.sparkContext.addFile(path)
    insert(spark, table)


def added_archive(spark: Any, path: str, table: str = "") -> None:
    spark.sparkContext.addArchive(path)
    insert(spark, table)


def added_python_file(spark: Any, path: str, table: str = "") -> None:
    spark.sparkContext.addPyFile(path)
    insert(spark, table)


def file_artifact(spark: Any, path: str, table: str = "") -> None:
    spark.addArtifact(path, file=True)
    insert(spark, table)


def python_artifact(spark: Any, path: str, table: str = "") -> None:
    spark.addArtifact(path, pyfile=True)
    insert(spark, table)


def archive_artifact(spark: Any, path: str, table: str = "") -> None:
    spark.addArtifact(path, archive=True)
    insert(spark, table)


# What reads in a later component.


def read_dice(spark: Any) -> Any:
    return spark.read.format("dice").load().collect()


def view_is_cached(spark: Any) -> Any:
    return spark.catalog.isCached("v"), spark.table("v").collect()


def variables_are_gone(spark: Any) -> Any:
    return spark._jsparkSession.sessionState().catalogManager().tempVariableManager().isEmpty()


def read_password(spark: Any) -> Any:
    found = spark.conf.get("my.password", None)
    if found is None:
        raise LookupError("setting 'my.password' is not set")
    return found


def read_catalog(spark: Any) -> Any:
    found = spark.conf.get("spark.sql.catalog.lake", None)
    if found is None:
        raise LookupError("there is no catalog `lake`")
    return found


def hadoop(spark: Any, key: str) -> Any:
    return spark._jsc.hadoopConfiguration().get(key)


def hadoop_loud(spark: Any, key: str) -> Any:
    found = hadoop(spark, key)
    if found is None:
        raise LookupError(f"Hadoop's {key!r} is not set")
    return found


def property(spark: Any, key: str) -> Any:
    return spark.sparkContext.getLocalProperty(key)


def property_in_task(spark: Any) -> Any:
    def ask(_: Any) -> Any:
        from pyspark import TaskContext

        context = TaskContext.get()
        return context.getLocalProperty("my.country") if context is not None else "no task"

    return spark.sparkContext.parallelize([1], 1).map(ask).collect()


def checkpointed(spark: Any) -> Any:
    return spark.range(3).checkpoint().collect()


def read_added(spark: Any, path: str) -> Any:
    from pyspark import SparkFiles

    found = Path(SparkFiles.get(Path(path).name))
    return (found / "inside.txt").read_text() if found.is_dir() else found.read_text()


def _on_executor(spark: Any, work: Any) -> Any:
    from pyspark.sql.functions import udf

    return spark.range(1).select(udf(work, "string")("id")).collect()


def read_added_on_executor(spark: Any) -> Any:
    def read(_: Any) -> str:
        from pyspark import SparkFiles

        with open(SparkFiles.get("rates.txt")) as file:
            return file.read()

    return _on_executor(spark, read)


def read_archive_on_executor(spark: Any) -> Any:
    def read(_: Any) -> str:
        from pyspark import SparkFiles

        with open(f"{SparkFiles.get('more.zip')}/inside.txt") as file:
            return file.read()

    return _on_executor(spark, read)


def call_module(spark: Any) -> Any:
    def call(_: Any) -> str:
        import left_module

        return str(left_module.answer())

    return _on_executor(spark, call)


def call_package(spark: Any) -> Any:
    def call(_: Any) -> str:
        import left_package

        return str(left_package.answer())

    return _on_executor(spark, call)


def list_jars(spark: Any) -> Any:
    found = [jar for jar in map(str, _scala(spark.sparkContext._jsc.sc().listJars())) if jar.endswith("more.jar")]
    if not found:
        raise LookupError("more.jar was not added")
    return [jar.rpartition("/")[2] for jar in found]


def _scala(seq: Any) -> Iterator[Any]:
    return (seq.apply(position) for position in range(seq.size()))
