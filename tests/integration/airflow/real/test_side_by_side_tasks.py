"""Components side by side in a real Airflow: cleared, timed out, retried."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.real_airflow

PARTS = ["a", "b", "c"]


def attempts(run: Any) -> list[list[str]]:
    """Return which components began in each attempt, in the order of the alphabet."""
    return [sorted(attempt.split()) for attempt in run.executed]


def test_a_task_that_is_cleared_while_three_components_run_ends_them_and_runs_them_again(scene: Any) -> None:
    run = scene.run("side_by_side")
    for part in PARTS:
        run.hold(part)
    scene.trigger(run)
    for part in PARTS:
        run.wait_for_start(part)
    run.clear()

    run.wait_for_end("success")
    assert attempts(run) == [PARTS, [*PARTS, "join"]]
    assert run.repeated == []
    assert run.text("join") == "abc"


def test_a_retry_has_what_two_components_left_and_runs_the_third_again(scene: Any) -> None:
    run = scene.run("side_by_side")
    run.fail("b")
    scene.trigger(run)

    run.wait_for_end("success")
    assert attempts(run) == [PARTS, ["b", "join"]]
    assert run.repeated == []
    assert run.text("join") == "abc"
    assert run.plan == {"a": "REUSE", "b": "RUN", "c": "REUSE", "join": "RUN"}


def test_a_component_whose_time_is_up_fails_alone_and_the_retry_resumes_with_it(scene: Any) -> None:
    run = scene.run("side_by_side_in_time")
    run.hold("b")
    scene.trigger(run)
    run.wait_for_start("b")

    run.wait_for_end("success")
    assert attempts(run) == [PARTS, ["b", "join"]]
    assert run.repeated == []
    assert run.text("join") == "abc"
