"""Invariant 11: components that only change the session run again; what they copied into it does not count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import ComponentConfig
from tests.integration.spark.harmless.case import ACTS, NOTHING, REPLAYED, Case, judge, saved
from tests.integration.spark.harmless.world import World, target_rows
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TARGET = {"target": "{target}", "count": target_rows, "effects": 5}


@pytest.fixture
def own_session(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """``SparkSession.builder`` gives the session of the attempt, as in a process that has one attempt."""
    from pyspark.sql import SparkSession

    make = world.spark.newSession
    monkeypatch.setattr(SparkSession, "_instantiatedSession", world.spark)

    def new_session() -> SparkSession:
        SparkSession._instantiatedSession = make()
        return SparkSession._instantiatedSession

    monkeypatch.setattr(world.spark, "newSession", new_session)


def nothing(component: str, *words: str, **config: Any) -> Case:
    """A row for a component that left nothing that would have to be saved."""
    own = {name: config.pop(name) for name in list(config) if name in Case.__dataclass_fields__}
    return Case(component, NOTHING, words, **{"view": None, **own, "config": config})


BUILDERS = [
    Case("session.with_own_session", REPLAYED, ("known to be harmless",)),
    nothing("session.write_with_own_session", **TARGET),
    nothing("session.write_with_own_conf", **TARGET),
    nothing("session.write_with_packages", **TARGET),
    saved("session.write_and_set_with_own_session", "wrote", **TARGET),
]


@pytest.mark.usefixtures("own_session")
@pytest.mark.parametrize("case", BUILDERS, ids=str)
def test_what_a_builder_copied_into_the_session_is_not_what_the_component_left(case: Case, world: World) -> None:
    judge(case, world)


SQL = "airflow_provider.components.RunSql"
JAVA = "org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper"

# Statement to what a later component reads of it.
STATEMENTS = {
    "CREATE OR REPLACE TEMPORARY FUNCTION plus_one(x INT) RETURNS INT RETURN x + 1": "SELECT plus_one(1)",
    "create temporary function twice(x INT)\n-- a comment; DROP TABLE t\nRETURNS INT\nRETURN x * 2": "SELECT twice(2)",
    "CREATE TEMPORARY FUNCTION rows(n INT) RETURNS TABLE(a INT) RETURN SELECT n": "SELECT * FROM rows(3)",
    f"CREATE TEMPORARY FUNCTION loud AS '{JAVA}'": "SHOW USER FUNCTIONS LIKE 'loud'",
    "SET my.day = 2026-01-01": "SELECT '${{my.day}}'",
    "SET spark.my.thing=5": "SELECT '${{spark.my.thing}}'",
    "/* why */ SET `my.quoted.key`=7": "SELECT '${{my.quoted.key}}'",
    "BEGIN DECLARE inner_one INT DEFAULT 1; CREATE TEMPORARY FUNCTION scripted(x INT) RETURNS INT RETURN x; END": (
        "SELECT scripted(4)"
    ),
}
KEPT = {
    "DECLARE OR REPLACE VARIABLE first_day DATE DEFAULT DATE'2026-01-01'": "SELECT first_day",
    "DECLARE limit = 10": "SELECT limit",
    "EXECUTE IMMEDIATE 'DECLARE now_known INT DEFAULT 4'": "SELECT now_known",
    "SET spark.sql.session.timeZone=Asia/Tokyo": "SELECT current_timezone()",
    "SET TIME ZONE 'Asia/Tokyo'": "SELECT current_timezone()",
    "RESET": "SELECT 1",
    "USE default": "SELECT current_database()",
    "USE SCHEMA default": "SELECT current_database()",
    "SET CATALOG spark_catalog": "SELECT current_catalog()",
    "CACHE TABLE {table}": "SELECT count(*) FROM {table}",
    "CACHE LAZY TABLE {table}": "SELECT count(*) FROM {table}",
    "UNCACHE TABLE IF EXISTS {table}": "SELECT 1",
    "CLEAR CACHE": "SELECT 1",
    "REFRESH TABLE {table}": "SELECT 1",
    "DROP VIEW IF EXISTS nowhere_to_be_found": "SELECT 1",
    "SHOW TABLES": "SELECT 1",
}
VIEWS = {
    "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1 AS x",
    "CREATE TEMPORARY VIEW v AS WITH a AS (SELECT 2 AS x) SELECT * FROM a -- INSERT",
    "CREATE OR REPLACE TEMP VIEW v USING parquet OPTIONS (path '{parquet}')",
    "BEGIN CREATE TEMPORARY VIEW v AS SELECT 3 AS x; END",
    "EXECUTE IMMEDIATE 'CREATE OR REPLACE TEMP VIEW v AS SELECT 1 AS x'",
    "CACHE LAZY TABLE v AS SELECT 1 AS x",
}
AGAIN = [
    *(
        Case(SQL, REPLAYED, ("known to be harmless",), config={"sql": text}, view=then)
        for text, then in STATEMENTS.items()
    ),
    *(
        Case("session.statement", REPLAYED, ("known to be harmless",), config={"sql": text}, view=then)
        for text, then in STATEMENTS.items()
    ),
    *(Case(SQL, NOTHING, ("left no view",), config={"sql": text}, view=then) for text, then in KEPT.items()),
    *(Case(SQL, REPLAYED, ("known to be harmless",), config={"sql": text}) for text in sorted(VIEWS)),
    Case("session.set_conf", REPLAYED, config={"key": "my.day", "value": "x"}, view="SELECT '${{my.day}}'"),
    Case("session.set_conf", REPLAYED, ("secret",), config={"key": "my.password", "value": "hunter2"}, view=None),
    Case("session.try_to_refresh", REPLAYED, config={"table": "nowhere"}, view="SELECT '${{my.refreshed}}'"),
]


@pytest.mark.parametrize("case", AGAIN, ids=lambda case: f"{case}-{next(iter(case.config.values()))}")
def test_a_statement_that_only_changes_the_session_is_run_again(case: Case, world: World) -> None:
    """Also where Spark does not know the setting."""
    judge(case, world)


def rows(world: World) -> int:
    return world.spark.table(world.table).count()


INSERT = "INSERT INTO {table} VALUES (1)"
MISSED = {
    # what is not there again, to the statements
    "a random number": (["DECLARE r DOUBLE DEFAULT rand()"], "variable `r`"),
    "a date": (["DECLARE today DATE DEFAULT /* when? */ current_date"], "variable `today`"),
    "an id": (["DECLARE OR REPLACE VARIABLE id = uuid()"], "variable `id`"),
    "a variable": (["DECLARE n = array(1)", "SET VAR n = array(2)", INSERT], "variable `n`"),
    "a function": (["CREATE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x", INSERT], "temp function `g`"),
    "a function of a script": (
        ["BEGIN CREATE TEMPORARY FUNCTION h(x INT) RETURNS INT RETURN x; INSERT INTO {table} VALUES (1); END"],
        "temp function `h`",
    ),
    "a catalog": (["SET spark.sql.catalog.lake=org.example.Catalog", INSERT], "catalog `lake`"),
    "a password": (["SET my.password=hunter2", INSERT], "setting 'my.password'"),
}


@pytest.mark.parametrize(("statements", "lost"), MISSED.values(), ids=MISSED)
def test_what_must_not_be_made_again_is_missed_by_who_needs_it_only(
    world: World, statements: list[str], lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11, and none of it can be lacked without an error."""
    texts = [statement.format(table=world.table) for statement in statements]
    step = ComponentConfig(name="it", class_path=f"{ACTS}.session.statements", config={"sql": texts})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    run.fails("later")
    run.attempt()
    assert (run.handling("it")[0], list(run.record("it").lost)) == ("kept", [lost])
    assert f"it: a later attempt will not have {lost}: " in caplog.text
    run.mend("later")
    assert run.resume().failed_components == []
    assert f"{lost} of it could not be restored" in caplog.text
    assert rows(world) == sum("INSERT" in text for text in texts)
    assert "hunter2" not in f"{caplog.text}{run.record_text()}"


