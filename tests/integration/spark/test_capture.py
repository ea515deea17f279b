"""What a look into a classic session sees, how exactly, and at what price. ``session_state/`` shows the use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import session_changes, take_snapshot
from airflow_provider.runner.session_state.kinds import CATALOG_OBJECTS, SQL_SETTINGS, TEMP_FUNCTIONS, TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.temp_views import ViewChanges
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.jvm_answers import ComponentAnswers
from airflow_provider.runner.session_state.tracker import ComponentTiming, SessionStateTracker
from tests.samples.harness.releases import SPARK
from tests.samples.pipelines import component, pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXECUTIONS = "org.apache.spark.sql.execution.ui.SQLExecutionUIData"
JOBS = "org.apache.spark.status.JobDataWrapper"


@pytest.fixture
def database(spark: SparkSession) -> Iterator[str]:
    """The name of a database that exists during the test."""
    name = f"db_{uuid4().hex[:8]}"
    spark.sql(f"CREATE DATABASE {name}")
    yield name
    spark.sql(f"DROP DATABASE {name} CASCADE")


@pytest.fixture
def calls(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls to the JVM."""
    client = spark.sparkContext._gateway._gateway_client
    send, made = client.send_command, []

    def counted(command: str, *rest: Any, **more: Any) -> Any:
        if command.startswith("c\n"):  # not what tells the JVM that Python has let go of an object
            made.append(command)
        return send(command, *rest, **more)

    monkeypatch.setattr(client, "send_command", counted)
    return made


def forget(spark: SparkSession, kind: str, first: int, last: int) -> None:
    """Let Spark forget some of its notes, as it does with the oldest ones when it has many."""
    store = spark.sparkContext._jsc.sc().statusStore().store()
    numbers = spark._jvm.java.util.stream
    stream = numbers.LongStream if kind == EXECUTIONS else numbers.IntStream
    some = stream.rangeClosed(first, last).boxed().toList()  # a number by itself would always become an Integer
    assert store.removeAllByIndexValues(spark._jvm.java.lang.Class.forName(kind), "__main__", some)


def test_a_component_is_two_calls_however_much_is_in_the_session(
    session: SparkSession, database: str, calls: list[str]
) -> None:
    """One before it and one after it. One view more is one view more to describe, not a walk through all there is."""
    keeper = SessionStateTracker(session, ClassicProbe(session), pipeline("a", "b", "c"), None)
    needed = []
    for name, views, tables in (("a", 0, 0), ("b", 60, 0), ("c", 0, 30)):
        for number in range(views):
            session.range(number).createOrReplaceTempView(f"v{number}")
        for number in range(tables):
            session.sql(f"CREATE TABLE {database}.t{number} (id INT, name STRING) USING parquet")
        keeper.forget_failed_component()
        before = len(calls)
        with keeper.watching(name):
            begun = len(calls)
            session.range(3).createOrReplaceTempView("left")
            ran = len(calls)
        found = keeper.after_success(component(name), 1, ComponentTiming(0.0))
        assert found.session_state is not None
        assert found.session_state.left_views == [ViewName("left")]
        needed.append((begun - before, len(calls) - ran))
    assert needed == [(1, 1), (1, 1), (1, 1)]


def test_what_a_storage_must_be_asked_for_is_asked_by_itself(
    session: SparkSession, tmp_path: Path, calls: list[str]
) -> None:
    """A storage may hang, and the look at the session must not."""
    (tmp_path / "in.txt").write_text("a\nb\n")
    keeper = SessionStateTracker(session, ClassicProbe(session), pipeline("a"), None)
    with keeper.watching("a"):
        assert session.sparkContext.textFile(str(tmp_path / "in.txt")).count() == 2
        ran = len(calls)
    found = keeper.after_success(component("a"), 1, ComponentTiming(0.0))
    assert len(calls) - ran == 2
    assert found.touched is not None
    assert [(source.roots, source.state) for source in found.touched.sources] == [([f"{tmp_path}/in.txt"], "seen")]


