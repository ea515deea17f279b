"""What a person does in Airflow's UI, and what the next attempt makes of it."""

from __future__ import annotations

from typing import Any

import pytest

RESUMED = {"a": "REUSE", "b": "RUN", "c": "RUN", "d": "RUN"}
FRESH = dict.fromkeys("abcd", "RUN")


def assert_resumed_at_b(run: Any) -> None:
    """The second attempt went on at b, nothing that had completed ran again, and the result is right."""
    run.wait_for_end("success")
    assert run.executed == ["a b", "b c d"]
    assert run.repeated == []
    assert run.text("d") == "abcd"
    assert run.plan == RESUMED


# Without the marker: this one is in `make test` too.
def test_a_retry_resumes_after_the_last_component_that_succeeded(scene: Any) -> None:
    """Airflow retries by itself: the next attempt goes on after the last component that succeeded."""
    run = scene.run("chain_retried")
    run.fail("b")
    scene.trigger(run)

    assert_resumed_at_b(run)
    assert run.first_line(1).startswith("first attempt")
    assert run.first_line(2).startswith("retry")


@pytest.mark.real_airflow
def test_a_task_cleared_after_its_last_failure_resumes(scene: Any) -> None:
    """Cleared after it had failed for good, the task resumes."""
    run = scene.run("chain")
    run.fail("b")
    scene.trigger(run)
    run.wait_for_end("failed")
    run.clear()

    assert_resumed_at_b(run)
    assert run.first_line(2).startswith("cleared after an unfinished attempt")


@pytest.mark.real_airflow
def test_clear_after_a_failure_with_on_clear_restart(scene: Any) -> None:
    """With ``on_clear="restart"`` the same starts from the beginning."""
    run = scene.run("chain_cleared_afresh")
    run.fail("b")
    scene.trigger(run)
    run.wait_for_end("failed")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b", "a b c"]
    assert run.text("c") == "abc"
    assert run.plan == {"a": "RUN", "b": "RUN", "c": "RUN"}
    assert run.first_line(2).startswith("cleared")
    assert "restart" in run.first_line(2)


@pytest.mark.real_airflow
def test_a_task_cleared_after_success_runs_everything_again(scene: Any) -> None:
    """Cleared after it had succeeded, the task runs everything again."""
    run = scene.run("chain")
    scene.trigger(run)
    run.wait_for_end("success")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "a b c d"]
    assert run.text("d") == "abcd"
    assert run.plan == FRESH
    assert run.first_line(2).startswith("cleared after the pipeline had succeeded")


@pytest.mark.real_airflow
def test_a_task_cleared_while_it_runs_ends_and_resumes(scene: Any) -> None:
    """Cleared in the middle of a component, the attempt ends and the next one resumes."""
    run = scene.run("chain")
    run.hold("b")
    scene.trigger(run)
    run.wait_for_start("b")
    run.clear()

    assert_resumed_at_b(run)
    assert run.first_line(2).startswith("cleared after an unfinished attempt")


@pytest.mark.real_airflow
def test_a_task_marked_as_failed_ends_with_its_jvm_and_resumes_when_cleared(scene: Any) -> None:
    """Marked as failed in the middle of a component, the attempt ends with its JVM; cleared, the task resumes."""
    run = scene.run("chain")
    run.hold("b")
    scene.trigger(run)
    run.wait_for_start("b")
    assert run.spark_processes()
    run.mark("failed")
    run.wait_for_end("failed")
    run.wait(lambda: not run.spark_processes(), "Spark to end", 30)
    assert [entry.component for entry in run.journal if entry.event == "done"] == ["a"]
    run.clear()

    assert_resumed_at_b(run)
    assert run.first_line(2).startswith("cleared after an unfinished attempt")


@pytest.mark.real_airflow
def test_a_task_marked_as_successful_by_hand_resumes_when_cleared(scene: Any) -> None:
    """Marked as successful by hand, the pipeline is still unfinished: cleared, the task resumes."""
    run = scene.run("chain")
    run.fail("b")
    scene.trigger(run)
    run.wait_for_end("failed")
    run.mark("success")
    assert run.instance["state"] == "success"
    run.clear()

    assert_resumed_at_b(run)
    assert run.first_line(2).startswith("cleared after an unfinished attempt")


