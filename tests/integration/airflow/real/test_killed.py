"""Processes are killed and stopped; the next attempt resumes, and nobody works on beside it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from airflow_provider.runner import LocalCheckpointStore

BEFORE_THE_BETA = pytest.mark.airflow(
    before=(3, 4),
    reason="a heartbeat timeout ends the scheduler of Airflow 3.4.0b2: UniqueViolation of task_instance_current_key in "
    "TaskInstance.prepare_db_for_next_try, called by _purge_task_instances_without_heartbeats",
)

STEPS = ["numbers", "totals", "publish"]


def java_of(run: Any, task: Any) -> int:
    """Return the id of the task's JVM. What that one is about to start still looks like it, but has it as parent."""
    found = []
    for process in run.spark_processes():
        with contextlib.suppress(OSError):
            program = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0]
            parent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
            if program.endswith(b"java") and int(parent) == task.process:
                found.append(process)
    (java,) = found
    return int(java)


@pytest.mark.real_airflow
@pytest.mark.parametrize(("dag_id", "ends"), [("chain", "failed"), ("chain_retried", "success")])
def test_a_component_that_ends_the_process_with_status_0_is_not_a_success(scene: Any, dag_id: str, ends: str) -> None:
    """``os._exit(0)`` in a component or in a library: the task has not come to its end, so it failed."""
    run = scene.run(dag_id)
    run.exit("b")
    scene.trigger(run)

    run.wait_for_end(ends)
    assert run.executed == (["a b"] if ends == "failed" else ["a b", "b c d"])
    assert run.repeated == []


@pytest.mark.real_airflow
@pytest.mark.parametrize("victim", ["task", "supervisor", "jvm"])
def test_after_kill_9_at_a_random_moment_the_retry_resumes_with_the_right_result(scene: Any, victim: str) -> None:
    """Whatever dies and whenever: the retry resumes, what had completed does not run again, the result is right."""
    run = scene.run("spark")
    run.hold("publish")
    scene.trigger(run)
    first = run.wait_for_start("numbers")
    java = java_of(run, first)
    victims = {"task": first.process, "supervisor": first.supervisor, "jvm": java}
    step, moment = scene.random.choice(STEPS), scene.random.uniform(0, 4)
    run.wait_for_start(step)
    time.sleep(moment)
    last = run.journal[-1]
    os.kill(victims[victim], signal.SIGKILL)
    killed = time.monotonic()
    scene.say(f"killed the {victim} {moment:.1f} s after the start of {step}; by then: {last.event} {last.component}")

    # The orphan and its JVM do not work on: 10 s, and some patience with a busy machine.
    if victim != "jvm":
        run.wait(lambda: not first.alive and java not in run.spark_processes(), "the killed attempt to be gone", 20)
        scene.say(f"the attempt was gone {time.monotonic() - killed:.1f} s after the kill")
    run.release("publish")
    run.wait_for_end("success")

    # What was at work when the kill came runs again; the ones before it had been recorded (invariant 3).
    first_attempt, second_attempt = (attempt.split() for attempt in run.executed)
    resumed_at = STEPS.index(second_attempt[0])
    assert first_attempt == STEPS[: len(first_attempt)]
    assert second_attempt == STEPS[resumed_at:]
    assert resumed_at in (len(first_attempt) - 1, len(first_attempt))
    assert run.plan == {name: "REUSE" if at < resumed_at else "RUN" for at, name in enumerate(STEPS)}
    assert run.first_line(2).startswith("retry")
    published = pd.read_parquet(run.folder / "published").sort_values("shop")
    assert dict(zip(published["shop"], published["total"], strict=True)) == {
        shop: sum(range(shop, 1000, 7)) for shop in range(7)
    }


