"""What a component left in its copy of the session is in the next one as if the component had run there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf, udtf

from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.changes.diff import take_snapshot
from airflow_provider.runner.session_state.component_left import (
    ComponentLeft,
    carry_into_thread,
    carry_over,
    component_left,
)
from airflow_provider.runner.session_state.left_conflicts import find_conflicts
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.session_template import SessionTemplate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Carried:
    """A component in a copy of a session, and another copy into which what it leaves is carried."""

    def __init__(self, session: SparkSession) -> None:
        self.copies = SessionTemplate(session)
        self.target = self.copies.take()

    def left(self, work: Callable[[SparkSession], object], copy: SparkSession | None = None) -> ComponentLeft:
        self.copy = copy or self.copies.take()
        probe = ClassicProbe(self.copy)
        before = take_snapshot(probe)
        work(self.copy)
        return component_left("a", before, take_snapshot(probe))

    def __call__(self, *statements: str, work: Callable[[SparkSession], object] | None = None) -> SparkSession:
        def all_of_it(copy: SparkSession) -> None:
            for statement in statements:
                copy.sql(statement)
            if work is not None:
                work(copy)

        assert carry_over(self.left(all_of_it), self.copy, self.target) == {}
        return self.target


@pytest.fixture
def carried(session: SparkSession) -> Carried:
    return Carried(session)


def value(session: SparkSession, statement: str) -> Any:
    return session.sql(statement).first()[0]


def test_a_view_is_carried_as_it_is_and_nothing_is_computed(carried: Carried) -> None:
    ran = carried.target.sparkContext._jsc.sc().statusTracker
    jobs = len(ran().getJobIdsForGroup(None))

    def work(copy: SparkSession) -> None:
        copy.range(1_000_000).select(F.expr("raise_error('computed')")).createOrReplaceTempView("v")

    target = carried(work=work)
    assert len(ran().getJobIdsForGroup(None)) == jobs
    plans = [one._jsparkSession.sessionState().catalog().getRawTempView("v").get() for one in (carried.copy, target)]
    assert plans[0].equals(plans[1])


@pytest.mark.parametrize("name", ["v", "späte bestellungen", "a`b", "a.b", 'quote"d', "new\nline"])
def test_a_view_of_any_name_is_carried_and_dropped(name: str, carried: Carried) -> None:
    quoted = ViewName(name).quoted("")
    target = carried(work=lambda copy: copy.range(3).createOrReplaceTempView(quoted))
    assert target.table(quoted).count() == 3
    again = carried.copies.take()
    again.range(3).createOrReplaceTempView(quoted)
    carry_over(carried.left(lambda copy: copy.catalog.dropTempView(name), again), again, target)
    assert not target.catalog.tableExists(quoted)


def test_a_view_of_sql_text_reads_what_its_names_mean_in_the_other_session(carried: Carried) -> None:
    """As when both components had run in one session, one after the other."""
    target = carried("CREATE TEMP VIEW below AS SELECT 1 AS x", "CREATE TEMP VIEW v AS SELECT x FROM below")
    assert value(target, "SELECT * FROM v") == 1
    carried("CREATE TEMP VIEW below AS SELECT 2 AS x")
    assert value(target, "SELECT * FROM v") == 2


def test_a_cached_view_is_still_cached_and_not_computed_again(carried: Carried, session: SparkSession) -> None:
    counted = session.sparkContext.accumulator(0)

    def work(copy: SparkSession) -> None:
        def count(x: int) -> int:
            counted.add(1)
            return x

        frame = copy.range(10).select(F.udf(count, "long")("id").alias("x")).cache()
        frame.createOrReplaceTempView("v")
        frame.count()

    target = carried(work=work)
    assert counted.value == 10
    assert target.catalog.isCached("v")
    assert value(target, "SELECT sum(x) FROM v") == 45
    assert counted.value == 10


@udtf(returnType="x INT")  # type: ignore[call-overload]
class Twice:
    def eval(self) -> Any:
        yield (1,)
        yield (2,)


FUNCTIONS = {
    "SELECT twice(21)": lambda s: s.sql("CREATE TEMPORARY FUNCTION twice(x INT) RETURNS INT RETURN 2 * x"),
    "SELECT four(10) + 2": lambda s: [
        s.sql("CREATE TEMPORARY FUNCTION two(x INT) RETURNS INT RETURN 2 * x"),
        s.sql("CREATE TEMPORARY FUNCTION four(x INT) RETURNS INT RETURN two(two(x))"),
    ],
    "SELECT of_view()": lambda s: [
        s.sql("CREATE TEMP VIEW v AS SELECT 42 AS x"),
        s.sql("CREATE TEMPORARY FUNCTION of_view() RETURNS INT RETURN (SELECT max(x) FROM v)"),
    ],
    "SELECT sum(x) * 14 FROM rows_of(2)": lambda s: s.sql(
        "CREATE TEMPORARY FUNCTION rows_of(n INT) RETURNS TABLE(x INT) RETURN SELECT explode(sequence(1, n))"
    ),
    "SELECT python(21)": lambda s: s.udf.register("python", lambda x: 2 * x, "int"),
    "SELECT pandas(21)": lambda s: s.udf.register("pandas", pandas_udf(lambda x: 2 * x, "int")),
    "SELECT sum(x) * 14 FROM table_of()": lambda s: s.udtf.register("table_of", Twice),
}


@pytest.mark.parametrize("statement", FUNCTIONS)
def test_a_function_is_carried(statement: str, carried: Carried) -> None:
    target = carried(work=FUNCTIONS[statement])
    assert value(target, statement) == 42


def test_a_dropped_function_is_dropped(session: SparkSession) -> None:
    session.sql("CREATE TEMPORARY FUNCTION twice(x INT) RETURNS INT RETURN 2 * x")
    session.sql("CREATE TEMPORARY FUNCTION rows_of(n INT) RETURNS TABLE(x INT) RETURN SELECT n")
    target = Carried(session)("DROP TEMPORARY FUNCTION twice", "DROP TEMPORARY FUNCTION rows_of")
    names = {row[0].rpartition(".")[2] for row in target.sql("SHOW USER FUNCTIONS").collect()}
    assert not names & {"twice", "rows_of"}


def test_a_variable_of_any_type_is_carried(session: SparkSession) -> None:
    session.sql("DECLARE VARIABLE gone INT DEFAULT 1")
    target = Carried(session)(
        "DECLARE VARIABLE many ARRAY<STRUCT<x: INT>> DEFAULT array(named_struct('x', 41))",
        "SET VARIABLE many = array(named_struct('x', 42))",
        "DROP TEMPORARY VARIABLE gone",
    )
    assert value(target, "SELECT many[0].x") == 42
    with pytest.raises(Exception, match="gone"):
        target.sql("SELECT gone")


def test_settings_are_carried_and_unset_also_secret_ones(session: SparkSession) -> None:
    session.conf.set("spark.sql.shuffle.partitions", "9")
    session.conf.set("own.gone", "1")
    carried = Carried(session)
    target = carried(
        work=lambda copy: [
            copy.conf.unset("spark.sql.shuffle.partitions"),
            copy.conf.unset("own.gone"),
            copy.conf.set("spark.hadoop.fs.s3a.secret.key", "hush"),
            copy.conf.set("own.setting", "1"),
        ]
    )
    names = ["spark.sql.shuffle.partitions", "own.gone", "spark.hadoop.fs.s3a.secret.key", "own.setting"]
    found = [target.conf.get(name, None) for name in names]
    assert found == [carried.copy.conf.get(name, None) for name in names] == [found[0], None, "hush", "1"]
    assert found[0] != "9"


def test_the_same_secret_is_no_conflict_and_another_one_is(carried: Carried) -> None:
    def left(component: str, secret: str) -> ComponentLeft:
        found = carried.left(lambda copy: copy.conf.set("fs.s3a.secret.key", secret))
        return ComponentLeft(component, found.left)

    assert find_conflicts([left("a", "hush"), left("b", "hush")]) == []
    assert [found.name for found in find_conflicts([left("a", "hush"), left("b", "no")])] == ["fs.s3a.secret.key"]


def test_a_table_that_the_target_has_read_shows_what_the_component_wrote(
    carried: Carried, tmp_path: Path, session: SparkSession
) -> None:
    target = carried.target
    target.sql(f"CREATE TABLE written_{id(carried)} (x INT) USING parquet LOCATION '{tmp_path}'")
    try:
        target.sql(f"INSERT INTO written_{id(carried)} VALUES (1)")
        assert value(target, f"SELECT count(*) FROM written_{id(carried)}") == 1
        carried(f"INSERT OVERWRITE written_{id(carried)} VALUES (1), (2)")
        assert value(target, f"SELECT count(*) FROM written_{id(carried)}") == 2
    finally:
        target.sql(f"DROP TABLE written_{id(carried)}")


def test_local_properties_are_carried_into_a_thread(carried: Carried) -> None:
    context = carried.target.sparkContext
    found: list[Any] = []

    def component() -> None:
        found.append(carried.left(lambda copy: context.setLocalProperty("password", "hush")))

    def later() -> None:
        found.append(carry_into_thread([found[0]], carried.target))
        found.append(context.getLocalProperty("password"))

    for work in (component, later):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found[1:] == [{}, "hush"]
    assert context.getLocalProperty("password") is None


def test_a_kind_that_could_not_be_looked_at_is_told(carried: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(look: Any) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr(kinds.TEMP_FUNCTIONS, "capture", broken)
    monkeypatch.setattr(kinds.HADOOP_CONFIGURATION, "capture", broken)
    left = carried.left(lambda copy: copy.range(1).createOrReplaceTempView("v"))
    found = carry_over(left, carried.copy, carried.target)
    assert list(found) == ["temp functions"]
    assert "it broke" in found["temp functions"]
    assert carried.target.table("v").count() == 1


STEPS: dict[str, Callable[[SparkSession, Random], object]] = {
    "view": lambda s, r: s.range(r.randrange(5)).createOrReplaceTempView(r.choice("abc")),
    "text view": lambda s, r: s.sql(f"CREATE OR REPLACE TEMP VIEW {r.choice('de')} AS SELECT {r.randrange(9)} AS id"),
    "drop": lambda s, r: s.catalog.dropTempView(r.choice("abcde")),
    "setting": lambda s, r: s.conf.set(f"own.{r.choice('xy')}", str(r.randrange(5))),
    "unset": lambda s, r: s.conf.unset(f"own.{r.choice('xy')}"),
    "function": lambda s, r: s.sql(
        f"CREATE OR REPLACE TEMPORARY FUNCTION {r.choice('fg')}() RETURNS INT RETURN {r.randrange(9)}"
    ),
    "drop function": lambda s, r: s.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {r.choice('fg')}"),
    "variable": lambda s, r: s.sql(f"DECLARE OR REPLACE VARIABLE {r.choice('pq')} INT DEFAULT {r.randrange(9)}"),
    "drop variable": lambda s, r: s.sql(f"DROP TEMPORARY VARIABLE IF EXISTS {r.choice('pq')}"),
    "database": lambda s, r: s.catalog.setCurrentDatabase(r.choice(["default", "carried_db"])),
}


def contents(session: SparkSession) -> dict[str, Any]:
    def of(statement: str) -> Any:
        try:
            return [tuple(row) for row in session.sql(statement).collect()]
        except Exception as error:
            return type(error).__name__

    return {
        **{view: of(f"SELECT * FROM {view}") for view in "abcde"},
        **{function: of(f"SELECT {function}()") for function in "fg"},
        **{variable: of(f"SELECT session.{variable}") for variable in "pq"},
        **{setting: session.conf.get(f"own.{setting}", None) for setting in "xy"},
        "database": session.catalog.currentDatabase(),
    }


@pytest.mark.parametrize("seed", range(6))
def test_carried_in_the_order_of_the_plan_it_is_what_one_session_would_have(seed: int, session: SparkSession) -> None:
    """Components one after the other: each in a pristine copy, into which what those before it left is carried."""
    session.sql("CREATE DATABASE IF NOT EXISTS carried_db")
    try:
        carried, sequential, random = Carried(session), session, Random(seed)
        done: list[tuple[ComponentLeft, SparkSession]] = []
        for _ in range(6):
            copy = carried.copies.take()
            for left, origin in done:
                assert carry_over(left, origin, copy) == {}
            steps = [(random.choice(list(STEPS)), random.random()) for _ in range(5)]

            def work(one: SparkSession, steps: list[tuple[str, float]] = steps) -> None:
                for name, chance in steps:
                    STEPS[name](one, Random(chance))

            done.append((carried.left(work, copy), copy))
            work(sequential)
            assert contents(copy) == contents(sequential)
        for left, origin in done:
            carry_over(left, origin, carried.target)
        assert contents(carried.target) == contents(sequential)
    finally:
        session.sql("DROP DATABASE carried_db CASCADE")


def test_fifty_copies_at_once_do_not_wait_for_each_other_for_ever(session: SparkSession) -> None:
    """Spark has one lock in its session catalog, and a copy is made while others are used (SPARK-29550)."""
    for number in range(20):
        session.range(number).createOrReplaceTempView(f"v{number}")
    copies, target, wrong = SessionTemplate(session), session.newSession(), []

    def component(number: int) -> None:
        copy = copies.take()
        copy.sql(f"SELECT {number} AS x").createOrReplaceTempView("own")
        copy.sql(f"CREATE OR REPLACE TEMP VIEW late AS SELECT x FROM own WHERE x = {number}")
        kinds.TEMP_VIEWS.carry({ViewName("own"): "", ViewName("late"): ""}, copy, target)
        if (found := copy.table("late").first()[0]) != number:
            wrong.append(found)

    threads = [threading.Thread(target=component, args=(number,), daemon=True) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