def test_what_does_not_come_with_the_look_is_asked_by_itself(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks cannot tell the difference."""
    session.range(3).write.parquet(str(tmp_path / "in"))
    pipe, found = pipeline("a", "b"), {}
    keeper = SessionStateTracker(session, ClassicProbe(session), pipe, None)
    for name in ("a", "b"):
        with keeper.watching(name):
            session.read.parquet(str(tmp_path / "in")).selectExpr("id", "rand() r").createOrReplaceTempView("v")
            session.sql("CREATE OR REPLACE TEMPORARY VIEW w AS SELECT count(*) n FROM v")
            session.table("v").write.mode("overwrite").parquet(str(tmp_path / "out"))
        found[name] = keeper.after_success(component(name), 1, ComponentTiming(0.0))
        monkeypatch.setattr(ComponentAnswers, "of", lambda *_: ComponentAnswers())
    one, other = found["a"], found["b"]
    assert one.session_state is not None
    assert one.touched is not None
    assert one.session_state.model_copy(update={"work_seconds": 0}) == other.session_state.model_copy(
        update={"work_seconds": 0}
    )
    assert (one.touched, one.code) == (other.touched, other.code)
    assert [source.state for source in one.touched.sources] == ["seen"]
    assert "not deterministic" in one.session_state.reason


def test_all_settings_are_seen(session: SparkSession) -> None:
    session.conf.set("my.setting", 'a "quoted"\n日本 value')
    assert take_snapshot(ClassicProbe(session)).of(SQL_SETTINGS) == dict(session.conf.getAll)


def test_a_name_may_hold_any_character(session: SparkSession) -> None:
    names = ["\x00", "a\x00b", "\n", "`", "``", '"', "\\", "日本", "😀", " ", "\u2028"]
    prefix = uuid4().hex
    for name in names:
        quoted = name.replace("`", "``")
        session.range(1).createOrReplaceTempView(f"`{quoted}`")
        session.range(1).createOrReplaceGlobalTempView(f"`{prefix}{quoted}`")
    try:
        found = take_snapshot(ClassicProbe(session)).of(TEMP_VIEWS)
        assert {view.name for view in found if not view.is_global} == set(names)
        ours = {view.name for view in found if view.name.startswith(prefix)}
        assert ours == {prefix + name for name in names}
    finally:
        for name in names:
            session.catalog.dropGlobalTempView(f"`{prefix}{name.replace('`', '``')}`")


def test_a_view_is_seen_though_the_session_no_longer_tells_upper_and_lower_case_apart(session: SparkSession) -> None:
    """It cannot be asked for by its name any more, but it has not been made anew either."""
    probe = ClassicProbe(session)
    session.conf.set("spark.sql.caseSensitive", "true")
    session.range(1).createOrReplaceTempView("Upper")
    before = take_snapshot(probe)
    session.conf.set("spark.sql.caseSensitive", "false")
    left = session_changes(before, take_snapshot(probe))
    assert left.of(TEMP_VIEWS) == ViewChanges([], [])


@pytest.mark.skipif(SPARK < (4, 2), reason="before Spark 4.2 a temp function that hides one of Spark cannot be dropped")
def test_a_temp_function_that_hides_one_of_spark_is_seen(session: SparkSession) -> None:
    """Also when it takes the place of another such one, and when it is dropped."""
    probe = ClassicProbe(session)
    looks = [take_snapshot(probe)]
    for step in (
        lambda: session.udf.register("abs", lambda x: x, "int"),
        lambda: session.udf.register("abs", lambda x: x + 1, "int"),
        lambda: None,
        lambda: session.sql("DROP TEMPORARY FUNCTION abs"),
    ):
        step()
        looks.append(take_snapshot(probe))
    lefts = [session_changes(*pair) for pair in pairwise(looks)]
    assert [left.of(TEMP_FUNCTIONS).registered for left in lefts] == [["abs"], ["abs"], [], []]
    assert [left.of(TEMP_FUNCTIONS).dropped for left in lefts] == [[], [], [], ["abs"]]


def test_a_function_of_the_catalog_is_no_temp_function(session: SparkSession, database: str) -> None:
    session.sql(f"CREATE FUNCTION {database}.upper2 AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper'")
    assert take_snapshot(ClassicProbe(session)).of(TEMP_FUNCTIONS) == {}


def test_what_an_answer_told_that_got_lost_is_told_again(
    session: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer tells what has changed. A signal may interrupt Python when it has not taken note of it yet."""
    probe = ClassicProbe(session)
    session.range(1).createOrReplaceTempView("dropped")
    before = take_snapshot(probe)
    session.range(1).createOrReplaceTempView("made")
    session.catalog.dropTempView("dropped")
    session.conf.set("my.setting", "1")

    def interrupted(text: str) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(json, "loads", interrupted)
        with pytest.raises(KeyboardInterrupt):
            take_snapshot(probe)
    left = session_changes(before, take_snapshot(probe))
    assert left.of(TEMP_VIEWS) == ViewChanges([ViewName("made")], [ViewName("dropped")])
    assert left.of(SQL_SETTINGS).values == {"my.setting": "1"}


def test_a_snapshot_stays_as_it_was(session: SparkSession, database: str) -> None:
    """What is compared with it later is the difference, however many looks are between."""
    probe = ClassicProbe(session)
    first = take_snapshot(probe)
    for number in range(3):
        session.range(1).createOrReplaceTempView(f"v{number}")
        session.conf.set(f"my.setting.{number}", "x")
        session.sql(f"CREATE TABLE {database}.t{number} (id INT) USING parquet")
        take_snapshot(probe)
    left = session_changes(first, take_snapshot(probe))
    assert left.of(TEMP_VIEWS).left == [ViewName("v0"), ViewName("v1"), ViewName("v2")]
    assert list(left.of(SQL_SETTINGS).values) == ["my.setting.0", "my.setting.1", "my.setting.2"]
    assert left.of(CATALOG_OBJECTS).created == [f"`{database}`.`t{number}`" for number in range(3)]


ALTERATIONS: dict[str, tuple[str, list[str]]] = {
    # statement on database {0} -> what is seen as created or altered
    "a table is created": ("CREATE TABLE {0}.new (x INT) USING parquet", ["`{0}`.`new`"]),
    "a column is added": ("ALTER TABLE {0}.t ADD COLUMN y INT", ["`{0}`.`t`"]),
    "a property is set": ("ALTER TABLE {0}.t SET TBLPROPERTIES ('a' = 'b')", ["`{0}`.`t`"]),
    "a view gets another text": ("CREATE OR REPLACE VIEW {0}.v AS SELECT 2 AS x", ["`{0}`.`v`"]),
    "a table is renamed": ("ALTER TABLE {0}.t RENAME TO {0}.u", ["`{0}`.`u`"]),
    "rows are inserted": ("INSERT INTO {0}.t VALUES (1)", []),
    "a table is read": ("SELECT * FROM {0}.t", []),
    "a table is dropped": ("DROP TABLE {0}.t", []),
}


@pytest.mark.parametrize(("statement", "seen"), ALTERATIONS.values(), ids=ALTERATIONS)
def test_what_is_created_and_altered_in_a_catalog_in_memory_is_seen(
    session: SparkSession, database: str, statement: str, seen: list[str]
) -> None:
    session.sql(f"CREATE TABLE {database}.t (x INT) USING parquet")
    session.sql(f"CREATE VIEW {database}.v AS SELECT 1 AS x")
    probe = ClassicProbe(session)
    before = take_snapshot(probe)
    session.sql(statement.format(database)).collect()
    left = session_changes(before, take_snapshot(probe))
    assert left.of(CATALOG_OBJECTS).created == [name.format(database) for name in seen]
    gone = "DROP" in statement or "RENAME" in statement
    assert left.of(CATALOG_OBJECTS).dropped == ([f"`{database}`.`t`"] if gone else [])


def written(session: SparkSession, path: str) -> None:
    session.range(2).write.parquet(path)


def saved_as_text(session: SparkSession, path: str) -> None:
    session.sparkContext.parallelize(["x"], 1).saveAsTextFile(path)


@pytest.mark.parametrize(
    ("work", "kind", "said"),
    [
        (written, EXECUTIONS, "ran more SQL than Spark remembers"),
        (saved_as_text, JOBS, "ran more jobs than Spark remembers"),
    ],
)
def test_what_spark_has_forgotten_may_have_been_a_write(
    session: SparkSession, tmp_path: Path, work: Callable[[SparkSession, str], None], kind: str, said: str
) -> None:
    """Spark keeps notes of the newest thousand. Invariant 11: no evidence that it was harmless."""
    session.range(1).createOrReplaceTempView("v")
    probe = ClassicProbe(session)
    mark = take_snapshot(probe).mark
    work(session, str(tmp_path / "out"))
    take_snapshot(probe)  # waits until Spark has taken notes
    number = mark[0] if kind == EXECUTIONS else mark[1]
    forget(session, kind, number, number)
    session.range(1).createOrReplaceTempView("v")
    effects = probe.effects_since(mark)
    assert (effects.certain, str(effects.wrote).startswith(said)) == (False, True)


def test_what_was_done_before_a_mark_does_not_count_though_spark_forgets_it(
    session: SparkSession, tmp_path: Path
) -> None:
    session.range(1).createOrReplaceTempView("v")
    probe = ClassicProbe(session)
    before = take_snapshot(probe).mark
    written(session, str(tmp_path / "out"))
    mark = take_snapshot(probe).mark
    forget(session, EXECUTIONS, before[0], before[0])
    session.range(1).createOrReplaceTempView("v")
    assert probe.effects_since(mark).wrote is None


@pytest.mark.parametrize(("retained", "certain"), [(1_000_000, True), (2, False)])
def test_in_a_session_that_had_run_nothing_all_that_spark_remembers_counts(
    session: SparkSession, tmp_path: Path, retained: int, certain: bool
) -> None:
    """The number of the first execution is not known then: Spark may have been started anew in this JVM."""
    session.range(1).createOrReplaceTempView("v")
    probe = ClassicProbe(session)
    execution, job = take_snapshot(probe).mark
    forget(session, EXECUTIONS, 0, execution - 1)
    written(session, str(tmp_path / "out"))
    session.range(1).createOrReplaceTempView("v")
    settings = session.sparkContext._jsc.sc().conf()
    settings.set("spark.sql.ui.retainedExecutions", str(retained))
    try:
        effects = probe.effects_since((0, job))
    finally:
        settings.remove("spark.sql.ui.retainedExecutions")
    assert (effects.certain, bool(effects.wrote)) == (certain, True)
