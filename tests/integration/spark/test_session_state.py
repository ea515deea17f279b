"""Session state on a real Spark: what a component leaves in the session is there again on the next attempt.

Each attempt gets a session of its own, which shares nothing with the one before but tables and global temp views.
``test_resume_process.py`` does the same with a process for each attempt.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from airflow_provider.errors import ComponentError, SessionStateNotSavedError, SparkSessionError
from airflow_provider.runner import PipelineResultStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from tests.conftest import Script
from tests.samples.harness.spark_attempts import Run
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., Run]

SUCCESS = PipelineResultStatus.SUCCESS

VOUCH = "if running it twice does no harm, set session_state: replay"


@pytest.fixture
def make(spark: SparkSession, script: Script, tmp_path: Path) -> Make:
    """Makes a run that saves views below the test's directory."""

    def run(*components: Any, **fields: Any) -> Run:
        return Run(spark, tmp_path / "state", *components, **fields)

    return run


@pytest.fixture
def database(spark: SparkSession) -> Iterator[str]:
    """The name of a database that exists during the test."""
    name = f"db_{uuid4().hex[:8]}"
    spark.sql(f"CREATE DATABASE {name}")
    yield name
    spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


@pytest.fixture
def global_view(spark: SparkSession) -> Iterator[str]:
    """The name of a global temp view, which is dropped after the test: all sessions share it."""
    name = f"g_{uuid4().hex[:8]}"
    yield name
    spark.catalog.dropGlobalTempView(name)


def view(name: str, rows: int) -> Callable[[SparkSession], None]:
    return lambda session: session.range(rows).createOrReplaceTempView(name)


def sql(*statements: str) -> Callable[[SparkSession], None]:
    def work(session: SparkSession) -> None:
        for statement in statements:
            session.sql(statement)

    return work


def sql_view(name: str, query: str) -> Callable[[SparkSession], None]:
    return lambda session: session.sql(query).createOrReplaceTempView(name)


def values(session: SparkSession, name: str) -> list[Any]:
    return sorted(row[0] for row in session.table(name).collect())


def actions(run: Run) -> dict[str, str]:
    return {decision.component: str(decision.action) for decision in run.plan().decisions}


def is_replayed(run: Run, name: str, because: str = "") -> bool:
    """Whether a component is replayed when what it left is needed, since it is known to be harmless.

    :param because: what it left that cannot be saved
    """
    handling, reason = run.handling(name)
    said = f"{because}; known to be harmless" if because else "known to be harmless"
    return handling == "replay" and re.fullmatch(rf"{re.escape(said)}, \d+\.\d s of work", reason) is not None


def refused(run: Run, failing: str = "c") -> str:
    """Run until ``failing`` fails and mend it; return why the next attempt, in a new session, runs nothing at all."""
    run.fails(failing)
    assert run.attempt().failed_components[0][0] == failing
    run.mend(failing)
    run.took_turns()
    with pytest.raises(SessionStateNotSavedError) as caught:
        run.resume()
    assert run.took_turns() == []
    return str(caught.value)


def vouched(run: Run, name: str) -> list[str]:
    """Let the author vouch for a component, and return what the next attempt ran."""
    steps = [c.model_copy(update={"session_state": "replay"}) if c.name == name else c for c in run.config.components]
    run.config = run.config.model_copy(update={"components": steps})
    assert run.resume(keep_session_state=True).failed_components == []
    return run.took_turns()


def after_failure(run: Run, failing: str = "c") -> list[str]:
    """Run until ``failing`` fails, mend it, resume, and return what ran in the second attempt."""
    run.fails(failing)
    assert run.attempt().failed_components[0][0] == failing
    run.mend(failing)
    run.took_turns()
    assert run.resume(keep_session_state=True).failed_components == []
    return run.took_turns()


# What is seen


def test_views_that_were_created_and_replaced_are_recorded_with_their_component(make: Make) -> None:
    """Also one that is replaced by a view of the same content."""
    run = make("a", "b", "same", "nothing")
    run.does("a", lambda session: (view("v", 1)(session), view("w", 2)(session)))
    run.does("b", view("v", 5))
    run.does("same", view("w", 2))
    run.attempt()
    left = {name: run.record(name).left_views for name in ("a", "b", "same", "nothing")}
    v, w = ViewName("v"), ViewName("w")
    assert left == {"a": [v, w], "b": [v], "same": [w], "nothing": []}
    assert run.handling("nothing") == ("kept", "left no view")


def test_a_view_that_was_dropped_stays_dropped(make: Make) -> None:
    run = make("a", "b", "c", session_state="save")
    run.does("a", view("v", 1))
    run.does("b", lambda session: session.catalog.dropTempView("v"))
    assert after_failure(run) == ["c"]
    assert run.record("b").dropped_views == [ViewName("v")]
    assert not run.session.catalog.tableExists("v")


