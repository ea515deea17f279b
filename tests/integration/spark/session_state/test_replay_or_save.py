"""What becomes of what a component left: replayed, saved, or neither, by the evidence and by the policy."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Script
from tests.integration.spark.session_state.scenes import (
    SUCCESS,
    VOUCH,
    after_failure,
    is_replayed,
    reads,
    refused,
    sql,
    sql_view,
    values,
    view,
    vouched,
)
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


def test_auto_replays_a_component_that_only_defines_lazy_views(make: Make, tmp_path: Path, spark: SparkSession) -> None:
    spark.range(3).write.parquet(str(tmp_path / "in"))
    run = make("read", "sql", "c")
    run.does("read", lambda session: session.read.parquet(str(tmp_path / "in")).createOrReplaceTempView("r"))
    run.does("sql", sql_view("s", "SELECT id * 2 FROM r"))
    assert after_failure(run) == ["read", "sql", "c"]
    assert is_replayed(run, "read")
    assert is_replayed(run, "sql")
    assert values(run.session, "s") == [0, 2, 4]


def test_how_long_a_component_took_decides_nothing(make: Make) -> None:
    """A busy machine or a slow service makes no component costly: work does. Costly ones: ``test_pinned_views.py``."""
    run = make("a", "c")
    run.does("a", view("v", 3), seconds=1e6)
    assert after_failure(run) == ["a", "c"]
    assert is_replayed(run, "a")


WRITES: dict[str, Callable[[SparkSession, str, str], object]] = {
    "parquet files": lambda s, table, path: s.range(2).write.parquet(path),
    "csv files": lambda s, table, path: s.range(2).write.csv(path),
    "a text file from an RDD": lambda s, table, path: s.sparkContext.parallelize(["x", "y"], 2).saveAsTextFile(path),
    "a pickle file from an RDD": lambda s, table, path: s.sparkContext.parallelize([1], 1).saveAsPickleFile(path),
    "an empty result of an aggregate": lambda s, table, path: (
        s.range(9).where("id > 9").groupBy("id").count().write.mode("overwrite").csv(path)
    ),
    "a join": lambda s, table, path: s.range(9).join(s.range(5), "id").write.csv(path),
    "a table": lambda s, table, path: s.range(2).write.saveAsTable(table),
    "CREATE TABLE AS": lambda s, table, path: s.sql(f"CREATE TABLE {table} AS SELECT 1 AS x"),
    "CREATE TABLE": lambda s, table, path: s.sql(f"CREATE TABLE {table} (x INT) USING parquet"),
    "INSERT": lambda s, table, path: s.sql(f"INSERT INTO {table}_old VALUES (7)"),
    "insertInto": lambda s, table, path: s.range(2).selectExpr("int(id)").write.insertInto(f"{table}_old"),
    "writeTo": lambda s, table, path: s.range(2).writeTo(table).using("parquet").create(),
    "INSERT OVERWRITE DIRECTORY": lambda s, table, path: s.sql(
        f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT 1"
    ),
    "TRUNCATE": lambda s, table, path: s.sql(f"TRUNCATE TABLE {table}_old"),
    "DROP TABLE": lambda s, table, path: s.sql(f"DROP TABLE {table}_old"),
    "ALTER TABLE": lambda s, table, path: s.sql(f"ALTER TABLE {table}_old SET TBLPROPERTIES ('a' = 'b')"),
}


def test_auto_never_repeats_a_component_that_wrote(make: Make, database: str, tmp_path: Path) -> None:
    """Its views are saved instead, however short it ran."""
    run = make(*WRITES, "c")

    def writes(what: str, index: int) -> Callable[[SparkSession], None]:
        def work(session: SparkSession) -> None:
            WRITES[what](session, f"{database}.t{index}", str(tmp_path / f"out{index}"))
            view(f"v{index}", 3)(session)

        return work

    for index, what in enumerate(WRITES):
        run.session.sql(f"CREATE TABLE {database}.t{index}_old (x INT) USING parquet")
        run.does(what, writes(what, index))
    assert after_failure(run) == ["c"]
    assert {what: run.handling(what) for what in WRITES if not run.handling(what)[1].startswith("wrote ")} == {}
    assert {what: run.record(what).handling for what in WRITES} == dict.fromkeys(WRITES, "kept")
    assert all(values(run.session, f"v{index}") == [0, 1, 2] for index in range(len(WRITES)))


HARMLESS: dict[str, Callable[[SparkSession], object]] = {
    "counting": lambda s: s.range(5).count(),
    "a shuffle": lambda s: s.range(50).groupBy("id").count().collect(),
    "an adaptive plan": lambda s: s.range(50).join(s.range(9), "id").groupBy("id").count().orderBy("id").collect(),
    "caching": lambda s: s.range(5).cache().count(),
    "SHOW, DESCRIBE and EXPLAIN": sql("SHOW TABLES", "DESCRIBE FUNCTION abs", "EXPLAIN SELECT 1", "SHOW DATABASES"),
    "SET": sql("SET my.setting=1", "RESET my.setting"),
    "a view in SQL": sql("CREATE TEMP VIEW by_sql AS SELECT 1 AS x"),
    "a text that reads like a plan": sql("CREATE TEMP VIEW text AS SELECT '\\nSample \\nLogicalRDD' AS x"),
}


def test_auto_knows_that_reading_is_harmless(make: Make) -> None:
    run = make(*HARMLESS)

    def reads(what: str) -> Callable[[SparkSession], None]:
        return lambda session: (HARMLESS[what](session), view("v", 3)(session))[1]

    for what in HARMLESS:
        run.does(what, reads(what))
    run.attempt()
    assert {what: run.handling(what) for what in HARMLESS if not is_replayed(run, what)} == {}


def test_auto_does_not_know_what_a_job_outside_sql_did(make: Make) -> None:
    """Spark does not tell what Python code of the author did there."""
    run = make("a", "c")
    run.does(
        "a",
        lambda session: (
            session.sparkContext.parallelize(range(5)).map(lambda x: x + 1).collect(),
            view("v", 3)(session),
        ),
    )
    assert after_failure(run) == ["c"]
    handling, reason = run.handling("a")
    assert (handling, reason.startswith("ran a job outside SQL (collect at ")) == ("kept", True)


def test_what_an_earlier_component_wrote_does_not_count(make: Make, tmp_path: Path) -> None:
    run = make("a", "b")
    run.does("a", lambda session: session.range(2).write.parquet(str(tmp_path / "out")))
    run.does("b", view("v", 1))
    run.attempt()
    assert run.handling("a") == ("kept", "left no view")
    assert is_replayed(run, "b")


def _python_random(session: SparkSession) -> None:
    from pyspark.sql import functions as F

    unstable = F.udf(lambda: random.random(), "double").asNondeterministic()
    session.range(3).select(unstable().alias("x")).createOrReplaceTempView("v")


def _unseeded(session: SparkSession) -> None:
    from pyspark.sql import functions as F

    session.range(3).select(F.rand().alias("x")).createOrReplaceTempView("v")


def _split(session: SparkSession) -> None:
    train, test = session.range(1000).randomSplit([0.7, 0.3])
    train.createOrReplaceTempView("v")
    test.createOrReplaceTempView("w")


def _checkpointed(session: SparkSession) -> None:
    from pyspark.sql import functions as F

    session.range(3).select(F.rand().alias("x")).localCheckpoint().createOrReplaceTempView("v")


UNSTABLE: dict[str, Callable[[SparkSession], object]] = {
    "rand": _unseeded,
    "rand in SQL": sql_view("v", "SELECT rand() AS x FROM range(3)"),
    "uuid": sql_view("v", "SELECT uuid() AS x FROM range(3)"),
    "shuffle": sql_view("v", "SELECT shuffle(sequence(1, 50)) AS x"),
    "the current time": sql_view("v", "SELECT current_timestamp() AS x"),
    "the current day": sql_view("v", "SELECT date_add(current_date(), 1) AS x"),
    "unix_timestamp": sql_view("v", "SELECT unix_timestamp() AS x"),
    "in a subquery": sql_view("v", "SELECT id + (SELECT rand()) AS x FROM range(3)"),
    "in a temp view below": sql("CREATE TEMP VIEW u AS SELECT rand() AS x", "CREATE TEMP VIEW v AS SELECT x FROM u"),
    "monotonically_increasing_id": sql_view("v", "SELECT monotonically_increasing_id() AS x FROM range(9)"),
    "a Python function declared so": _python_random,
    "a sample": lambda s: s.range(1000).sample(0.5).createOrReplaceTempView("v"),
    "a sample in SQL": lambda s: (
        s.range(1000).createOrReplaceTempView("all"),
        sql_view("v", "SELECT * FROM all TABLESAMPLE (50 PERCENT)")(s),
    ),
    "a sample in a subquery": lambda s: (
        s.range(1000).createOrReplaceTempView("all"),
        sql_view("v", "SELECT (SELECT max(id) FROM all TABLESAMPLE (50 PERCENT)) AS x")(s),
    ),
    "a sample in a temp view below": lambda s: (
        s.range(1000).createOrReplaceTempView("all"),
        sql("CREATE TEMP VIEW u AS SELECT * FROM all TABLESAMPLE (50 PERCENT)", "CREATE TEMP VIEW v AS TABLE u")(s),
    ),
    "a random split": _split,
    "a local checkpoint of rand": _checkpointed,
}


@pytest.mark.parametrize("what", UNSTABLE)
def test_auto_saves_a_view_that_would_come_out_differently(make: Make, what: str) -> None:
    """Invariant 6: what earlier components made of it must still fit to it."""
    run = make("a")
    run.does("a", UNSTABLE[what])
    result = run.attempt()
    assert result.failed_components == []
    handling, reason = run.handling("a")
    assert handling == "kept", reason
    assert "view '" in reason


def test_the_parts_of_a_random_split_still_share_no_row_after_the_resume(make: Make, tmp_path: Path) -> None:
    """Invariant 6: the model was trained on one part before the failure and is tested on the other after it."""
    run = make("split", "train", "test")
    run.does("split", _split)
    run.does("train", lambda session: session.table("v").write.parquet(str(tmp_path / "train")))
    run.fails("test")
    run.attempt()
    found: list[list[Any]] = []
    run.does("test", lambda session: found.append(values(session, "w")))
    assert run.resume().status is SUCCESS
    trained = [row.id for row in run.session.read.parquet(str(tmp_path / "train")).collect()]
    assert sorted(trained + found[0]) == list(range(1000))


def test_a_sink_is_never_replayed_for_its_view(make: Make) -> None:
    run = make(component("a", component_type="sink"), "c")
    run.does("a", view("v", 2))
    assert after_failure(run) == ["c"]
    assert run.handling("a") == ("kept", "is a sink")


@pytest.mark.parametrize(
    ("pipeline_policy", "own_policy", "handling", "saved"),
    [
        ("save", None, "kept", 1),
        ("save", "replay", "replay", 0),
        ("save", "none", "none", 0),
        ("save", "auto", "replay", 0),
        ("replay", "save", "kept", 1),
        ("none", "save", "kept", 1),
        ("none", None, "none", 0),
    ],
)
def test_a_component_overrides_the_policy_of_its_pipeline(
    make: Make, pipeline_policy: str, own_policy: str | None, handling: str, saved: int
) -> None:
    run = make(component("a", session_state=own_policy), session_state=pipeline_policy)
    run.does("a", view("v", 2))
    run.attempt(keep_session_state=True)
    assert (run.record("a").handling, len(run.record("a").views)) == (handling, saved)


@pytest.mark.parametrize(
    ("policy", "why"), [("save", "session_state is 'save'"), ("auto", "is a sink"), ("auto, harmless", None)]
)
def test_with_nowhere_to_save_only_what_is_harmless_is_replayed(
    spark: SparkSession, script: Script, policy: str, why: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11. The log says so when the component has completed, not only when it is too late."""
    kind = "transformation" if why is None else "sink"
    run = SparkRun(spark, None, component("a", component_type=kind), reads("c"), session_state=policy.partition(",")[0])
    run.does("a", view("v", 2))
    if why is None:
        assert after_failure(run) == ["a", "c"]
        assert is_replayed(run, "a")
        return
    told = refused(run)
    reason = f"there is no session_state_url to save to, and it must not run again: {why}"
    assert run.handling("a") == ("unrepeatable", reason)
    assert f"component 'a': {reason}; set session_state_url; or, {VOUCH}" in told
    assert (
        f"a: its session state cannot be brought back later ({reason}); an attempt that needs it will fail. Set session"
        in (caplog.text)
    )
    assert vouched(run, "a") == ["a", "c"]


def test_what_was_made_of_a_random_view_fits_to_it_after_the_resume(make: Make, database: str) -> None:
    """Invariant 6: the first table is written before the failure, the second one after it, both from one view."""
    run = make("source", "first", "second", session_state="auto")
    run.does("source", sql_view("v", "SELECT id, rand() AS x, uuid() AS u FROM range(20)"))
    run.does("first", lambda session: session.table("v").write.saveAsTable(f"{database}.first"))
    run.fails("second")
    run.attempt()
    run.does("second", lambda session: session.table("v").write.saveAsTable(f"{database}.second"))
    assert run.resume().status is SUCCESS
    first, second = (sorted(run.session.table(f"{database}.{name}").collect()) for name in ("first", "second"))
    assert first == second
