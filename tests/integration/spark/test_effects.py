"""What Spark tells of what a component let it do, and which of pyspark's own acts do not count as the component's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pandas as pd
import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import LongType

from airflow_provider.runner.session_state.changes.diff import take_snapshot
from airflow_provider.runner.session_state.effects.audit_watch import DriverObservations, spark_footprint, watch_driver
from airflow_provider.runner.session_state.effects.executors import reasons_for_doubt
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.effects.spark_plan import UNKNOWN_TARGET
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from tests.samples.harness.releases import SPARK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Work = Callable[["SparkSession", Path], object]


def evidence(session: SparkSession, work: Work, folder: Path) -> tuple[SparkEffects, DriverObservations]:
    probe = ClassicProbe(session)
    watch = watch_driver(spark_footprint(session))
    mark = take_snapshot(probe).mark
    with watch:
        work(session, folder)
    return probe.effects_since(mark), watch.seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a CSV and a JSON file and a module."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "a.json").write_text('{"a": 1}\n{"a": 2}\n')
    (tmp_path / "shipped.py").write_text("x = 1\n")
    return tmp_path


@pytest.fixture
def database(session: SparkSession) -> Iterator[str]:
    """A current database with a table ``t`` and a view ``v``."""
    name = f"db_{uuid4().hex[:8]}"
    session.sql(f"CREATE DATABASE {name}")
    session.sql(f"USE {name}")
    session.sql("CREATE TABLE t (id BIGINT) USING parquet")
    session.range(2).createOrReplaceTempView("v")
    yield name
    session.sql("USE default")
    session.sql(f"DROP DATABASE {name} CASCADE")


plus_one = F.udf(lambda x: x + 1, LongType())


def broadcast(session: SparkSession, _: Path) -> None:
    shared = session.sparkContext.broadcast({number: str(number) for number in range(20_000)})
    assert shared.value[7] == "7"
    shared.unpersist()
    shared.destroy()


def with_arrow(session: SparkSession, _: Path) -> None:
    session.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    session.createDataFrame(pd.DataFrame({"a": range(5)})).toPandas()


def pandas_on_spark(session: SparkSession, _: Path) -> None:
    import pyspark.pandas as ps

    assert ps.range(5).to_pandas()["id"].sum() == 10
    assert repr(ps.DataFrame({"a": [1, 2]}))


def machine_learning(session: SparkSession, _: Path) -> None:
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    frame = VectorAssembler(inputCols=["id"], outputCol="features").transform(session.range(9))
    LinearRegression(labelCol="id", maxIter=1).fit(frame)


HARMLESS: dict[str, tuple[Work, bool]] = {
    # what it does: how, and whether Python ran on executors
    "nothing": (lambda s, d: None, False),
    # The catalog of these tests is in memory, so it goes with the process, like the session.
    "a view of the catalog": (
        lambda s, d: s.sql("CREATE OR REPLACE VIEW pv AS SELECT ', LocalTempView, ' AS x"),
        False,
    ),
    "a long view of the catalog": (
        lambda s, d: s.sql(f"CREATE OR REPLACE VIEW pv AS SELECT '{'x' * 9000}' AS x"),
        False,
    ),
    "a lazy view": (lambda s, d: s.range(3).createOrReplaceTempView("v"), False),
    "a lazy view of a UDF": (lambda s, d: s.range(3).select(plus_one("id").alias("x")).createTempView("u"), False),
    "a view by SQL": (lambda s, d: s.sql("CREATE TEMP VIEW w AS SELECT 1 AS x"), False),
    "a long view by SQL": (lambda s, d: s.sql(f"CREATE TEMP VIEW w AS SELECT '{'x' * 9000}' AS x"), False),
    "collect": (lambda s, d: s.range(3).collect(), False),
    "toPandas": (lambda s, d: s.range(3).toPandas(), False),
    "Arrow": (with_arrow, False),
    "count": (lambda s, d: s.range(3).count(), False),
    "show": (lambda s, d: s.range(3).show(), False),
    "describe": (lambda s, d: s.range(3).describe().collect(), False),
    "cache": (lambda s, d: s.range(3).cache().count(), False),
    "CACHE TABLE": (lambda s, d: (s.range(3).createTempView("c"), s.sql("CACHE TABLE c")), False),
    "localCheckpoint": (lambda s, d: s.range(3).localCheckpoint(), False),
    "broadcast": (broadcast, False),
    "createDataFrame": (lambda s, d: s.createDataFrame([(1, "x")], "a int, b string"), False),
    "createDataFrame that is used": (lambda s, d: s.createDataFrame([(1, "x")], "a int, b string").count(), True),
    "createDataFrame of much": (lambda s, d: s.createDataFrame([(n, "x" * 99) for n in range(9000)]).count(), True),
    "createDataFrame of pandas": (lambda s, d: s.createDataFrame(pd.DataFrame({"a": [1]})).collect(), False),
    "toLocalIterator": (lambda s, d: list(s.range(3).toLocalIterator()), False),
    "take": (lambda s, d: (s.range(3).take(1), s.range(3).first(), s.range(3).isEmpty()), False),
    "CSV with its schema inferred": (lambda s, d: s.read.csv(str(d / "a.csv"), header=True, inferSchema=True), False),
    "JSON": (lambda s, d: s.read.json(str(d / "a.json")).createTempView("j"), False),
    "JSON by format": (lambda s, d: s.read.format("json").load(str(d / "a.json")), False),
    "JSON by SQL": (lambda s, d: s.sql(f"SELECT * FROM json.`{d}/a.json`"), False),
    "quantiles": (lambda s, d: s.range(9).approxQuantile("id", [0.5], 0.1), False),
    "pivot": (lambda s, d: s.range(9).groupBy("id").pivot("id").count(), False),
    "pandas on Spark": (pandas_on_spark, False),
    "machine learning": (machine_learning, False),
    "addPyFile": (lambda s, d: s.sparkContext.addPyFile(str(d / "shipped.py")), False),
    "registering a UDF": (lambda s, d: s.udf.register("f", lambda x: x), False),
    "a UDF in an action": (lambda s, d: s.range(3).select(plus_one("id")).collect(), True),
    "mapInPandas in an action": (lambda s, d: s.range(3).mapInPandas(lambda rows: rows, "id long").count(), True),
    "applyInPandas": (lambda s, d: s.range(3).groupBy("id").applyInPandas(lambda p: p, "id long").collect(), True),
    "a UDF that is cached": (lambda s, d: s.range(3).select(plus_one("id")).cache().count(), True),
    "a temp function by SQL": (lambda s, d: s.sql("CREATE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x"), False),
    "a temp function that is dropped": (
        lambda s, d: (
            s.sql("CREATE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x"),
            s.sql("DROP TEMPORARY FUNCTION g"),
        ),
        False,
    ),
    "a write to nowhere": (lambda s, d: s.range(3).write.format("noop").mode("overwrite").save(), False),
    "a variable": (lambda s, d: s.sql("DECLARE OR REPLACE VARIABLE x INT DEFAULT 1"), False),
    "statistics": (lambda s, d: s.sql("SHOW TABLES").collect(), False),
}


MORE_CAREFUL = {"createDataFrame of pandas", "pandas on Spark", "a write to nowhere"}
BEFORE = pytest.mark.skipif(SPARK < (4, 2), reason="before Spark 4.2 it counts, so what is left is saved, not replayed")


@pytest.mark.parametrize(
    ("work", "python"),
    [pytest.param(*case, id=name, marks=[BEFORE] if name in MORE_CAREFUL else []) for name, case in HARMLESS.items()],
)
def test_what_spark_does_for_itself_does_not_count(
    session: SparkSession, folder: Path, work: Work, python: bool
) -> None:
    """Neither its jobs and commands nor the files and sockets of its Python."""
    effects, seen = evidence(session, work, folder)
    assert reasons_for_doubt(effects) == ()
    assert (effects.targets, effects.ran_python, effects.complete) == ((), python, True)
    assert seen == replace(seen, acts=(), read_files=(), truncated=False)


def accumulate(session: SparkSession, _: Path) -> None:
    total = session.sparkContext.accumulator(0)
    session.range(3).foreach(lambda row: total.add(1))
    assert total.value == 3


OUTSIDE: dict[str, Work] = {
    "foreach": lambda s, d: s.range(3).foreach(lambda row: None),
    "foreachPartition": lambda s, d: s.range(3).foreachPartition(lambda rows: None),
    "rdd.foreach": lambda s, d: s.range(3).rdd.foreach(lambda row: None),
    "rdd.collect": lambda s, d: s.range(3).rdd.map(lambda row: row).collect(),
    "saveAsTextFile": lambda s, d: s.sparkContext.parallelize(["x"], 1).saveAsTextFile(str(d / "out")),
    "saveAsTextFile of nothing": lambda s, d: s.sparkContext.parallelize([], 1).saveAsTextFile(str(d / "out")),
    "an accumulator in foreach": accumulate,
    "a schema inferred from an RDD": lambda s, d: s.read.json(s.sparkContext.parallelize(["{}"]).map(lambda x: x)),
}


@pytest.mark.parametrize("work", OUTSIDE.values(), ids=OUTSIDE)
def test_a_job_outside_sql_that_runs_python_or_saves_counts(session: SparkSession, folder: Path, work: Work) -> None:
    """Invariant 11: such a job reports no output, whatever its code does."""
    effects, seen = evidence(session, work, folder)
    assert any(line.startswith("ran a job outside SQL (") for line in reasons_for_doubt(effects))
    assert effects.ran_python
    assert seen.acts == ()


WRITES: dict[str, tuple[Work, list[str]]] = {
    # what it does: how, and where that writes; {d} is the directory, {b} the database
    "Parquet": (lambda s, d: s.range(3).write.parquet(f"{d}/out"), ["file:{d}/out"]),
    "an odd path": (lambda s, d: s.range(3).write.csv(f"{d}/a b, c=d"), ["file:{d}/a b, c=d"]),
    "partitions": (
        lambda s, d: s.range(3).selectExpr("id", "id AS k").write.partitionBy("k").json(f"{d}/out"),
        ["file:{d}/out"],
    ),
    "insertInto": (lambda s, d: s.range(3).write.insertInto("t"), ["`spark_catalog`.`{b}`.`t`"]),
    "INSERT": (lambda s, d: s.sql("INSERT INTO t SELECT * FROM v"), ["`spark_catalog`.`{b}`.`t`"]),
    "INSERT by EXECUTE IMMEDIATE": (
        lambda s, d: s.sql("EXECUTE IMMEDIATE 'INSERT INTO t SELECT 1'"),
        ["`spark_catalog`.`{b}`.`t`"],
    ),
    "a script": (lambda s, d: s.sql("BEGIN INSERT INTO t SELECT 1; END"), ["`spark_catalog`.`{b}`.`t`"]),
    "saveAsTable": (lambda s, d: s.range(3).write.saveAsTable("u"), ["`spark_catalog`.`{b}`.`u`"]),
    "CREATE TABLE AS": (
        lambda s, d: s.sql("CREATE TABLE u USING parquet AS SELECT * FROM v"),
        ["`spark_catalog`.`{b}`.`u`"],
    ),
    "writeTo": (lambda s, d: s.range(3).writeTo("u").using("parquet").create(), ["`spark_catalog`.`{b}`.`u`"]),
    "INSERT DIRECTORY": (
        lambda s, d: s.sql(f"INSERT OVERWRITE DIRECTORY '{d}/out' USING parquet SELECT * FROM v"),
        ["file:{d}/out"],
    ),
    "a table of the catalog": (
        lambda s, d: s.catalog.createTable("u", source="parquet", schema=s.range(1).schema),
        ["`spark_catalog`.`{b}`.`u`"],
    ),
    "DROP TABLE": (lambda s, d: s.sql("DROP TABLE t"), ["`spark_catalog`.`{b}`.`t`"]),
    "TRUNCATE": (lambda s, d: s.sql("TRUNCATE TABLE t"), ["`spark_catalog`.`{b}`.`t`"]),
    "a function of the catalog": (
        lambda s, d: s.sql("CREATE FUNCTION f(x INT) RETURNS INT RETURN x"),
        [UNKNOWN_TARGET],
    ),
    "a stream": (
        lambda s, d: (
            s.readStream.format("rate")
            .load()
            .writeStream.format("memory")
            .queryName(f"q{next(COUNT)}")
            .trigger(availableNow=True)
            .start()
            .awaitTermination()
        ),
        [UNKNOWN_TARGET],
    ),
}
COUNT = itertools.count()


@pytest.mark.parametrize(("work", "targets"), WRITES.values(), ids=WRITES)
def test_a_write_counts_and_where_it_went_is_known(
    session: SparkSession, database: str, folder: Path, work: Work, targets: list[str]
) -> None:
    """What others have read there is no longer what they would read now."""
    effects, seen = evidence(session, work, folder)
    assert str(effects.wrote).startswith("wrote data (")
    assert set(effects.targets) >= {target.format(d=folder, b=database) for target in targets}
    assert seen.acts == ()


def test_a_write_whose_target_a_plan_does_not_tell_went_somewhere(session: SparkSession, folder: Path) -> None:
    """Such as a table of another database. That this one fails does not matter: it may have written before."""

    def work(session: SparkSession, _: Path) -> None:
        writer = session.range(3).write.format("jdbc")
        with pytest.raises(Exception, match=r"missing\.Driver"):
            writer.options(url="jdbc:x://h/d", dbtable="y", driver="missing.Driver").save()

    effects, _ = evidence(session, work, folder)
    assert effects.targets == (UNKNOWN_TARGET,)
    assert reasons_for_doubt(effects) == ("wrote data (SaveIntoDataSourceCommand)",)


def test_code_in_java_that_is_not_known_counts_when_it_is_called(session: SparkSession, folder: Path) -> None:
    """To register a function does nothing, and is noted for those who may call it."""
    called, _ = evidence(
        session, lambda s, d: s.sql("SELECT reflect('java.lang.System', 'getProperty', 'x')").collect(), folder
    )
    assert reasons_for_doubt(called) == ("called a Java method by name",)
    function = "CREATE OR REPLACE TEMPORARY FUNCTION j AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper'"
    registered, _ = evidence(session, lambda s, d: s.sql(function), folder)
    assert (reasons_for_doubt(registered), registered.brought_java) == ((), "registered a function in Java")


def test_a_statement_that_could_not_be_planned_did_nothing(session: SparkSession, folder: Path) -> None:
    """As when an author looks whether a table is there."""

    def work(session: SparkSession, _: Path) -> None:
        with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
            session.sql("REFRESH TABLE nowhere_to_be_found")

    effects, _ = evidence(session, work, folder)
    assert (reasons_for_doubt(effects), effects.complete) == ((), True)


def test_a_stream_that_goes_on_counts(session: SparkSession, folder: Path) -> None:
    """It acts when nobody looks any more."""
    source = session.readStream.format("rate").load()
    running = []

    def work(*_: object) -> None:
        running.append(source.writeStream.format("noop").start())

    effects, _ = evidence(session, work, folder)
    running[0].stop()
    assert "has a streaming query running" in reasons_for_doubt(effects)


def test_the_cost_is_the_work_of_the_executors(session: SparkSession, folder: Path) -> None:
    """Also of a job outside SQL. A component that runs no job costs the executors nothing."""
    worked, _ = evidence(session, lambda s, d: s.range(2_000_000).selectExpr("sum(hash(id))").collect(), folder)
    assert 0 < worked.cpu_seconds <= worked.task_seconds + 1
    outside, _ = evidence(session, lambda s, d: s.range(9).rdd.count(), folder)
    assert outside.task_seconds > 0
    idle, _ = evidence(session, lambda s, d: s.range(9).createOrReplaceTempView("v"), folder)
    assert (idle.cpu_seconds, idle.task_seconds) == (0.0, 0.0)


@pytest.mark.parametrize("mode", ["simple", "extended", "cost", "formatted"])
def test_a_write_is_seen_however_plans_are_described(session: SparkSession, folder: Path, mode: str) -> None:
    session.conf.set("spark.sql.ui.explainMode", mode)
    effects, _ = evidence(session, lambda s, d: s.range(3).write.parquet(f"{d}/out"), folder)
    assert effects.wrote == "wrote data (InsertIntoHadoopFsRelationCommand)"
    assert effects.targets == (f"file:{folder}/out",)
    session.sql("CREATE TEMP VIEW w AS SELECT 1 AS x")
    temporary, _ = evidence(session, lambda s, d: s.sql("CREATE OR REPLACE TEMP VIEW w AS SELECT 2 AS x"), folder)
    assert temporary.wrote is None


def test_sql_that_is_not_described_may_have_written(session: SparkSession, folder: Path) -> None:
    """Invariant 11: no evidence that it was harmless."""
    session.conf.set("spark.sql.ui.explainMode", "codegen")
    effects, _ = evidence(session, lambda s, d: s.range(3).count(), folder)
    assert (effects.certain, effects.complete) == (False, False)
    assert "so it may have written" in str(effects.wrote)


PYTHON_ACTS: dict[str, tuple[Work, str]] = {
    "pandas to CSV": (lambda s, d: s.range(3).toPandas().to_csv(d / "x.csv"), "opened for writing"),
    "pandas to Parquet": (lambda s, d: s.range(3).toPandas().to_parquet(d / "x.parquet"), "opened for writing"),
    "a file between actions": (lambda s, d: (s.range(3).count(), (d / "x").write_text("x")), "opened for writing"),
    "a function that Spark calls": (
        lambda s, d: s.range(3).transform(lambda frame: ((d / "x").write_text("x"), frame)[1]),
        "opened for writing",
    ),
}


@pytest.mark.parametrize(("work", "what"), PYTHON_ACTS.values(), ids=PYTHON_ACTS)
def test_what_the_author_does_around_and_below_spark_counts(
    session: SparkSession, folder: Path, work: Work, what: str
) -> None:
    _, seen = evidence(session, work, folder)
    assert what in [act.what for act in seen.acts]
    assert all(act.where.startswith("test_effects.py:") for act in seen.acts)


@pytest.mark.torture
def test_a_look_is_possible_while_spark_forgets_its_oldest_executions(spark: SparkSession) -> None:
    """Spark removes them in another thread, so the newest may be elsewhere than its number says a moment ago."""
    jvm = SessionJvm(spark)
    marks = []
    for number in range(3_000):  # it keeps 1,000
        spark.sql(f"SET some.key={number}")
        marks.append(jvm.contents({}).mark[0])
    assert marks == sorted(set(marks))
