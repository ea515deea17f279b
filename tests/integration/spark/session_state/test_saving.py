"""Saving views to the directory of the run: what cannot be saved, what is damaged later, and what is deleted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.errors import SparkSessionError
from airflow_provider.runner.planning.plan import Action
from tests.conftest import Script
from tests.integration.spark.session_state.scenes import (
    SUCCESS,
    after_failure,
    files_below,
    reads,
    refused,
    sql_view,
    values,
    view,
)
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


@pytest.mark.parametrize("broken", ["below a file", "no such storage"])
def test_a_view_that_cannot_be_saved_is_no_failure(
    spark: SparkSession, script: Script, tmp_path: Path, broken: str
) -> None:
    """The disk is full, the bucket is gone: only an attempt that needs the view fails, and runs nothing again."""
    (tmp_path / "file").write_text("x")
    url = f"{tmp_path}/file/state" if broken == "below a file" else "nosuchfs://bucket/state"
    run = SparkRun(spark, url, "a", reads("c"), session_state="save")
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
    again = make("a", reads("c"), session_state="save")
    again.does("a", never)
    assert "never read this" in refused(again)


def test_a_view_that_cannot_be_computed_is_replayed_if_that_is_harmless(make: Make) -> None:
    run = make("a", "c")
    run.does("a", sql_view("v", "SELECT raise_error('never read this')"))
    assert after_failure(run) == ["a", "c"]


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
    reasons = {decision.component: str(decision.reason) for decision in plan.decisions}
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
    run = make(component("a", component_type="sink"), reads("c"))
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


@pytest.mark.parametrize("keep", [False, True])
def test_saved_views_are_deleted_after_success_unless_they_are_to_be_kept(
    make: Make, tmp_path: Path, keep: bool
) -> None:
    run = make("a", "b", session_state="save")
    run.does("a", view("v", 3))
    run.fails("b")
    run.attempt(keep_session_state=keep)
    assert files_below(tmp_path / "state"), "needed for the next attempt"
    run.mend("b")
    assert run.resume(keep_session_state=keep).status is SUCCESS
    assert bool(files_below(tmp_path / "state")) is keep


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
    assert all(path.is_dir() and files_below(path) for path in needed)
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
    run = SparkRun(spark, f"{scheme}{tmp_path}/{name}/state", "a", "b", session_state="save")
    run.does("a", view("v", 3))
    run.fails("b")
    run.attempt()
    found = []
    run.does("b", lambda session: found.append(values(session, "v")))
    assert run.resume().status is SUCCESS
    assert found == [[0, 1, 2]]
    assert neighbour.exists()
    assert files_below(tmp_path) == [neighbour], "nothing is left of what was saved"
