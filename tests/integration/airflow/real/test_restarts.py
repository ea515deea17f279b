"""What a person asks of the next attempt: by command, in the task state store, and looked at before it happens."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

REQUEST = "pyspark_pipeline_restart_from/chain"


def command(run: Any, what: str, *more: str) -> str:
    """Run a command for the task of a run and return what it prints."""
    return str(run.airflow.command("pyspark-pipeline", what, run.dag_id, "work", run.run_id, *more))


def refused(run: Any, what: str, *more: str) -> str:
    """Run a command that must fail, and return what it says."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        command(run, what, *more)
    return str(caught.value.stderr)


def actions(printed: str) -> dict[str, str]:
    """Return component to action, as a plan on the terminal says it."""
    rows = [line.split() for line in printed.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[1] in ("RUN", "REUSE", "REPLAY")}


@pytest.mark.real_airflow
def test_a_restart_after_a_success_runs_what_was_requested_and_nothing_else(scene: Any) -> None:
    """What was asked for runs and nothing else; the plan says so before; a clear without a request starts afresh."""
    run = scene.run("chain")
    scene.trigger(run)
    run.wait_for_end("success")
    of_a_clear = command(run, "plan")
    assert actions(of_a_clear) == dict.fromkeys("abcd", "RUN")
    assert "cleared after the pipeline had succeeded, so it starts from the beginning" in of_a_clear
    expected = {"a": "REUSE", "b": "REUSE", "c": "RUN", "d": "RUN"}
    assert actions(command(run, "plan", "--restart-from", "c")) == expected
    asked = command(run, "restart-from", "c")
    assert "the next attempt of chain.work" in asked
    assert "if no attempt is due, clear the task" in asked
    assert "pending request for the next attempt: restart from 'c'" in command(run, "show")
    assert actions(command(run, "plan")) == expected
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "c d"]
    assert run.plan == expected
    assert run.text("d") == "abcd"
    assert run.first_line(2).startswith("cleared after the pipeline had succeeded, with a restart request")
    shown = command(run, "show")
    assert "pending" not in shown
    assert "restart request: restart from 'c' (airflow pyspark-pipeline restart-from by " in shown
    assert "carried out by attempt 2 at " in shown
    run.clear()

    run.wait_for_end("success")
    assert run.executed[2:] == ["a b c d"]


@pytest.mark.real_airflow
def test_a_restart_after_a_success_restores_the_views_that_were_kept(scene: Any) -> None:
    """With ``keep_session_state_hours`` the views of a run that has succeeded are there for a restart."""
    run = scene.run("spark_kept")
    scene.trigger(run)
    run.wait_for_end("success")
    command(run, "restart-from", "publish")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["numbers totals publish", "publish"]
    assert run.plan == {"numbers": "REUSE", "totals": "REUSE", "publish": "RUN"}


@pytest.mark.real_airflow
def test_a_restart_after_a_success_names_what_else_has_to_run_if_no_view_was_kept(scene: Any) -> None:
    """What would have to run again is named before anything does (invariant 11), and named as well it runs."""
    run = scene.run("spark")
    scene.trigger(run)
    run.wait_for_end("success")
    said = refused(run, "restart-from", "publish")
    assert "component 'numbers'" in said
    assert "component 'totals'" in said
    assert "keep_session_state_hours" in said
    assert "pending" not in command(run, "show")
    command(run, "restart-from", "numbers", "publish")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["numbers totals publish"] * 2


@pytest.mark.real_airflow
def test_an_impossible_request_is_refused_by_the_command_and_ignored_by_the_attempt(scene: Any) -> None:
    """Refused by the command; typed into the store, it is set aside and the attempt resumes as if there were none."""
    run = scene.run("chain")
    run.fail("c")
    scene.trigger(run)
    run.wait_for_end("failed")
    assert "no component 'bb'; did you mean 'b'?" in refused(run, "restart-from", "bb")
    assert "would leave 'b' with an old result" in refused(run, "restart-from", "a", "--without-descendants")
    command(run, "restart-from", "b")
    assert "withdrew the pending request" in command(run, "withdraw")
    assert "nothing to withdraw" in command(run, "withdraw")
    run.airflow.put_task_state(run.dag_id, run.run_id, "work", REQUEST, "bb")
    assert "would ignore: restart from 'bb'" in command(run, "plan")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c", "c d"]
    assert run.text("d") == "abcd"
    log = run.airflow.log_lines(run.dag_id, run.run_id, "work", 2)
    assert any("ignoring" in line and "restart from 'bb'" in line for line in log)
    assert REQUEST not in run.airflow.task_state(run.dag_id, run.run_id, "work")
    assert "set aside by attempt 2" in command(run, "show")


@pytest.mark.real_airflow
def test_a_request_while_the_task_runs_is_for_the_next_attempt(scene: Any) -> None:
    """The command says so, and it is so: typed by hand, too, it fires once."""
    run = scene.run("chain")
    run.hold("c")
    scene.trigger(run)
    run.wait_for_start("c")
    assert "that attempt continues unchanged, and the next one comes after it" in command(run, "restart-from", "b")
    run.airflow.put_task_state(run.dag_id, run.run_id, "work", REQUEST, ["d"])
    run.release("c")
    run.wait_for_end("success")
    run.fail("d", 2)
    run.clear()
    run.wait_for_end("failed")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "d", "d"]
    assert run.plan == {"a": "REUSE", "b": "REUSE", "c": "REUSE", "d": "RUN"}