@pytest.mark.real_airflow
def test_an_orphaned_attempt_ends_even_if_its_component_only_waits(scene: Any) -> None:
    """A component that does nothing but wait is no reason to live on: the orphan ends by itself, the retry resumes."""
    run = scene.run("chain_retried")
    run.hold("b")
    scene.trigger(run)
    orphan = run.wait_for_start("b")
    java = java_of(run, orphan)
    os.kill(orphan.supervisor, signal.SIGKILL)
    run.wait(lambda: not orphan.alive and java not in run.spark_processes(), "the orphan and its JVM to end", 20)

    run.wait_for_end("success")
    assert run.executed == ["a b", "b c d"]
    assert run.text("d") == "abcd"
    assert run.plan == {"a": "REUSE", "b": "RUN", "c": "RUN", "d": "RUN"}
    assert run.first_line(2).startswith("retry")


@BEFORE_THE_BETA
@pytest.mark.real_airflow
def test_supervisor_paused_past_the_heartbeat_timeout(scene: Any) -> None:
    """A zombie that goes on beside its successor neither writes nor starts another component (invariant 5)."""
    run = scene.run("chain_retried")
    run.hold("b", 1)
    run.hold("c", 1)
    scene.trigger(run)
    zombie = run.wait_for_start("b", 1)
    os.kill(zombie.supervisor, signal.SIGSTOP)
    try:
        successor = run.wait_for_start("c", 1)
        assert successor.process != zombie.process
        # The zombie finishes its component and wants to record it, which waits for the supervisor. When that one goes
        # on it learns at the next heartbeat, before or after this, that the attempt does not count any more.
        run.release("b", 1)
        run.wait(lambda: replace(zombie, event="done") in run.journal, "the zombie to go on")
    finally:
        os.kill(zombie.supervisor, signal.SIGCONT)
    run.wait(lambda: not zombie.alive, "the zombie to end", 60)
    of_zombie = [entry.component for entry in run.journal if entry.process == zombie.process and entry.event == "start"]
    assert of_zombie == ["a", "b"]
    run.release("c", 1)

    run.wait_for_end("success")
    assert run.executed == ["a b", "b c d"]
    assert run.text("d") == "abcd"
    assert run.plan == {"a": "REUSE", "b": "RUN", "c": "RUN", "d": "RUN"}
    assert run.first_line(2).startswith("retry")
    recorded = run.checkpoint().components
    assert {name: record.attempt for name, record in recorded.items()} == {"a": 1, "b": 2, "c": 2, "d": 2}


@BEFORE_THE_BETA
@pytest.mark.real_airflow
def test_what_a_zombie_recorded_before_it_was_replaced_counts(scene: Any) -> None:
    """What was recorded before the takeover never runs again, what is finished after it is refused (invariant 5).

    With checkpoints in a directory a zombie needs no supervisor to record what it does.
    """
    run = scene.run("chain_in_a_directory")
    for component in "bc":
        run.hold(component, 1)
    run.hold("c", 2)
    scene.trigger(run)
    zombie = run.wait_for_start("b", 1)
    os.kill(zombie.supervisor, signal.SIGSTOP)
    try:
        run.release("b", 1)
        assert run.wait_for_start("c", 1).process == zombie.process  # so b is recorded
        successor = run.wait_for_start("c", 2)
        assert successor.process != zombie.process
        run.release("c", 1)
        run.wait(lambda: replace(zombie, event="done", component="c") in run.journal, "the zombie to go on")
    finally:
        os.kill(zombie.supervisor, signal.SIGCONT)
    run.wait(lambda: not zombie.alive, "the zombie to end", 60)
    run.release("c", 2)

    run.wait_for_end("success")
    assert run.executed == ["a b c", "c d"]
    assert run.text("d") == "abcd"
    assert run.plan == {"a": "REUSE", "b": "REUSE", "c": "RUN", "d": "RUN"}
    (checkpoint,) = LocalCheckpointStore(run.folder / "checkpoints").list()
    recorded = {name: record.attempt for name, record in checkpoint.components.items()}
    assert recorded == {"a": 1, "b": 1, "c": 2, "d": 2}
