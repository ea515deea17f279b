"""What the ways to clear a task do with its task state, and what the next attempt makes of that."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider.runner import LocalCheckpointStore
from scripts.local_airflow import RELEASE

ASKS = pytest.mark.airflow(since=(3, 4), reason="before Airflow 3.4 the dialog does not ask about the task state")
LOOPS = pytest.mark.airflow(since=(3, 4), reason="before Airflow 3.4 there are no loops over tasks")
ASKED = " with its task state kept ('Keep task state and resume', or a clear that does not ask)"
KEPT = f"cleared after an unfinished attempt{ASKED if RELEASE >= (3, 4) else ''}, so it continues from the checkpoint"
DISCARDED = "cleared without 'Keep task state and resume', so it starts from the beginning"


def failed_at_b(scene: Any, dag_id: str) -> Any:
    """Return a run that has failed in b, after a."""
    run = scene.run(dag_id)
    run.fail("b")
    scene.trigger(run)
    run.wait_for_end("failed")
    return run


def assert_resumed(run: Any, line: str = KEPT) -> None:
    """The second attempt went on at b, and its log says why."""
    run.wait_for_end("success")
    assert run.executed == ["a b", "b c d"]
    assert run.text("d") == "abcd"
    assert run.first_line(2).startswith(line)


def assert_started_over(run: Any, line: str) -> None:
    """The second attempt ran everything, and its log says why."""
    run.wait_for_end("success")
    assert run.executed == ["a b", "a b c d"]
    assert run.text("d") == "abcd"
    assert set(run.plan.values()) == {"RUN"}
    assert run.first_line(2).startswith(line)


@ASKS
@pytest.mark.real_airflow
@pytest.mark.parametrize("dag_id", ["chain", "chain_kept_elsewhere"])
def test_a_clear_without_the_task_state_starts_over(scene: Any, dag_id: str) -> None:
    """Not ticked means to start over, wherever the checkpoint lies."""
    run = failed_at_b(scene, dag_id)
    run.clear(keep=False)

    assert_started_over(run, DISCARDED)


@pytest.mark.real_airflow
def test_a_clear_that_keeps_the_task_state_resumes(scene: Any) -> None:
    """Ticked means to resume, also where the checkpoint lies elsewhere."""
    run = failed_at_b(scene, "chain_kept_elsewhere")
    run.clear()

    assert_resumed(run)


@ASKS
@pytest.mark.real_airflow
def test_with_on_clear_resume_a_checkpoint_kept_elsewhere_survives_any_clear(scene: Any) -> None:
    """The author wants every clear to resume, and keeps the checkpoint where a clear does not reach it."""
    run = failed_at_b(scene, "chain_resumed")
    run.clear(keep=False)

    assert_resumed(run, "cleared without 'Keep task state and resume', but on_clear is 'resume', so it continues from")


@ASKS
@pytest.mark.real_airflow
def test_on_clear_resume_with_the_default_store_gives_one_warning(scene: Any) -> None:
    """There the checkpoint goes with the task state: the first attempt's log says so, once, with the remedy."""
    run = failed_at_b(scene, "chain_resumed_in_vain")
    run.clear(keep=False)

    assert_started_over(run, DISCARDED)
    logs = [run.airflow.log_lines(run.dag_id, run.run_id, "work", attempt) for attempt in (1, 2)]
    said = [[line for line in log if "on_clear is 'resume'" in line] for log in logs]
    assert [len(lines) for lines in said] == [1, 0]
    assert "Set checkpoint_url to keep it elsewhere" in said[0][0]


@ASKS
@pytest.mark.real_airflow
def test_a_discarded_checkpoint_does_not_come_back_from_the_attempt_that_is_stopped(scene: Any) -> None:
    """What the attempt that is being stopped still writes does not bring the discarded checkpoint back."""
    run = scene.run("chain")
    run.hold("b")
    scene.trigger(run)
    run.wait_for_start("b")
    run.clear(keep=False)

    assert_started_over(run, DISCARDED)


@pytest.mark.real_airflow
def test_a_clear_of_the_whole_run_keeps_the_task_state_and_resumes(scene: Any) -> None:
    """It does not ask, and keeps the task state."""
    run = failed_at_b(scene, "chain")
    run.clear_run()

    assert_resumed(run)