def test_dropping_a_temp_view_again_spares_a_persistent_view_of_the_same_name(make: Make, database: str) -> None:
    """What the author keeps in the catalog is never touched."""
    run = make(component("a", session_state="none"), "b", "c")
    run.does("a", view("v", 1))
    run.does("b", lambda session: session.catalog.dropTempView("v"))
    run.session.sql(f"CREATE VIEW {database}.v AS SELECT 42 AS answer")
    run.does("a", lambda session: (view("v", 1)(session), session.sql(f"USE {database}")))
    assert after_failure(run) == ["c"]
    assert values(run.session, f"{database}.v") == [42]


def test_global_temp_views_are_saved_and_restored(make: Make, global_view: str) -> None:
    run = make("a", "b", "c", session_state="save")
    run.does("a", lambda session: session.range(3).createGlobalTempView(global_view))
    run.does("b", lambda session: session.range(4).createOrReplaceGlobalTempView(global_view))
    run.fails("c")
    run.attempt()
    assert run.record("a").left_views == run.record("b").left_views == [ViewName(global_view, is_global=True)]
    run.session.catalog.dropGlobalTempView(global_view)
    found = []
    run.does("c", lambda session: found.append(values(session, f"global_temp.{global_view}")))
    assert run.resume().status is SUCCESS
    assert found == [[0, 1, 2, 3]]


def test_a_view_may_have_any_name(make: Make) -> None:
    names = ["a b", "`tick`", "日本", "a.b", "'", '"', "-", "1", "select", " ", "global_temp", "\n", "%2f", "../x"]
    quoted = {name: f"`{name.replace('`', '``')}`" for name in names}
    run = make("a", "c", session_state="save")
    run.does("a", lambda session: [view(quoted[name], rows)(session) for rows, name in enumerate(names)])
    run.fails("c")
    run.attempt()
    assert sorted(saved.name for saved in run.record("a").views) == sorted(names)
    found: dict[str, int] = {}
    run.does("c", lambda session: found.update((name, session.table(quoted[name]).count()) for name in names))
    assert run.resume().status is SUCCESS
    assert found == {name: rows for rows, name in enumerate(names)}


def test_a_component_that_registers_a_temp_function_is_replayed(make: Make) -> None:
    """Also one that registers another one under a name that exists already."""
    run = make("a", "b", "c")
    run.does("a", lambda session: session.udf.register("f", lambda x: x + 1, "int"))
    run.does("b", lambda session: session.udf.register("f", lambda x: x + 100, "int"))
    run.fails("c")
    run.attempt()
    assert run.record("a").functions == run.record("b").functions == ["f"]
    assert is_replayed(run, "b", "registered temp function 'f', which cannot be saved")
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT f(1)").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [101]


def act_and_register(out: Path, name: str) -> Callable[[SparkSession], None]:
    def work(session: SparkSession) -> None:
        session.udf.register(name, lambda x: x + 1, "int")
        session.range(2).write.mode("append").parquet(str(out))

    return work


