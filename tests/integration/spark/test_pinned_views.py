"""Views that are held while all goes well, and what is saved of them when an attempt fails or a source changes.

Invariant 11 and "saved when it fails": a component that is known to be harmless costs nothing when all goes well, and
a retry need not run it again if that was costly. In the pipelines here everything counts as costly unless said.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pyspark import StorageLevel
from pyspark.errors import AnalysisException

from airflow_provider.errors import AttemptStopped, ReplayDiffersError, SessionStateNotSavedError
from airflow_provider.runner import PipelineResultStatus
from airflow_provider.runner.observing.report import plan_table
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    Make = Callable[..., SparkRun]
    Work = Callable[[SparkSession], object]

SUCCESS = PipelineResultStatus.SUCCESS
SAVED_AFTER_FAILURE = ("kept", "saved when the attempt failed")
LONG = 600.0
"""Seconds that a component took by the clock of the test: for so long its views may be saved."""


@pytest.fixture
def make(spark: SparkSession, script: Script, tmp_path: Path) -> Make:
    """Makes a run in which every replay counts as costly, and which saves views below the test's directory."""

    def run(*components: Any, **fields: Any) -> SparkRun:
        return SparkRun(spark, tmp_path / "state", *components, **{"replay_below_cpu_seconds": 0, **fields})

    return run


@pytest.fixture
def global_view(spark: SparkSession) -> Iterator[str]:
    """The name of a global temp view, which is dropped after the test: all sessions share it."""
    name = f"g_{uuid4().hex[:8]}"
    yield name
    spark.catalog.dropGlobalTempView(name)


def view(name: str, rows: int) -> Work:
    return lambda session: session.range(rows).createOrReplaceTempView(name)


def sql_view(name: str, query: str) -> Work:
    return lambda session: session.sql(query).createOrReplaceTempView(name)


def values(session: SparkSession, name: str) -> list[Any]:
    return sorted(row[0] for row in session.table(name).collect())


def next_attempt(run: SparkRun, name: str = "c", look: Work = lambda session: None) -> list[str]:
    """Let ``name`` look and succeed in a new session; return what ran."""
    run.does(name, look)
    run.took_turns()
    assert run.resume(keep_session_state=True).failed_components == []
    return run.took_turns()


# Saved when the attempt fails


def test_costly_views_are_saved_when_the_attempt_fails_and_nothing_of_them_runs_again(make: Make) -> None:
    run = make("a", "c")
    run.does("a", view("v", 3), seconds=LONG)
    during: list[str] = []
    run.does("c", lambda session: (during.append(run.handling("a")[0]), 1 / 0))
    [(name, error)] = run.attempt().failed_components
    assert (name, type(error), during) == ("c", ZeroDivisionError, ["replay"]), "nothing is saved before that"
    assert run.handling("a") == SAVED_AFTER_FAILURE
    [decision, _] = run.in_new_session().plan().decisions
    assert (str(decision.action), str(decision.reason).rpartition("; ")[2]) == ("REUSE", "1 saved view to restore")
    found: list[Any] = []
    assert next_attempt(run, look=lambda session: found.append(values(session, "v"))) == ["c"]
    assert found == [[0, 1, 2]]


def test_the_plan_says_which_views_come_back_as_of_then_and_which_as_of_now(make: Make) -> None:
    run = make("saved", "lazy", "text", "c", replay_below_cpu_seconds=1000)
    run.does("saved", sql_view("random", "SELECT uuid() AS id"))
    run.does("lazy", view("v", 3))
    run.does("text", lambda session: session.sql("CREATE TEMP VIEW late AS SELECT * FROM v"))
    run.fails("c")
    run.attempt()
    _, _, *rows = plan_table(run.in_new_session().plan())
    assert [row.rpartition("   ")[2].partition(" (")[0] for row in rows] == [
        "1 view as of then",
        "1 view made again, as of now",
        "1 view by SQL text, as of now",
        "failed in attempt 1",
    ]