@pytest.mark.real_airflow
def test_changed_retries_in_the_dag_file_are_not_taken_for_a_clear(scene: Any) -> None:
    """Changed ``retries`` are not taken for a clear, and a clear that comes to the same ``max_tries`` is seen."""
    dag_id = "edited"
    file = scene.dags_folder / f"{dag_id}.py"

    def write(retries: int) -> None:
        file.write_text(
            "from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator\n"
            "from scenes import chain, dag\n"
            f"with dag({dag_id!r}):\n"
            "    PySparkPipelineOperator(\n"
            f"        task_id='work', pipeline=chain('a', 'b', 'c', 'd'), retries={retries}, on_clear='restart'\n"
            "    )\n"
        )

    write(retries=3)
    run = scene.run(dag_id)
    run.hold("b", 1)
    run.fail("b", 1)
    run.hold("b", 2)
    scene.trigger(run)
    run.wait_for_start("b", 1)
    write(retries=1)
    run.wait(
        lambda: run.airflow.call("GET", f"/dags/{dag_id}/tasks/work")["retries"] == 1, "the changed file to be read"
    )
    run.release("b", 1)

    run.wait_for_start("b", 2)
    assert run.executed == ["a b", "b"]
    assert run.first_line(2).startswith("retry")
    assert run.instance["max_tries"] == 3

    run.mark("failed")
    run.wait_for_end("failed")
    run.clear()
    run.wait_for_end("success")
    assert run.instance["max_tries"] == 3  # two tries and one retry: the same as before the clear
    assert run.first_line(3).startswith("cleared")
    assert run.executed == ["a b", "b", "a b c d"]
    assert run.plan == FRESH
    assert run.text("d") == "abcd"


@pytest.mark.real_airflow
def test_a_checkpoint_deleted_in_the_task_state_store_makes_everything_run(scene: Any) -> None:
    """The checkpoint is there for the eye in the task state store, and when it is deleted there all runs again."""
    run = scene.run("chain")
    run.fail("c")
    scene.trigger(run)
    run.wait_for_end("failed")

    place = (run.dag_id, run.run_id, "work")
    checkpoint = run.checkpoint()
    assert checkpoint.completed_components == ["a", "b"]
    assert checkpoint.failed_component == "c"
    values = [record.model_dump(exclude={"sources", "writes", "left"}) for record in checkpoint.components.values()]
    assert str(run.folder) not in str(values)  # hashes of the config, never its values; what was read is named
    assert str(run.folder) not in str(checkpoint.fields)
    run.airflow.delete_task_state(*place, "pyspark_pipeline/chain")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c", "a b c d"]
    assert run.plan == FRESH
    assert run.text("d") == "abcd"
    assert run.first_line(2).startswith("no checkpoint")


@pytest.mark.real_airflow
@pytest.mark.parametrize("way", ["templated parameter", "conf of the run", "command"])
def test_a_command_restarts_the_next_attempt_and_a_value_of_the_run_the_first(scene: Any, way: str) -> None:
    """A command's request is for the next attempt; what stands in the run or the DAG file held for the first one."""
    run = scene.run("restart" if way == "templated parameter" else "chain")
    run.fail("d")
    scene.trigger(run, **({} if way == "command" else {"restart_from": "b"}))
    run.wait_for_end("failed")
    if way == "command":
        run.airflow.command("pyspark-pipeline", "restart-from", run.dag_id, "work", run.run_id, "b")
    run.clear()

    run.wait_for_end("success")
    assert run.executed == ["a b c d", "b c d" if way == "command" else "d"]
    again = "RUN" if way == "command" else "REUSE"
    assert run.plan == {"a": "REUSE", "b": again, "c": again, "d": "RUN"}
    assert run.text("d") == "abcd"
    assert run.first_line(2).startswith("cleared after an unfinished attempt")