def test_a_component_that_acts_and_registers_a_temp_function_is_not_repeated(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11: who needs the function is told; everybody else goes on. The author may vouch for the component."""
    out = tmp_path / "out"
    run = make("a", "c")
    run.does("a", act_and_register(out, "f"))
    run.fails("c")
    run.attempt()
    assert (run.handling("a")[0], list(run.record("a").lost)) == ("kept", ["temp function `f`"])
    assert "a: temp function `f` is not there again after a failure: registered temp function 'f'" in caplog.text
    run.does("c", lambda session: session.sql("SELECT f(1)").collect())
    run.took_turns()
    [failure] = [result.failure for result in run.resume().component_results if result.failure]
    assert run.took_turns() == ["c"]
    assert "UNRESOLVED_ROUTINE" in failure.what
    assert (
        "temp function `f` could not be restored after the failure: registered temp function 'f'" in failure.hints[-1]
    )
    assert run.session.read.parquet(str(out)).count() == 2
    assert vouched(run, "a") == ["a", "c"]


def test_who_does_not_need_a_temp_function_that_is_lost_goes_on(make: Make, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", act_and_register(tmp_path / "out", "f"))
    assert after_failure(run) == ["c"]


def test_a_lost_temp_function_that_hides_another_one_is_missed_silently_and_so_refused(
    make: Make, tmp_path: Path
) -> None:
    """Invariant 6: without it ``upper`` is Spark's own."""
    run = make("a", "c")
    run.does("a", act_and_register(tmp_path / "out", "upper"))
    why = refused(run)
    handling, reason = run.handling("a")
    assert handling == "unrepeatable"
    assert reason.startswith("registered temp function 'upper', which cannot be saved and hides another one")
    assert f"component 'a': {reason}" in why
    assert f"{VOUCH}, or make two components of it: one that acts, one that registers" in why
    assert vouched(run, "a") == ["a", "c"]


def test_a_temp_function_in_sql_is_replayed(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("CREATE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x + 1"))
    run.does("b", sql("CREATE OR REPLACE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x + 7"))
    run.fails("c")
    run.attempt()
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT g(1)").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [8]


def test_a_table_function_that_is_registered_again_is_replayed(make: Make) -> None:
    from pyspark.sql.functions import udtf

    def giving(number: int) -> Any:
        @udtf(returnType="n: int")
        class Give:
            def eval(self) -> Iterator[tuple[int]]:
                yield (number,)

        return Give

    run = make("a", "b", "c")
    run.does("a", lambda session: session.udtf.register("h", giving(1)))
    run.does("b", lambda session: session.udtf.register("h", giving(2)))
    run.fails("c")
    run.attempt()
    assert run.record("b").functions == ["h"]
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT * FROM h()").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [2]


def test_a_temp_function_that_was_dropped_stays_dropped(make: Make) -> None:
    """It may have hidden a function of Spark."""
    run = make("a", "b", "c")
    run.does("a", sql("CREATE TEMPORARY FUNCTION gone(x INT) RETURNS INT RETURN x + 1"))
    run.does("b", sql("DROP TEMPORARY FUNCTION gone"))
    assert after_failure(run)[-1] == "c"
    assert not run.session.catalog.functionExists("gone")


def test_a_component_that_sets_a_session_variable_is_replayed(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("DECLARE VARIABLE answer INT DEFAULT 1"))
    run.does("b", sql("SET VAR answer = 42"))
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "b", "set a session variable, which cannot be saved")
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT answer").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [42]


def test_settings_that_were_changed_and_unset_are_so_again(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("SET spark.sql.session.timeZone=Asia/Tokyo", "SET spark.sql.ansi.enabled=false"))
    run.does("b", lambda session: session.conf.unset("spark.sql.ansi.enabled"))
    assert after_failure(run) == ["c"]
    assert run.record("a").settings["spark.sql.session.timeZone"] == "Asia/Tokyo"
    assert run.record("b").settings in ({"spark.sql.ansi.enabled": None}, {"spark.sql.ansi.enabled": "true"})
    conf = run.session.conf
    assert (conf.get("spark.sql.session.timeZone"), conf.get("spark.sql.ansi.enabled")) == ("Asia/Tokyo", "true")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("my_date", "2024-01-01", "is none that Spark lets a session change"),
        ("my.own.setting", "x y=z", "is none that Spark lets a session change"),
        ("spark.hadoop.fs.s3a.endpoint", "http://elsewhere", "chooses file systems and credentials"),
        ("fs.other.impl", "org.apache.hadoop.fs.LocalFileSystem", "chooses file systems and credentials"),
        ("spark.sql.streaming.stateStore.providerClass", "org.example.Provider", "chooses code"),
        ("spark.sql.execution.pyspark.python", "/usr/bin/python3", "chooses a program"),
        ("spark.sql.sources.default", "orc", "chooses what is read and written"),
        ("spark.sql.optimizer.excludedRules", "x" * 100_001, "which is no setting"),
    ],
)
def test_a_setting_that_is_more_than_data_makes_its_component_run_again(
    make: Make, key: str, value: str, said: str
) -> None:
    """Invariant 8: what the record says of it is never applied, and the reason says which it is and why."""
    run = make("a", "c")
    run.does("a", lambda session: session.conf.set(key, value))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert handling == "replay"
    assert repr(key) in reason
    assert said in reason
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["a", "c"]
    assert run.session.conf.get(key) == value


@pytest.mark.parametrize("via", ["USE {0}", "USE spark_catalog.{0}", "USE DATABASE {0}"])
def test_the_current_database_is_current_again(make: Make, database: str, via: str) -> None:
    run = make("a", "c")
    run.does("a", sql(via.format(database)))
    assert after_failure(run) == ["c"]
    assert run.session.catalog.currentDatabase() == database


def test_the_current_catalog_is_current_again(make: Make, spark: SparkSession) -> None:
    """A second catalog: Spark's own V2 test double is not in the wheel, so JDBC's on an empty Derby stands in."""
    catalog = f"cat_{uuid4().hex[:8]}"
    run = make("a", "c")

    def use(session: SparkSession) -> None:
        session.conf.set(
            f"spark.sql.catalog.{catalog}", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
        )
        session.conf.set(f"spark.sql.catalog.{catalog}.url", f"jdbc:derby:memory:{catalog};create=true")
        session.conf.set(f"spark.sql.catalog.{catalog}.driver", "org.apache.derby.iapi.jdbc.AutoloadedDriver")
        session.sql(f"USE {catalog}.APP")

    run.does("a", use)
    assert after_failure(run) == ["a", "c"], "what names a catalog's class is not taken from a record"
    assert run.session.catalog.currentCatalog() == catalog
    assert run.session.catalog.currentDatabase() == "APP"


