"""Temp views: what is seen, recorded, restored and dropped again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider.runner.record.view_names import ViewName
from tests.integration.spark.session_state.scenes import SUCCESS, after_failure, sql_view, values, view
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    Make = Callable[..., SparkRun]


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


def test_views_of_one_name_come_back_in_their_order(make: Make) -> None:
    """A replayed component reads what the one before it left, saved or not, and replaces it."""
    run = make(component("a", session_state="save"), "b", component("b2", session_state="save"), "b3", "c")
    run.does("a", view("v", 3))
    for name in ("b", "b2", "b3"):
        run.does(name, sql_view("v", "SELECT id + 10 AS id FROM v"))
    assert after_failure(run) == ["b", "b3", "c"]
    assert values(run.session, "v") == [30, 31, 32]


def test_the_views_can_still_be_read_after_success(make: Make) -> None:
    """In a notebook the pipeline's result may be a view: ``keep_session_state`` leaves it readable."""
    run = make("a", session_state="save")
    run.does("a", view("v", 3))
    assert run.attempt(keep_session_state=True).status is SUCCESS
    assert values(run.session, "v") == [0, 1, 2]