REFUSED = {
    "a variable of another one": (["SET VAR theirs = array(2)", INSERT], "set a session variable"),
    "a variable that another one declared": (
        ["DECLARE OR REPLACE theirs = array(2)", INSERT],
        "set a session variable",
    ),
    "a function of another one": (
        ["CREATE OR REPLACE TEMPORARY FUNCTION their_own(x INT) RETURNS INT RETURN 2", INSERT],
        "hides another one",
    ),
    "a catalog of another one": (["SET spark.sql.catalog.theirs=org.example.Other", INSERT], "catalog.theirs"),
    "a password of another one": (["SET their.password=hunter3", INSERT], "their.password"),
    "a setting that is a text": (["SET my.country=DE", INSERT], "setting 'my.country'"),
    "where names lead": (["SET spark.sql.defaultCatalog=spark_catalog", INSERT], "chooses where names lead"),
}


@pytest.mark.parametrize(("statements", "said"), REFUSED.values(), ids=REFUSED)
def test_what_nobody_would_notice_without_is_refused(world: World, statements: list[str], said: str) -> None:
    """Invariant 6: a later component would give another answer."""
    texts = [statement.format(table=world.table) for statement in statements]
    step = ComponentConfig(name="it", class_path=f"{ACTS}.session.statements", config={"sql": texts})
    run = SparkRun(world.spark, world.tmp / "state", "before", step, "later")
    before = (
        "DECLARE theirs = array(1)",
        "CREATE TEMPORARY FUNCTION their_own(x INT) RETURNS INT RETURN 1",
        "SET spark.sql.catalog.theirs=org.example.Catalog",
        "SET their.password=hunter2",
    )
    run.does("before", lambda session: [session.sql(text) for text in before])
    run.fails("later")
    run.attempt()
    run.mend("later")
    with pytest.raises(SessionStateNotSavedError, match=said):
        run.resume()