@pytest.mark.parametrize(
    "key",
    [
        "spark.my.password",
        "fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "my.api.token",
        "fs.azure.account.key.someone.dfs.core.windows.net",
        "my.apikey",
        "ssl.keystore.passphrase",
        "my.db.pwd",
    ],
)
def test_a_setting_that_looks_like_a_secret_is_not_recorded(make: Make, key: str) -> None:
    """Invariant 8. The component runs again instead, so that the next attempt has the setting."""
    run = make("a", "c")
    run.does("a", lambda session: session.conf.set(key, "hunter2"))
    run.fails("c")
    run.attempt()
    assert "hunter2" not in run.record_text()
    handling, reason = run.handling("a")
    assert (handling, key in reason) == ("replay", True)
    run.mend("c")
    assert run.resume().status is SUCCESS
    assert run.session.conf.get(key) == "hunter2"
    assert "hunter2" not in run.record_text()


def test_a_secret_setting_of_a_component_that_is_never_run_again_is_missed_by_who_needs_it(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a password there is an error, so what does not need it goes on."""
    run = make("a", "c", session_state="save")
    run.does("a", lambda session: session.conf.set("my.api.token", "hunter2"))
    run.fails("c")
    run.attempt()
    assert list(run.record("a").lost) == ["setting 'my.api.token'"]
    run.took_turns()
    run.resume()
    assert run.took_turns() == ["c"]
    assert "setting 'my.api.token' of a is not there again" in caplog.text
    assert "hunter2" not in f"{caplog.text} {run.record_text()}"
    run.mend("c")
    assert vouched(run, "a") == ["a", "c"]
    assert run.session.conf.get("my.api.token") == "hunter2"


@pytest.mark.parametrize(
    "value",
    [
        "jdbc:postgresql://h/db?user=me&password=hunter2",
        "https://me.blob.core.windows.net/c?sv=1&sig=hunter2",
        "AccountName=me;AccountKey=hunter2==",
    ],
)
def test_a_secret_inside_the_value_of_a_setting_is_not_recorded(make: Make, value: str) -> None:
    """Invariant 8."""
    run = make("a", session_state="save")
    run.does("a", lambda session: session.conf.set("my.url", value))
    run.attempt()
    assert "hunter2" not in run.record_text()
    assert list(run.record("a").lost) == ["setting 'my.url'"]


def test_a_secret_inside_an_error_is_in_no_reason_and_no_summary(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Invariant 8: why a view cannot be saved is recorded, and so is why a component failed in the summary."""
    run = make("a", "c", session_state="save")
    run.does("a", sql_view("v", "SELECT raise_error('password=hunter2') AS x"))
    run.does("c", lambda session: session.sql("SELECT raise_error('https://h/c?sig=hunter2 is down')").collect())
    with caplog.at_level("INFO"):
        first = run.attempt()
        with pytest.raises(SessionStateNotSavedError) as caught:
            run.resume()
    assert "password=***" in run.handling("a")[1]
    told = f"{run.record_text()} {first.summary()} {caught.value} {caplog.text}"
    assert "sig=***" in told
    assert "hunter2" not in told


# What auto decides


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


# Policies


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
    run = Run(spark, None, component("a", component_type=kind), "c", session_state=policy.partition(",")[0])
    run.does("a", view("v", 2))
    if why is None:
        assert after_failure(run) == ["a", "c"]
        assert is_replayed(run, "a")
        return
    told = refused(run)
    reason = f"there is no session_state_url to save to, and it must not run again: {why}"
    assert run.handling("a") == ("unrepeatable", reason)
    assert f"component 'a': {reason}; set session_state_url; or, {VOUCH}" in told
    assert f"a: an attempt that needs what it left in the session will fail: {reason}; set session_state_url" in (
        caplog.text
    )
    assert vouched(run, "a") == ["a", "c"]


@pytest.mark.parametrize("broken", ["below a file", "no such storage"])
def test_a_view_that_cannot_be_saved_is_no_failure(
    spark: SparkSession, script: Script, tmp_path: Path, broken: str
) -> None:
    """The disk is full, the bucket is gone: only an attempt that needs the view fails, and runs nothing again."""
    (tmp_path / "file").write_text("x")
    url = f"{tmp_path}/file/state" if broken == "below a file" else "nosuchfs://bucket/state"
    run = Run(spark, url, "a", "c", session_state="save")
    run.does("a", view("v", 2))
    assert "cannot be saved" in refused(run)
    handling, reason = run.handling("a")
    assert handling == "unrepeatable"
    assert "cannot be saved" in reason


def test_a_view_that_cannot_be_computed_is_no_failure(make: Make) -> None:
    """Nobody may ever ask for it: the pipeline succeeds, and only a later attempt that would need it fails."""
    never = sql_view("v", "SELECT raise_error('never read this')")
    run = make("a", "c", session_state="save")
    run.does("a", never)
    assert run.attempt().status is SUCCESS
    assert run.handling("a")[0] == "unrepeatable"
    again = make("a", "c", session_state="save")
    again.does("a", never)
    assert "never read this" in refused(again)


def test_a_view_that_cannot_be_computed_is_replayed_if_that_is_harmless(make: Make) -> None:
    run = make("a", "c")
    run.does("a", sql_view("v", "SELECT raise_error('never read this')"))
    assert after_failure(run) == ["a", "c"]


# What a resumed attempt finds


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


def test_views_of_one_name_come_back_in_their_order(make: Make) -> None:
    """A replayed component reads what the one before it left, saved or not, and replaces it."""
    run = make(component("a", session_state="save"), "b", component("b2", session_state="save"), "b3", "c")
    run.does("a", view("v", 3))
    for name in ("b", "b2", "b3"):
        run.does(name, sql_view("v", "SELECT id + 10 AS id FROM v"))
    assert after_failure(run) == ["b", "b3", "c"]
    assert values(run.session, "v") == [30, 31, 32]


def test_a_second_run_in_the_same_session_leaves_newer_views_alone(make: Make) -> None:
    """The public face: one runner, two runs. What a later component made of a view is not undone."""
    run = make(component("a", session_state="save"), "b", "c")
    run.does("a", view("v", 3))
    run.does("b", sql_view("v", "SELECT id + 10 AS id FROM v"))
    run.fails("c")
    runner = run.runner()
    runner.run()
    found = []
    run.does("c", lambda session: found.append(values(session, "v")))
    assert runner.run(plan=runner.plan(run.store.load("run-1"))).status is SUCCESS
    assert found == [[10, 11, 12]]


def test_a_second_run_in_the_same_session_replays_under_the_settings_of_the_start(make: Make, database: str) -> None:
    """``b`` changed the database and ``c`` broke what ``a`` had left: ``a`` runs again as if ``b`` came after it."""
    table = f"t_{uuid4().hex[:8]}"
    run = make("a", "b", "c")
    run.session.range(3).write.saveAsTable(table)
    try:
        run.does("a", sql_view("v", f"SELECT id FROM {table}"))
        run.does("b", sql(f"USE {database}"))

        def breaks(session: SparkSession) -> None:
            view("v", 1)(session)
            raise RuntimeError("c broke")

        run.does("c", breaks)
        runner = run.runner()
        runner.run()
        run.mend("c")
        again = runner.run(plan=runner.plan(run.store.load("run-1")))
        assert again.failed_components == []
        assert values(run.session, "v") == [0, 1, 2]
        assert run.session.catalog.currentDatabase() == database
    finally:
        run.session.sql(f"DROP TABLE default.{table}")


def test_an_attempt_that_fails_again_forgets_nothing(make: Make) -> None:
    """Invariant 1, with saved views: three attempts, and what the first one saved serves the third."""
    run = make("a", "b", "c", session_state="save")
    run.does("a", view("v", 3))
    run.fails("b")
    run.attempt()
    run.does("b", sql_view("w", "SELECT id + 1 AS id FROM v"))
    run.fails("c")
    run.resume()
    run.does("c", sql_view("x", "SELECT v.id FROM v JOIN w USING (id)"))
    run.took_turns()
    assert run.resume(keep_session_state=True).status is SUCCESS
    assert run.took_turns() == ["c"]
    assert values(run.session, "x") == [1, 2]


# Damage


def _delete(directory: Path) -> None:
    shutil.rmtree(directory)


def _truncate(directory: Path) -> None:
    part = next(directory.glob("part-*"))
    part.write_bytes(part.read_bytes()[:-1])


def _add(directory: Path) -> None:
    part = next(directory.glob("part-*"))
    shutil.copy(part, part.with_name(f"part-99999-{part.name}"))


def _remove_one(directory: Path) -> None:
    next(directory.glob("part-*")).unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_delete, "is gone"), (_truncate, "was changed"), (_add, "was changed"), (_remove_one, "was changed")],
)
def test_a_damaged_view_is_noticed_before_anything_runs(make: Make, damage: Callable[[Path], None], said: str) -> None:
    """Its component runs again, and only that one."""
    run = make("a", "b", "c", session_state="save")
    run.does("a", view("v", 3))
    run.does("b", view("w", 4))
    run.fails("c")
    run.attempt()
    damage(Path(run.record("b").views[0].url))
    plan = run.in_new_session().plan()
    reasons = {decision.component: decision.reason for decision in plan.decisions}
    assert [d.action for d in plan.decisions] == [Action.REUSE, Action.RUN, Action.RUN]
    assert "saved view 'w'" in reasons["b"]
    assert said in reasons["b"]
    run.mend("c")
    run.took_turns()
    assert run.resume(keep_session_state=True).status is SUCCESS
    assert run.took_turns() == ["b", "c"]
    assert (values(run.session, "v"), values(run.session, "w")) == ([0, 1, 2], [0, 1, 2, 3])


