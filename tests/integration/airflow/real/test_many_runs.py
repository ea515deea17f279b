"""One pipeline file for several tasks, mapped instances and runs: none touches the checkpoint of another."""

from __future__ import annotations

from typing import Any

import pytest

GROUPED = "nightly.sales.work"


@pytest.mark.real_airflow
def test_two_runs_at_the_same_time_of_a_task_in_groups(scene: Any) -> None:
    """They share the file and the place of their checkpoints; only the one that failed resumes, from its own record."""
    first, second = (scene.run("grouped", number, GROUPED) for number in (1, 2))
    first.hold("b")
    first.fail("c")
    scene.trigger(first)
    first.wait_for_start("b")
    scene.trigger(second)
    second.wait_for_end("success")
    first.release("b")
    first.wait_for_end("success")

    assert second.executed == ["a b c"]
    assert first.executed == ["a b c", "c"]
    assert (first.text("c"), second.text("c")) == ("abc", "abc")
    assert first.plan == {"a": "REUSE", "b": "REUSE", "c": "RUN"}
    assert first.first_line(2).startswith("retry")


@pytest.mark.real_airflow
def test_a_run_that_waits_for_the_one_before_starts_when_that_was_cleared_and_resumed(scene: Any) -> None:
    """``depends_on_past``: the next day's run has nothing of its own before that, and nothing of the other's after."""
    first, second = (scene.run("one_after_another", number) for number in (1, 2))
    first.fail("b")
    scene.trigger(first, day="2026-01-01T00:00:00Z")
    first.wait_for_end("failed")
    scene.trigger(second, day="2026-01-02T00:00:00Z")
    first.clear()
    first.wait_for_end("success")
    second.wait_for_end("success")

    assert first.executed == ["a b", "b c"]
    assert second.executed == ["a b c"]
    assert second.first_line(1).startswith("first attempt")


@pytest.mark.real_airflow
def test_the_days_of_a_backfill_resume_each_from_its_own_record(scene: Any) -> None:
    """Two at a time, the same file; the day that failed is tried again by Airflow."""
    days = ("2026-01-01", "2026-01-02", "2026-01-03")
    for day in days[1:2]:
        (scene.folder / day).mkdir(parents=True)
        (scene.folder / day / "fail-b-1").touch()
    runs = scene.backfill("daily", *days)
    for run in runs:
        run.wait_until_known()
        run.wait_for_end("success")

    assert [run.executed for run in runs] == [["a b c"], ["a b", "b c"], ["a b c"]]
    assert [run.text("c") for run in runs] == ["abc", "abc", "abc"]


@pytest.mark.real_airflow
def test_pipelines_from_expand_kwargs_resume_each_by_itself(scene: Any) -> None:
    """A file for one index and a dict for the other; each fails once and resumes."""
    run = scene.run("mapped_kwargs")
    instances = [run.index(0), run.index(1)]
    for instance in instances:
        instance.fail("b")
    scene.trigger(run)
    run.wait_for_end("success")

    assert [instance.executed for instance in instances] == [["a b", "b c"], ["a b", "b"]]
    assert instances[0].plan == {"a": "REUSE", "b": "RUN", "c": "RUN"}
    assert instances[1].plan == {"a": "REUSE", "b": "RUN"}