@pytest.mark.real_airflow
def test_with_on_clear_restart_a_clear_of_the_whole_run_starts_over(scene: Any) -> None:
    """The author wants every clear to start over, also one that keeps the task state."""
    run = scene.run("chain_cleared_afresh")
    run.fail("b")
    scene.trigger(run)
    run.wait_for_end("failed")
    run.clear_run()

    run.wait_for_end("success")
    assert run.executed == ["a b", "a b c"]
    assert run.first_line(2).startswith("cleared after an unfinished attempt and on_clear is 'restart'")


@pytest.mark.real_airflow
def test_a_clear_from_airflows_command_line_keeps_the_task_state_and_resumes(scene: Any) -> None:
    """Airflow's own command does not ask either, and keeps the task state."""
    run = failed_at_b(scene, "chain_cleared_by_command")
    run.airflow.command("tasks", "clear", "--yes", run.dag_id)

    assert_resumed(run)


@pytest.mark.real_airflow
@pytest.mark.parametrize("dag_id", ["chain", "chain_kept_elsewhere"])
def test_restart_from_with_clear_keeps_the_request_and_the_task_state(scene: Any, dag_id: str) -> None:
    """The command leaves the request and clears with the task state kept, so neither is lost."""
    run = scene.run(dag_id)
    run.fail("d")
    scene.trigger(run)
    run.wait_for_end("failed")
    store = [] if dag_id == "chain" else ["--store", str(run.folder / "checkpoints")]
    words = ("pyspark-pipeline", "restart-from", run.dag_id, "work", run.run_id, "b", *store)
    assert ("tick 'Keep task state and resume'" in run.airflow.command(*words)) is (RELEASE >= (3, 4))
    assert "cleared, keeping the task state: work" in run.airflow.command(*words, "--clear")

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "b c d"]
    assert run.plan == {"a": "REUSE", "b": "RUN", "c": "RUN", "d": "RUN"}
    assert run.first_line(2).startswith(KEPT)


@ASKS
@pytest.mark.real_airflow
def test_a_request_that_is_kept_elsewhere_goes_before_the_dialog(scene: Any) -> None:
    """Who asks to restart from a component has to clear, and need not know that the tick counts."""
    run = scene.run("chain_kept_elsewhere")
    run.fail("d")
    scene.trigger(run)
    run.wait_for_end("failed")
    store = str(run.folder / "checkpoints")
    run.airflow.command("pyspark-pipeline", "restart-from", run.dag_id, "work", run.run_id, "b", "--store", store)
    run.clear(keep=False)

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "b c d"]


@LOOPS
@pytest.mark.real_airflow
def test_each_iteration_of_a_loop_has_a_checkpoint_of_its_own(scene: Any) -> None:
    """Both have map index -1 and one directory for checkpoints; each resumes from its own (invariant 7)."""
    run = scene.run("looped")
    iterations = [run.index(0), run.index(1)]
    iterations[0].fail("b")
    iterations[1].fail("c")
    scene.trigger(run)
    run.wait_for_end("success")

    assert [iteration.executed for iteration in iterations] == [["a b", "b c"], ["a b c", "c"]]
    assert [iteration.text("c") for iteration in iterations] == ["abc", "abc"]
    found = LocalCheckpointStore(run.folder / "checkpoints").list()
    assert sorted((*state.scope[:3], state.scope[4], state.status) for state in found) == [
        ("looped", "again.work", "-1", "0", "completed"),
        ("looped", "again.work", "-1", "1", "completed"),
    ]
    for state in found:
        iteration = (run.dag_id, "again.work", run.run_id, "--region", *state.scope[3:])
        store = ("--store", str(run.folder / "checkpoints"))
        assert "completed, attempt 2" in run.airflow.command("pyspark-pipeline", "show", *iteration, *store)
        planned = run.airflow.command("pyspark-pipeline", "plan", *iteration, *store, "--restart-from", "c")
        assert re.findall(r"^(\w) +(RUN|REUSE) ", planned, re.MULTILINE) == [
            ("a", "REUSE"),
            ("b", "REUSE"),
            ("c", "RUN"),
        ]