def test_a_saved_view_that_vanishes_after_the_plan_is_replayed_if_that_is_harmless(make: Make) -> None:
    run = make("a", "c", session_state="save")
    run.does("a", view("v", 3))
    run.fails("c")
    run.attempt()
    plan = run.in_new_session().plan()
    shutil.rmtree(run.record("a").views[0].url)
    found = []
    run.does("c", lambda session: found.append(values(session, "v")))
    run.took_turns()
    assert run.runner().run(plan=plan).status is SUCCESS
    assert (run.took_turns(), found) == (["a", "c"], [[0, 1, 2]])


def test_a_saved_view_that_vanishes_after_the_plan_is_an_error_if_a_replay_may_do_harm(make: Make) -> None:
    """Invariant 11: a storage that is not there for a moment makes nothing run twice; the next attempt restores it."""
    run = make(component("a", component_type="sink"), "c")
    run.does("a", view("v", 3))
    run.fails("c")
    run.attempt()
    plan = run.in_new_session().plan()
    saved = Path(run.record("a").views[0].url)
    aside = saved.rename(saved.with_name("aside"))
    run.mend("c")
    run.took_turns()
    with pytest.raises(
        SparkSessionError, match="no component was re-run, and the next attempt tries to restore it again"
    ):
        run.runner().run(plan=plan)
    assert run.took_turns() == []
    aside.rename(saved)
    assert run.resume(keep_session_state=True).status is SUCCESS
    assert (run.took_turns(), values(run.session, "v")) == (["c"], [0, 1, 2])


