"""Runs on a real Spark whose sources change between the attempts, by the run itself and by somebody else."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError, SourceChangedError
from airflow_provider.runner.planning.plan import Action, RunPlan
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


@pytest.fixture
def inbox(spark: SparkSession, tmp_path: Path) -> str:
    """A directory with five rows."""
    path = str(tmp_path / "in")
    spark.range(5).coalesce(1).write.parquet(path)
    return path


@pytest.fixture
def make(spark: SparkSession, script: Script, tmp_path: Path, inbox: str) -> Make:
    """Makes a run whose first component leaves a view of the five rows, and whose last one fails."""

    def run(*components: Any, **fields: Any) -> SparkRun:
        found = SparkRun(spark, tmp_path / "state", *components, **fields)
        found.does("reader", lambda session: session.read.parquet(inbox).createOrReplaceTempView("v"))
        found.fails("last")
        return found

    return run


def append(spark: SparkSession, path: str) -> None:
    spark.range(100, 103).coalesce(1).write.mode("append").parquet(path)


def planned(run: SparkRun, *, cleared: bool = False) -> RunPlan:
    return run.in_new_session().runner().plan(run.store.load("run-1"), cleared=cleared)


def finish(run: SparkRun, query: str = "SELECT count(*) FROM v", *, cleared: bool = False) -> int:
    """Carry the next attempt out and return what its last component saw: how many rows the view has."""
    seen: list[int] = []
    run.does("last", lambda session: seen.append(session.sql(query).first()[0]))
    runner = run.in_new_session().runner()
    assert runner.run(plan=runner.plan(run.store.load("run-1"), cleared=cleared)).failed_components == []
    return seen[0]


def actions(plan: RunPlan) -> list[Action]:
    return [decision.action for decision in plan.decisions]


def test_the_record_holds_what_a_component_read(make: Make, inbox: str) -> None:
    """The record of a component names its source, and holds no more than that needs."""
    run = make("reader", component("last", "reader"))
    run.attempt()
    checkpoint = run.store.load("run-1")
    assert checkpoint is not None
    [source] = checkpoint.components["reader"].sources
    assert (source.kind, source.name, source.files, source.state) == ("files", inbox, 1, "seen")


def test_a_saved_view_is_no_source(make: Make, inbox: str) -> None:
    """A component that reads a view that was saved has no source of its own: the files there are the run's own."""
    run = make("reader", component("counter", "reader"), component("last", "reader"), session_state="save")
    run.does("counter", lambda session: session.table("v").groupBy().count().createOrReplaceTempView("n"))
    run.attempt()
    checkpoint = run.store.load("run-1")
    assert checkpoint is not None
    assert [source.name for source in checkpoint.components["reader"].sources] == [inbox]
    assert checkpoint.components["counter"].sources == []


def test_a_retry_uses_what_was_saved_and_says_that_the_source_has_changed(
    spark: SparkSession, make: Make, inbox: str
) -> None:
    """Somebody appends between the attempts: a retry still sees what the run had read."""
    run = make("reader", component("last", "reader"), session_state="save")
    run.attempt()
    append(spark, inbox)
    plan = planned(run)
    assert actions(plan) == [Action.REUSE, Action.RUN]
    assert plan.notes == (
        f"source of 'reader' has changed since it was read: {inbox}: 1 file more; the run keeps what was read "
        "(on_source_change is 'auto' and this is a retry or restart; a clear or 'rerun_affected' reads it again)",
    )
    assert finish(run) == 5


def test_a_clear_reads_again_what_others_changed(spark: SparkSession, make: Make, inbox: str) -> None:
    """Who repairs data and clears the task gets the repaired data, also if the old was saved."""
    run = make("reader", component("last", "reader"), session_state="save")
    run.attempt()
    append(spark, inbox)
    assert actions(planned(run, cleared=True)) == [Action.RUN, Action.RUN]
    assert finish(run, cleared=True) == 8


def test_what_would_be_replayed_takes_along_what_read_the_same(spark: SparkSession, make: Make, inbox: str) -> None:
    """Nothing that was made of the old rows is left beside what is made of the new ones."""
    run = make(component("counter", session_state="save"), "reader", component("last", "reader"))
    count = f"SELECT count(*) AS n FROM parquet.`{inbox}`"
    run.does("counter", lambda session: session.sql(count).createOrReplaceTempView("n"))
    run.attempt()
    append(spark, inbox)
    assert actions(planned(run)) == [Action.RUN, Action.RUN, Action.RUN]
    assert finish(run, "SELECT count(*) * 100 + (SELECT n FROM n) FROM v") == 808


@pytest.mark.parametrize("cleared", [False, True], ids=["retry", "clear"])
def test_what_the_run_itself_wrote_is_no_change_by_others(make: Make, inbox: str, cleared: bool) -> None:
    """A later component appended to what the first one had read: the first one still has its five rows."""
    run = make("reader", component("writer", "reader"), component("last", "writer"), session_state="save")
    run.does("writer", lambda session: append(session, inbox))
    run.attempt()
    plan = planned(run, cleared=cleared)
    assert (actions(plan), plan.notes) == ([Action.REUSE, Action.REUSE, Action.RUN], ())
    assert finish(run, cleared=cleared) == 5


def test_a_clear_reads_again_after_our_own_change_and_one_by_others(
    spark: SparkSession, make: Make, inbox: str
) -> None:
    """What the run wrote and what somebody else did are told apart."""
    run = make("reader", component("writer"), component("last", "reader"), session_state="save")
    run.does("writer", lambda session: append(session, inbox))
    run.attempt()
    append(spark, inbox)
    assert actions(planned(run, cleared=True)) == [Action.RUN, Action.REUSE, Action.RUN]


