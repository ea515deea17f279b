"""Several runs and attempts in one session, and a component that stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.integration.spark.session_state.scenes import SUCCESS, sql, sql_view, values, view
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


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