# Housekeeping


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize("keep", [False, True])
def test_saved_views_are_deleted_after_success_unless_they_are_to_be_kept(
    make: Make, tmp_path: Path, keep: bool
) -> None:
    run = make("a", "b", session_state="save")
    run.does("a", view("v", 3))
    run.fails("b")
    run.attempt(keep_session_state=keep)
    assert _files(tmp_path / "state"), "needed for the next attempt"
    run.mend("b")
    assert run.resume(keep_session_state=keep).status is SUCCESS
    assert bool(_files(tmp_path / "state")) is keep


def test_the_views_can_still_be_read_after_success(make: Make) -> None:
    """In a notebook the pipeline's result may be a view: ``keep_session_state`` leaves it readable."""
    run = make("a", session_state="save")
    run.does("a", view("v", 3))
    assert run.attempt(keep_session_state=True).status is SUCCESS
    assert values(run.session, "v") == [0, 1, 2]


def test_leftovers_of_a_broken_attempt_are_deleted_and_what_is_needed_stays(make: Make, tmp_path: Path) -> None:
    run = make("a", "b", "c", session_state="save")
    run.does("a", view("v", 3))
    run.does("b", view("w", 3))
    run.fails("c")
    run.attempt()
    needed = {Path(run.record(name).views[0].url) for name in ("a", "b")}
    attempt = next(iter(needed)).parents[1]
    leftovers = [
        attempt / "0003-deadbeef" / "0",
        tmp_path / "state" / "attempt-0123456789ab" / "0001-00000000" / "0" / "_temporary" / "0",
    ]
    for leftover in leftovers:
        leftover.mkdir(parents=True)
        (leftover / "part-00000.parquet").write_bytes(b"half")
    run.fails("c")
    run.resume()
    assert all(path.is_dir() and _files(path) for path in needed)
    assert [path for path in leftovers if path.exists()] == []
    assert not (tmp_path / "state" / "attempt-0123456789ab").exists()
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["c"]