@pytest.mark.parametrize("is_table", [True, False])
def test_a_restored_view_that_would_have_followed_a_write_is_not_silent(
    spark: SparkSession, make: Make, inbox: str, caplog: pytest.LogCaptureFixture, is_table: bool
) -> None:
    """A view of a table shows what its own session appends, its copy cannot; a view of a directory never does."""
    run = make("reader", component("last", "reader"), session_state="save")
    table = f"{Path(inbox).parent.name}_followed"
    if is_table:
        spark.read.parquet(inbox).write.saveAsTable(table)
        run.does("reader", lambda session: session.table(table).createOrReplaceTempView("v"))
    run.attempt()

    def write(session: SparkSession) -> None:
        more = session.range(3)
        more.write.mode("append").saveAsTable(table) if is_table else append(session, inbox)

    run.does("last", write)
    runner = run.in_new_session().runner()
    assert runner.run(plan=runner.plan(run.store.load("run-1"))).failed_components == []
    told = [record.getMessage() for record in caplog.records if "view 'v' of reader" in record.getMessage()]
    assert len(told) == is_table
    assert all(message.startswith("last changed what view 'v' of reader reads. The view is a copy") for message in told)
    assert all("statements that read it from now on are refused" in message for message in told)
    spark.sql(f"DROP TABLE IF EXISTS {table}")


def test_a_replay_that_would_read_what_the_run_wrote_is_refused(make: Make, inbox: str) -> None:
    """What was not saved and can no longer be made is an error, not another number of rows."""
    run = make(
        component("reader", config={"x": 1}),
        component("writer", "reader"),
        component("last", "writer", config={"input_view": "v"}),
        session_state="auto",
    )
    run.url = None  # so that nothing can be saved
    run.does("writer", lambda session: append(session, inbox))
    run.attempt()
    assert run.handling("reader")[0] == "unrepeatable"
    with pytest.raises(SessionStateNotSavedError, match=r"it must not run again: 'writer' has written to its source"):
        planned(run)


def test_no_listener_remains_when_a_component_has_failed(spark: SparkSession, make: Make) -> None:
    """What listens to Spark holds on to lists of files, and would delay the next component."""

    def listeners() -> int:
        names = [listener.getClass().getName() for listener in spark._jsc.sc().listenerBus().listeners()]
        return names.count("SessionSources")

    before = listeners()  # other tests look at sessions that end in the middle of a component
    make("reader", component("last", "reader")).attempt()
    assert listeners() == before


def test_keep_goes_on_with_what_was_read_and_fail_refuses(spark: SparkSession, make: Make, inbox: str) -> None:
    """With ``keep`` a replay reads what is there and the plan says so, with ``fail`` nothing goes on."""
    for policy in ("keep", "fail"):
        run = make("reader", component("last", "reader"), on_source_change=policy)
        run.attempt()
        append(spark, inbox)
        if policy == "fail":
            with pytest.raises(SourceChangedError, match="1 file more; on_source_change is 'fail'"):
                planned(run)
        else:
            plan = planned(run)
            assert actions(plan) == [Action.REPLAY, Action.RUN]
            assert plan.notes[0].startswith("replaying 'reader' reads different data than before")


@pytest.fixture
def replace_in_place(spark: SparkSession, inbox: str) -> Callable[[], object]:
    """Lets another process put a larger Parquet file under the name of the one that is there."""
    spark.range(50_000).coalesce(1).write.parquet(f"{inbox}-new")
    (new,), (old,) = Path(f"{inbox}-new").glob("*.parquet"), Path(inbox).glob("*.parquet")
    for checksum in Path(inbox).glob(".*.crc"):  # which only Hadoop's local files have
        checksum.unlink()
    return lambda: subprocess.run(["mv", str(new), str(old)], check=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the sources of views before each component."""
    monkeypatch.setattr("airflow_provider.runner.session_state.sources.source_watch.LOOK_AGAIN_SECONDS", 0)


@pytest.mark.usefixtures("impatient")
def test_a_file_replaced_in_place_is_told_before_a_component_reads_it(
    make: Make, inbox: str, replace_in_place: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    """The earlier view then shows no row at all, and no error: Spark reads as many bytes as the file had."""
    run, seen = make("reader", "between", "last"), []
    run.does("between", lambda session: replace_in_place())
    run.does("last", lambda session: seen.append(session.table("v").count()))
    with caplog.at_level(logging.WARNING):
        run.attempt()
    told = [record.getMessage() for record in caplog.records if "replaced in" in record.getMessage()]
    assert seen == [0]
    assert len(told) == 1
    assert told[0].startswith(f"1 file was replaced in {inbox}, which views of 'reader' read ('v')")


@pytest.mark.usefixtures("impatient")
def test_a_file_replaced_in_place_stops_the_attempt_if_the_policy_says_so(
    make: Make, replace_in_place: Callable[[], object]
) -> None:
    run = make("reader", "between", "last", on_source_change="fail")
    run.does("between", lambda session: replace_in_place())
    run.does("last", lambda session: pytest.fail("it must not read that"))
    result = run.attempt()
    ((name, error),) = result.failed_components
    assert name == "last"
    assert isinstance(error, SourceChangedError)


@pytest.mark.usefixtures("impatient")
def test_files_that_are_added_or_that_the_run_itself_writes_are_no_replaced_ones(
    make: Make, spark: SparkSession, inbox: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An appended file stays hidden from the view, as ever; what a component overwrites is looked after elsewhere."""
    run = make("reader", "between", "more", "last")
    run.does("between", lambda session: append(session, inbox))
    run.does("more", lambda session: session.range(9).write.mode("overwrite").parquet(inbox))
    run.does("last", lambda session: None)
    with caplog.at_level(logging.WARNING):
        run.attempt()
    assert "replaced in" not in caplog.text