PLAIN = {"my.day": "2026-01-01", "hive.exec.dynamic.partition.mode": "nonstrict", "batch": "17", "my.on": "true"}


def test_a_setting_whose_value_stays_a_value_is_restored_where_its_component_must_not_run_again(world: World) -> None:
    texts = [*(f"SET {key}={value}" for key, value in PLAIN.items()), INSERT.format(table=world.table)]
    step = ComponentConfig(name="it", class_path=f"{ACTS}.session.statements", config={"sql": texts})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    run.fails("later")
    run.attempt()
    run.mend("later")
    assert run.resume().failed_components == []
    assert {key: run.session.conf.get(key) for key in PLAIN} == PLAIN
    assert rows(world) == 1


def test_a_variable_of_a_script_is_nothing_that_it_leaves(world: World) -> None:
    text = f"BEGIN DECLARE n INT DEFAULT 1; SET n = 2; INSERT INTO {world.table} VALUES (n); END"
    step = ComponentConfig(name="it", class_path=SQL, config={"sql": text})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    run.fails("later")
    assert run.attempt().failed_components[0][0] == "later"
    assert (run.handling("it"), run.record("it").lost) == (("kept", "left no view"), {})


def test_what_calls_a_function_in_java_after_it_was_brought_is_not_run_again(world: World) -> None:
    """Nobody knows what the function does, but to bring it does nothing."""
    bring = ComponentConfig(name="bring", class_path=SQL, config={"sql": f"CREATE TEMPORARY FUNCTION loud AS '{JAVA}'"})
    run = SparkRun(world.spark, world.tmp / "state", bring, "call", "idle")
    run.does("call", lambda session: session.range(3).selectExpr("count(*)").collect())
    run.attempt(keep_session_state=True)
    assert [run.record(name).harmless for name in ("bring", "call", "idle")] == [True, False, True]


def test_a_file_that_was_added_is_there_again(world: World, tmp_path: Path) -> None:
    (tmp_path / "rates.txt").write_text("1")
    step = ComponentConfig(name="it", class_path=SQL, config={"sql": f"ADD FILE '{tmp_path / 'rates.txt'}'"})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    run.fails("later")
    run.attempt()
    assert run.handling("it")[0] == "replay"
    assert "added it to the session or its application, which Spark forgets with it" in run.handling("it")[1]
    run.mend("later")
    assert run.resume().failed_components == []


def test_an_added_file_is_no_reason_to_refuse_a_resume(world: World, tmp_path: Path) -> None:
    (tmp_path / "rates.txt").write_text("1")
    texts = [f"ADD FILE '{tmp_path / 'rates.txt'}'", f"INSERT INTO {world.table} VALUES (1)"]
    step = ComponentConfig(name="it", class_path=f"{ACTS}.session.statements", config={"sql": texts})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    run.fails("later")
    run.attempt()
    run.mend("later")
    assert run.resume().failed_components == []
    assert list(run.record("it").lost) == ["file `rates.txt`"]
    assert world.spark.table(world.table).count() == 1