def test_nothing_is_saved_when_all_goes_well_nor_when_a_replay_is_cheap(make: Make, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", view("v", 3), seconds=LONG)
    assert run.attempt(keep_session_state=True).status is SUCCESS
    cheap = make("a", "c", replay_below_cpu_seconds=1000)
    cheap.does("a", view("v", 3), seconds=LONG)
    cheap.fails("c")
    cheap.attempt()
    assert run.handling("a")[0] == cheap.handling("a")[0] == "replay"
    assert list((tmp_path / "state").rglob("*.parquet")) == []
    assert next_attempt(cheap) == ["a", "c"]


def test_the_newest_is_saved_first_and_the_log_tells_how_far_it_is(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    run = make("a", "b", "nothing", "c")
    run.does("a", view("v", 3), seconds=LONG)
    run.does("b", view("w", 4), seconds=LONG)
    run.fails("c")
    with caplog.at_level("INFO"):
        run.attempt()
    told = [
        r.getMessage().partition(" (")[0]
        for r in caplog.records
        if r.getMessage().startswith("saving the session state of ")
    ]
    rest = "so that a retry need not run it again"
    assert told == [f"saving the session state of b, 1 of 2, {rest}", f"saving the session state of a, 2 of 2, {rest}"]
    assert run.handling("a") == run.handling("b") == SAVED_AFTER_FAILURE
    assert next_attempt(run) == ["c"]


def test_a_view_that_was_replaced_is_saved_as_it_was_when_its_component_completed(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", view("v", 3), seconds=LONG)
    run.does("b", sql_view("v", "SELECT id + 10 AS id FROM v UNION ALL SELECT 99"), seconds=LONG)
    run.fails("c")
    run.attempt()
    rows = {
        name: sorted(row[0] for row in run.session.read.parquet(run.record(name).views[0].url).collect())
        for name in ("a", "b")
    }
    assert rows == {"a": [0, 1, 2], "b": [10, 11, 12, 99]}
    assert next_attempt(run) == ["c"]
    assert values(run.session, "v") == [10, 11, 12, 99]


def test_a_view_of_sql_text_is_replayed_because_it_changes_with_what_it_names(make: Make) -> None:
    """Invariant 6: the text reads another ``u`` at the end than when its component completed."""

    def script_of(run: SparkRun) -> None:
        run.does("a", view("u", 3), seconds=LONG)
        run.does("b", lambda session: session.sql("CREATE TEMP VIEW v AS SELECT id + 1 AS id FROM u"), seconds=LONG)
        run.does("r", view("u", 5), seconds=LONG)

    smooth = make("a", "b", "r", "c")
    script_of(smooth)
    assert smooth.attempt().status is SUCCESS
    expected = values(smooth.session, "v")
    run = make("a", "b", "r", "c")
    script_of(run)
    run.fails("c")
    run.attempt()
    assert run.handling("a") == run.handling("r") == SAVED_AFTER_FAILURE
    assert run.handling("b")[0] == "replay"
    assert next_attempt(run) == ["b", "c"]
    assert values(run.session, "v") == expected == [1, 2, 3, 4, 5]


def test_saving_takes_no_longer_than_the_components_took(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Or ten seconds: then the job is cancelled, and a retry replays the component, as after a kill."""
    slow = tmp_path / "slow"
    slow.touch()

    def lazy(session: SparkSession) -> None:
        def computed(frames: Iterator[Any]) -> Iterator[Any]:
            ends = time.monotonic() + 180
            while slow.exists() and time.monotonic() < ends:
                time.sleep(0.01)
            yield from frames

        session.range(3).mapInPandas(computed, "id long").createOrReplaceTempView("v")

    run = make("older", "a", "c")
    run.does("older", view("w", 3))
    run.does("a", lazy, seconds=0.5)
    run.fails("c")
    [(name, error)] = run.attempt().failed_components
    assert (name, str(error)) == ("c", "c broke")
    assert slow.exists()
    assert "could not save the session state of a (TimeoutError: saving took longer than" in caplog.text
    assert run.handling("older")[0] == run.handling("a")[0] == "replay"
    slow.unlink()
    assert next_attempt(run) == ["older", "a", "c"]
    assert values(run.session, "v") == [0, 1, 2]


def test_a_kill_saves_nothing_and_the_next_attempt_replays(make: Make, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", view("v", 3), seconds=LONG)

    def stopped(session: SparkSession) -> None:
        raise AttemptStopped("Airflow stops the task")

    run.does("c", stopped)
    with pytest.raises(AttemptStopped):
        run.attempt()
    assert run.handling("a")[0] == "replay"
    assert list((tmp_path / "state").rglob("*.parquet")) == []
    assert next_attempt(run) == ["a", "c"]
    assert values(run.session, "v") == [0, 1, 2]


def test_storage_that_fails_then_changes_nothing(
    spark: SparkSession, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The attempt's error stays that of its component, and a retry replays."""
    (tmp_path / "file").touch()
    run = SparkRun(spark, tmp_path / "file" / "state", "a", "c", replay_below_cpu_seconds=0)
    run.does("a", view("v", 3), seconds=LONG)
    run.fails("c")
    assert [(name, str(error)) for name, error in run.attempt().failed_components] == [("c", "c broke")]
    assert "could not save the session state of a (" in caplog.text
    assert run.handling("a")[0] == "replay"
    assert next_attempt(run) == ["a", "c"]
    assert values(run.session, "v") == [0, 1, 2]


UNSAVABLE: dict[str, Work] = {
    "a temp function": lambda s: s.udf.register("f", lambda x: x + 1, "int"),
    "a session variable": lambda s: s.sql("DECLARE VARIABLE answers ARRAY<INT> DEFAULT array(42)"),
    "a secret setting": lambda s: s.conf.set("my.api.token", "hunter2"),
    "a setting that is none of Spark's": lambda s: s.conf.set("my_date", "2024-01-01"),
}


@pytest.mark.parametrize("what", UNSAVABLE)
def test_views_beside_what_cannot_be_saved_are_not_saved_so_that_nothing_of_it_gets_lost(make: Make, what: str) -> None:
    """Invariant 6: its component is replayed with all that it leaves."""
    run = make("a", "c")
    run.does("a", lambda session: (UNSAVABLE[what](session), view("v", 3)(session)), seconds=LONG)
    run.fails("c")
    run.attempt()
    assert run.handling("a")[0] == "replay"
    assert next_attempt(run) == ["a", "c"]


def test_what_was_replayed_is_saved_when_the_second_attempt_fails(make: Make) -> None:
    """After a kill the component runs once more, and not again for each further failure."""
    run = make("a", "c")
    run.does("a", view("v", 3), seconds=LONG)

    def stopped(session: SparkSession) -> None:
        raise AttemptStopped

    run.does("c", stopped)
    with pytest.raises(AttemptStopped):
        run.attempt()
    run.fails("c")
    run.resume()
    assert run.handling("a") == SAVED_AFTER_FAILURE
    assert next_attempt(run) == ["c"]


# Saved before what they read changes


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    """The name of a table that is dropped after the test."""
    name = f"t_{uuid4().hex[:8]}"
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def _csv(session: SparkSession, path: str, table: str) -> None:
    (Path(path) / "more.csv").write_text("5\n6\n7\n")


CHANGES: dict[str, tuple[Callable[[SparkSession, str, str], object], int]] = {
    # what the writer does, and how many rows the view has then in a session that goes on
    "appends files": (lambda s, path, table: s.range(5, 8, 1, 1).write.mode("append").csv(path), 5),
    "writes a file in Python": (_csv, 5),
    "inserts into the table": (lambda s, path, table: s.sql(f"INSERT INTO {table} VALUES (5), (6), (7)"), 8),
}


@pytest.mark.parametrize("fails", [False, True], ids=["", "and fails after that"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_view_shows_the_rows_that_it_had_when_a_later_component_had_changed_what_it_reads(
    make: Make, tmp_path: Path, table: str, what: str, fails: bool
) -> None:
    """Invariants 6 and 11: as without a failure. Spark pins a list of files, but lets views of a table follow it."""
    change, rows = CHANGES[what]
    path = str(tmp_path / "in")
    run = make("a", "w", "c", replay_below_cpu_seconds=1000)
    run.session.range(0, 5, 1, 1).write.csv(path)
    run.session.range(0, 5, 1, 1).write.saveAsTable(table)

    def read(session: SparkSession) -> DataFrame:
        return session.table(table) if "table" in what else session.read.schema("id long").csv(path)

    def writes(session: SparkSession) -> None:
        change(session, path, table)
        if fails:
            raise RuntimeError("w broke")

    run.does("a", lambda session: read(session).createOrReplaceTempView("v"))
    run.does("w", writes)
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["w" if fails else "c"]
    assert run.handling("a") == ("kept", "saved, because 'w' has written to its source")
    assert values(run.session, "v") == list(range(rows))
    if fails:
        run.mend("w")
    assert next_attempt(run) == (["w", "c"] if fails else ["c"])
    assert values(run.session, "v") == list(range(rows))
    assert read(run.session).count() == 8


def test_a_view_whose_files_a_later_component_removed_is_not_there(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a failure it could not be read either: nothing fails before somebody reads it, and others are there."""
    path = str(tmp_path / "in")
    run = make("a", "w", "c")
    run.session.range(5).write.parquet(path)
    run.does("a", lambda session: (session.read.parquet(path).createOrReplaceTempView("v"), view("other", 3)(session)))
    run.does("w", lambda session: session.range(9).write.mode("overwrite").parquet(path))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert (handling, [saved.name for saved in run.record("a").views]) == ("kept", ["other"])
    assert reason == "'w' has written to its source and deleted files of 'v', which can no longer be read"
    caplog.clear()
    assert next_attempt(run) == ["c"]
    assert "view `v` of a could not be restored: 'w' has written to its source and deleted files of 'v'" in caplog.text
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        run.session.table("v")
    assert values(run.session, "other") == [0, 1, 2]


@pytest.mark.parametrize("with_view", [False, True])
def test_a_function_made_of_what_a_later_component_changed_is_an_error_with_the_remedy(
    make: Make, tmp_path: Path, with_view: bool
) -> None:
    """It cannot be saved, and running its component again would make another one of it."""
    path = str(tmp_path / "in")
    run = make("a", "w", "c")
    run.session.range(5).write.parquet(path)

    def register(session: SparkSession) -> None:
        count = session.read.parquet(path).count()
        session.udf.register("f", lambda: count, "long")
        if with_view:
            view("v", 3)(session)

    run.does("a", register)
    run.does("w", lambda session: session.range(3).write.mode("append").parquet(path))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert handling == "unrepeatable"
    assert reason.startswith("registered temp function 'f', which cannot be saved; ")
    assert reason.endswith("; but it must not run again: 'w' has written to its source")
    run.took_turns()
    with pytest.raises(SessionStateNotSavedError, match=r"component .a.: registered temp function .f.(?s:.*)replay"):
        run.resume()
    assert run.took_turns() == []


# Views that were cached


DISK = StorageLevel.DISK_ONLY
MEMORY = StorageLevel.MEMORY_AND_DISK_DESER

CACHED: dict[str, tuple[Work, Work, StorageLevel]] = {
    # what a does, what b does, at which level the view is kept then
    "cache": (lambda s: (view("v", 3)(s), s.table("v").cache()), lambda s: None, MEMORY),
    "persist": (lambda s: (view("v", 3)(s), s.table("v").persist(DISK)), lambda s: None, DISK),
    "CACHE TABLE": (lambda s: (view("v", 3)(s), s.sql("CACHE TABLE v")), lambda s: None, MEMORY),
    "of a later component": (view("v", 3), lambda s: s.table("v").persist(DISK), DISK),
    "not any more": (
        lambda s: (view("v", 3)(s), s.table("v").cache()),
        lambda s: s.table("v").unpersist(),
        StorageLevel.NONE,
    ),
    "never": (view("v", 3), lambda s: None, StorageLevel.NONE),
}


@pytest.fixture
def clear_cache(spark: SparkSession) -> Iterator[Callable[[], None]]:
    """Lets Spark forget what it keeps, as at the end of the process: all sessions share it."""
    spark.catalog.clearCache()
    yield spark.catalog.clearCache
    spark.catalog.clearCache()


def is_kept(session: SparkSession, name: str) -> bool | None:
    """Whether Spark keeps the rows of a view already; None if it is not to keep them."""
    leaf = session.table(name)._jdf.queryExecution().withCachedData().collectLeaves().head()
    if leaf.getClass().getSimpleName() != "InMemoryRelation":
        return None
    return bool(leaf.cacheBuilder().isCachedColumnBuffersLoaded())


@pytest.mark.parametrize("fields", [{"session_state": "save"}, {"session_state": "replay"}, {}], ids=str)
@pytest.mark.parametrize("what", CACHED)
def test_a_cached_view_is_cached_again_at_the_same_level_when_it_is_read_next(
    make: Make, what: str, fields: dict[str, Any], clear_cache: Callable[[], None]
) -> None:
    """Also in the first attempt: a view that was saved does not lose its cache."""
    first, second, level = CACHED[what]
    run = make("a", "b", "c", **fields)
    run.does("a", first, seconds=LONG)
    run.does("b", second, seconds=LONG)
    seen: list[StorageLevel] = []
    run.does("c", lambda session: (seen.append(session.table("v").storageLevel), 1 / 0))
    run.attempt()
    assert seen == [level]
    clear_cache()
    kept: list[bool | None] = []
    ran = next_attempt(
        run,
        look=lambda session: (
            seen.append(session.table("v").storageLevel),
            kept.append(is_kept(session, "v")),
            session.table("v").count(),
            kept.append(is_kept(session, "v")),
        ),
    )
    assert seen == [level, level]
    if level == StorageLevel.NONE:
        assert kept == [None, None]
    elif "a" not in ran:
        assert kept == [False, True], "nothing is computed before somebody reads the view"
    assert values(run.session, "v") == [0, 1, 2]


@pytest.mark.parametrize("policy", ["save", "replay"])
def test_a_cached_global_view_is_cached_again(
    make: Make, spark: SparkSession, policy: str, global_view: str, clear_cache: Callable[[], None]
) -> None:
    name = f"global_temp.{global_view}"
    run = make("a", "c", session_state=policy)
    run.does(
        "a",
        lambda session: (
            session.range(3).createOrReplaceGlobalTempView(global_view),
            session.table(name).persist(DISK),
        ),
    )
    run.fails("c")
    run.attempt()
    clear_cache()
    spark.catalog.dropGlobalTempView(global_view)
    next_attempt(run)
    assert run.session.table(name).storageLevel == DISK
    assert values(run.session, name) == [0, 1, 2]


# A replay that comes out otherwise


DIFFERENT: dict[str, tuple[Work, str]] = {
    "another view": (
        lambda s: (view("w", 3)(s), s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")),
        "view 'v' is missing; view 'w' is new",
    ),
    "one view more": (
        lambda s: (view("v", 3)(s), view("w", 3)(s), s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")),
        "view 'w' is new",
    ),
    "a function": (
        lambda s: (
            view("v", 3)(s),
            s.udf.register("f", lambda x: x, "int"),
            s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo"),
        ),
        "temp function 'f' is new",
    ),
    "another value of a setting": (
        lambda s: (view("v", 3)(s), s.conf.set("spark.sql.session.timeZone", "Asia/Seoul")),
        "setting 'spark.sql.session.timeZone' has another value",
    ),
    "one setting more": (
        lambda s: (
            view("v", 3)(s),
            s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo"),
            s.conf.set("spark.sql.shuffle.partitions", "3"),
        ),
        "setting 'spark.sql.shuffle.partitions' changed, too",
    ),
    "a view of an earlier component dropped": (
        lambda s: (
            view("v", 3)(s),
            s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo"),
            s.catalog.dropTempView("early"),
        ),
        "view 'early' was dropped, too",
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_replay_that_leaves_something_else_is_an_error_that_names_both(make: Make, what: str) -> None:
    run = make("early", "a", "c", replay_below_cpu_seconds=1000)
    run.does("early", view("early", 1))
    run.does("a", lambda s: (view("v", 3)(s), s.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")))
    run.fails("c")
    run.attempt()
    work, said = DIFFERENT[what]
    run.does("a", work)
    run.took_turns()
    [(name, error)] = run.resume().failed_components
    assert (name, type(error)) == ("a", ReplayDiffersError)
    assert f"component 'a' left different session state when it was replayed: {said}. " in str(error)
    assert "Set its session_state to 'save', and restart from 'a'" in str(error)
    assert run.took_turns() == ["early", "a"]


def test_a_replay_that_leaves_the_same_is_none_whatever_was_in_the_session(make: Make) -> None:
    """A second run in one session: what later components had left there is no difference."""
    run = make("a", "b", "c", replay_below_cpu_seconds=1000)
    run.does("a", lambda session: (session.catalog.dropTempView("w"), view("v", 3)(session)))
    run.does("b", view("w", 3))

    def breaks(session: SparkSession) -> None:
        view("v", 1)(session)
        raise RuntimeError("c broke")

    run.does("c", breaks)
    run.attempt()
    run.mend("c")
    run.took_turns()
    assert run.attempt().failed_components == []
    assert run.took_turns() == ["a", "b", "c"]


# The log


def test_the_log_tells_why_views_are_saved_once_and_not_in_each_attempt(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Also with the remedy: somebody who has read it and decided is not told again."""
    run = make(component("a", component_type="sink"), "c")
    run.does("a", view("v", 3))
    run.fails("c")
    with caplog.at_level("INFO"):
        run.attempt()
        shutil.rmtree(run.record("a").views[0].url)
        run.resume()
    told = [r.getMessage() for r in caplog.records if r.getMessage().startswith("a: saved v (")]
    assert [line.partition(" s)")[2] for line in told] == [
        ": is a sink; if running it twice does no harm, set session_state: replay",
        "",
    ]