def test_what_this_package_did_not_write_is_never_deleted(make: Make, tmp_path: Path) -> None:
    """Somebody may give a directory that holds other things too."""
    precious = tmp_path / "state" / "warehouse" / "table" / "part-0.parquet"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")
    run = make("a", "b", session_state="save")
    run.does("a", view("v", 3))
    assert after_failure(run, "b") == ["b"]
    assert precious.exists()


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("file://", "with#hash"),
        ("file://", "with?mark"),
        ("file://", "with%20"),
        ("file:", "with space"),
        ("", "with#hash ?%20"),
        ("", "a:b+c"),
        ("", "日本"),
        ("", "{x,y}[1]*"),
    ],
)
def test_a_directory_may_have_any_name_and_no_other_is_touched(
    spark: SparkSession, script: Script, tmp_path: Path, scheme: str, name: str
) -> None:
    neighbour = tmp_path / "with" / "neighbour"
    neighbour.parent.mkdir()
    neighbour.write_text("x")
    run = Run(spark, f"{scheme}{tmp_path}/{name}/state", "a", "b", session_state="save")
    run.does("a", view("v", 3))
    run.fails("b")
    run.attempt()
    found = []
    run.does("b", lambda session: found.append(values(session, "v")))
    assert run.resume().status is SUCCESS
    assert found == [[0, 1, 2]]
    assert neighbour.exists()
    assert _files(tmp_path) == [neighbour], "nothing is left of what was saved"


# Sessions that are gone


