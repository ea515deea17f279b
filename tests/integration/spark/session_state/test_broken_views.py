"""Views that cannot be read when their component completes: they fail nobody, and no later attempt reads another thing.

Each component does what a real one does, in a session of Spark's in which nothing is mended.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from tests.integration.spark.session_state.scenes import SUCCESS, reads, sql, values, view
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

MAKES: dict[str, Callable[[SparkSession, str], object]] = {
    "a DataFrame's view": lambda s, table: s.table(table).createOrReplaceTempView("v"),
    "a view in SQL": lambda s, table: s.sql(f"CREATE OR REPLACE TEMP VIEW v AS SELECT * FROM {table}"),
    "a view of a query": lambda s, table: s.sql(f"SELECT id + 1 AS id FROM {table}").createOrReplaceTempView("v"),
}


def staged(run: SparkRun, table: str, make_view: Callable[[SparkSession, str], object]) -> None:
    """Component ``a`` leaves ``v`` over a staging table that it drops, and ``w``; ``b`` makes the table anew."""

    def stages(session: SparkSession) -> None:
        session.range(3).write.saveAsTable(table)
        make_view(session, table)
        session.sql(f"DROP TABLE {table}")
        view("w", 2)(session)

    run.does("a", stages)
    run.does("b", lambda session: session.range(5).write.saveAsTable(table))


@pytest.mark.parametrize("how", MAKES)
def test_a_staging_table_that_is_dropped_fails_nobody(make: Make, database: str, how: str) -> None:
    """With a failure in between it ends as without one, and what is broken is recorded with Spark's condition."""
    run = make("a", "b", "c")
    staged(run, f"{database}.stg", MAKES[how])
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    record = run.record("a")
    assert (record.handling, [saved.name for saved in record.views]) == ("kept", ["w"])
    assert isinstance(record.parts["views"], dict)
    assert record.parts["views"]["v"]["condition"] in ("FAILED_READ_FILE.FILE_NOT_EXIST", "TABLE_OR_VIEW_NOT_FOUND")
    found: list[Any] = []
    run.does("c", lambda session: found.append(values(session, "w")))
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert (run.took_turns(), found) == (["c"], [[0, 1]])


@pytest.mark.parametrize("how", MAKES)
def test_who_reads_a_broken_view_after_a_resume_learns_why_it_is_missing(
    make: Make, database: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Never what is in the table by then, nor a table or an older view of that name."""
    run = make("older", "a", "b", "c")
    run.does("older", view("v", 7))
    staged(run, f"{database}.stg", MAKES[how])
    run.fails("c")
    run.attempt()
    run.session.range(9).write.saveAsTable(f"{database}.v")
    run.does("c", lambda session: session.sql(f"USE {database}") and session.sql("SELECT count(*) FROM v").collect())
    result = run.resume()
    [(name, error)] = result.failed_components
    assert (name, "[TABLE_OR_VIEW_NOT_FOUND]" in str(error)) == ("c", True)
    assert "view `v` of a could not be restored: view 'v' cannot be saved: " in caplog.text
    [failed] = [one for one in result.component_results if one.failure is not None]
    said = "\n".join(failed.failure.hints)
    assert said.startswith("view `v` could not be restored after the failure: view 'v' cannot be saved: ")
    assert "set its session_state: replay if running it twice does no harm" in said


@pytest.mark.parametrize("how", MAKES)
def test_an_attempt_that_certainly_needs_a_broken_view_is_refused_before_anything_runs(
    make: Make, database: str, how: str
) -> None:
    run = make("a", "b", reads("c"))
    staged(run, f"{database}.stg", MAKES[how])
    run.fails("c")
    run.attempt()
    run.mend("c")
    run.took_turns()
    with pytest.raises(SessionStateNotSavedError, match="view `v`, which 'c' reads, was not saved: view 'v' cannot be"):
        run.resume()
    assert run.took_turns() == []


def test_a_view_that_a_later_component_makes_anew_is_needed_by_nobody(make: Make, database: str) -> None:
    run = make("a", "b", "again", reads("c"))
    staged(run, f"{database}.stg", MAKES["a view in SQL"])
    run.does("again", view("v", 4))
    found: list[Any] = []
    run.fails("c")
    run.attempt()
    run.does("c", lambda session: found.append(values(session, "v")))
    assert run.resume().status is SUCCESS
    assert found == [[0, 1, 2, 3]]


def test_a_view_over_files_that_its_component_removed_keeps_no_other_away(make: Make, tmp_path: Path) -> None:
    place = str(tmp_path / "in")

    def removes(session: SparkSession) -> None:
        session.range(3).write.parquet(place)
        session.read.parquet(place).createOrReplaceTempView("v")
        view("w", 2)(session)
        shutil.rmtree(place)

    run = make("a", "c")
    run.does("a", removes)
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    found: list[Any] = []
    run.does("c", lambda session: found.append(values(session, "w")))
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert (run.took_turns(), found) == (["c"], [[0, 1]])


@pytest.mark.parametrize("by", ["frame", "sql"])
def test_a_type_that_is_switched_off_fails_nobody(make: Make, tmp_path: Path, by: str) -> None:
    """A view with it can be made and collected, but neither cached, counted nor written."""
    query = "SELECT TIME'12:34:56' AS t"
    run = make("a", "b", "c")

    def leaves(session: SparkSession) -> None:
        try:
            if by == "frame":
                session.sql(query).createOrReplaceTempView("v")
            else:
                session.sql(f"CREATE TEMP VIEW v AS {query}")
        except Exception:
            pytest.skip("this Spark has no TIME")
        view("w", 2)(session)
        session.range(1).write.parquet(str(tmp_path / "out"))

    run.does("a", leaves)
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    found: list[Any] = []
    run.does("c", lambda session: found.append(values(session, "w")))
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert (run.took_turns()[-1:], found) == (["c"], [[0, 1]])


def test_a_copy_that_vanishes_after_the_plan_keeps_no_other_view_away(make: Make) -> None:
    """Restoring is per view: nothing that runs needs the one that is gone."""
    run = make(component("a", component_type="sink"), "c")
    run.does("a", lambda session: [view("v", 3)(session), view("w", 2)(session)])
    run.fails("c")
    run.attempt()
    plan = run.in_new_session().plan()
    shutil.rmtree(next(saved.url for saved in run.record("a").views if saved.name == "v"))
    found: list[Any] = []
    run.does("c", lambda session: found.append(values(session, "w")))
    run.took_turns()
    assert run.runner().run(plan=plan).status is SUCCESS
    assert (run.took_turns(), found) == (["c"], [[0, 1]])


def test_a_lost_function_that_a_later_component_calls_is_refused_before_anything_runs(
    make: Make, tmp_path: Path
) -> None:
    run = make("a", component("c", config={"statement": "SELECT twice(21)"}))
    run.does(
        "a",
        lambda session: [
            sql("CREATE TEMPORARY FUNCTION twice(x INT) RETURNS INT RETURN 2 * x")(session),
            session.range(1).write.parquet(str(tmp_path / "out")),
        ],
    )
    run.fails("c")
    run.attempt()
    run.took_turns()
    with pytest.raises(SessionStateNotSavedError, match="temp function `twice`, which 'c' reads, was not saved"):
        run.resume()
    assert run.took_turns() == []