def test_a_component_that_stops_the_session_is_told_so(
    spark: SparkSession, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``test_resume_process.py`` stops a real one; here that would take Spark from all other tests."""
    from py4j.protocol import Py4JError

    def stopped(self: object) -> None:
        raise Py4JError("Cannot call methods on a stopped SparkContext")

    run = Run(spark, None, "a", "b")
    run.does("a", lambda session: monkeypatch.setattr(ClassicProbe, "snapshot", stopped))
    [(name, error)] = run.attempt().failed_components
    assert name == "a"
    assert isinstance(error, ComponentError)
    assert "Components must not stop the session they are given" in str(error)
    checkpoint = run.store.load("run-1")
    assert checkpoint is not None
    assert checkpoint.completed_components == []


# A catalog in memory


def forget(session: SparkSession, database: str, scratch: Path) -> None:
    """Let the catalog forget a database while its files stay, as at the end of the process."""
    row = session.sql(f"DESCRIBE DATABASE {database}").where("info_name = 'Location'").first()
    location = Path(unquote(row["info_value"].removeprefix("file:")))
    if location.exists():
        location.rename(scratch / "aside")
    session.sql(f"DROP DATABASE {database} CASCADE")
    if (scratch / "aside").exists():
        shutil.rmtree(location, ignore_errors=True)
        (scratch / "aside").rename(location)


@pytest.fixture
def forgotten(spark: SparkSession) -> Iterator[str]:
    """The name of a database that the test creates."""
    name = f"db_{uuid4().hex[:8]}"
    yield name
    spark.sql("USE default")
    spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


def test_databases_and_tables_of_a_catalog_in_memory_are_known_again(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """As they were: managed or not, partitions, options, comments, types that only the catalog knows."""
    db = forgotten
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {db} COMMENT 'it''s \"mine\"' WITH DBPROPERTIES ('a b' = '`x`')", f"USE {db}"))

    def tables(session: SparkSession) -> None:
        session.range(4).write.saveAsTable("plain")
        session.range(4).selectExpr("id", "id % 2 AS `odd part`").write.partitionBy("odd part").saveAsTable("`parted`")
        session.range(2).write.option("path", str(tmp_path / "ext ernal%20")).saveAsTable("external")
        session.range(9).write.bucketBy(3, "id").sortBy("id").format("orc").saveAsTable("bucketed")
        session.sql(
            "CREATE TABLE csvs (`a``\"'.日本` STRING COMMENT 'it''s', b INT) USING csv OPTIONS (sep ';')"
            " COMMENT 'it''s' TBLPROPERTIES ('prop' = '\"`x`\"')"
        )
        session.sql("INSERT INTO csvs VALUES ('x', 1)")
        session.sql("CREATE TABLE chars (c CHAR(3), v ARRAY<VARCHAR(2)>) USING parquet")
        session.sql("INSERT INTO chars VALUES ('a', array('b'))")

    def described(session: SparkSession) -> dict[str, Any]:
        per_run = ("Created Time", "Last Access", "Created By", "Owner", "Statistics")
        rows = {
            name: [
                tuple(row) for row in session.sql(f"DESCRIBE EXTENDED {db}.{name}").collect() if row[0] not in per_run
            ]
            for name in names
        }
        return rows | {"": [tuple(row) for row in session.sql(f"DESCRIBE DATABASE EXTENDED {db}").collect()]}

    names = ("plain", "parted", "external", "bucketed", "csvs", "chars")
    run.does("b", tables)
    run.fails("c")
    run.attempt()
    assert run.handling("b") == ("kept", "left no view")
    before = described(run.session)
    forget(run.session, db, tmp_path)
    found: dict[str, Any] = {}

    def look(session: SparkSession) -> None:
        for name in ("plain", "external", "csvs", "chars", "bucketed"):
            found[name] = values(session, name)
        found["parted"] = sorted(tuple(row) for row in session.table("parted").collect())
        found["partitions"] = [row[0] for row in session.sql("SHOW PARTITIONS parted").collect()]

    run.does("c", look)
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["c"]
    assert found == {
        "plain": [0, 1, 2, 3],
        "external": [0, 1],
        "csvs": ["x"],
        "chars": ["a  "],
        "bucketed": list(range(9)),
        "parted": [(0, 0), (1, 1), (2, 0), (3, 1)],
        "partitions": ["odd part=0", "odd part=1"],
    }
    assert described(run.session) == before


def test_a_database_where_its_component_chose_and_its_tables_are_known_again(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """What vouches for the place lies in the run's own directory, and goes when the pipeline is complete."""
    place = tmp_path / "chosen place"
    run = make("a", "b", "c", "d")
    run.does("a", sql(f"CREATE DATABASE {forgotten} LOCATION '{place}'"))
    run.does("b", lambda session: session.range(3).write.saveAsTable(f"{forgotten}.t"))
    run.fails("c")
    run.attempt()
    assert run.record("b").vouched is None
    assert _files(Path(str(run.record("a").vouched)))
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.fails("d")
    run.took_turns()
    run.resume(), forget(run.session, forgotten, tmp_path)
    found = []
    run.does("d", lambda session: found.append(values(session, f"{forgotten}.t")))
    assert run.resume().failed_components == []
    assert (run.took_turns(), found) == (["c", "d", "d"], [[0, 1, 2]])
    assert not _files(tmp_path / "state")


def test_with_nothing_to_vouch_for_it_a_chosen_place_is_not_taken_from_the_record(
    spark: SparkSession, script: Script, forgotten: str, tmp_path: Path
) -> None:
    run = Run(spark, None, "a", "c")
    run.does("a", sql(f"CREATE DATABASE IF NOT EXISTS {forgotten} LOCATION '{tmp_path / 'chosen'}'"))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert (handling, "lies where the component chose" in reason) == ("replay", True)
    assert run.record("a").objects == []


def test_a_database_of_a_catalog_in_memory_goes_with_the_session_and_so_making_it_again_is_harmless(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """So a component that also registers a function, which cannot be saved, can be replayed."""
    run = make("a", "c")

    def both(session: SparkSession) -> None:
        session.sql(f"CREATE DATABASE {forgotten}")
        session.udf.register("f", lambda x: x + 1, "int")

    run.does("a", both)
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "a", "registered temp function 'f', which cannot be saved")
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["a", "c"]
    assert run.session.catalog.databaseExists(forgotten)


def test_a_persistent_view_of_a_catalog_in_memory_is_made_again_like_a_temp_view(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """Invariant 8: its text is not taken from the record. It goes with the process, so making it again is harmless."""
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {forgotten}"))
    run.does("b", sql(f"CREATE VIEW {forgotten}.v AS SELECT 1 AS x"))
    run.fails("c")
    run.attempt()
    assert (run.handling("b")[0], run.record("b").objects) == ("replay", [])
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["b", "c"]


def test_a_table_that_a_later_component_dropped_does_not_come_back(make: Make, forgotten: str, tmp_path: Path) -> None:
    """Neither does it make the component that had created it run again."""
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {forgotten}", f"CREATE TABLE {forgotten}.t AS SELECT 1 AS x"))
    run.does("b", sql(f"DROP TABLE {forgotten}.t"))
    run.fails("c")
    run.attempt()
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["c"]
    assert not run.session.catalog.tableExists(f"{forgotten}.t")


def test_a_table_that_is_known_again_can_be_overwritten(make: Make, forgotten: str, tmp_path: Path) -> None:
    """Invariant 6: a later component writes the same table anew, as it could have done without the failure."""
    run = make("a", "c")
    run.does(
        "a",
        lambda session: (
            session.sql(f"CREATE DATABASE {forgotten}"),
            session.range(3).write.saveAsTable(f"{forgotten}.t"),
        ),
    )
    run.fails("c")
    run.attempt()
    forget(run.session, forgotten, tmp_path)
    run.does("c", lambda session: session.range(5).write.mode("overwrite").saveAsTable(f"{forgotten}.t"))
    assert run.resume().failed_components == []
    assert values(run.session, f"{forgotten}.t") == [0, 1, 2, 3, 4]


def test_a_table_whose_files_are_gone_makes_its_component_run_again(make: Make, forgotten: str, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", sql(f"CREATE DATABASE IF NOT EXISTS {forgotten}", f"CREATE TABLE {forgotten}.t AS SELECT 1 AS x"))
    run.fails("c")
    run.attempt()
    run.session.sql(f"DROP DATABASE {forgotten} CASCADE")
    assert f"its table `{forgotten}`.`t` is missing from" in run.in_new_session().plan().decisions[0].reason
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["a", "c"]
