"""What a person sees of an attempt in Airflow, while it runs and afterwards: a row beside the checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

ROW = "pyspark_pipeline_progress/chain"


def progress_of(run: Any) -> dict[str, Any]:
    """Return the document as the REST API shows it, empty if there is none yet."""
    return dict(run.airflow.task_state(run.dag_id, run.run_id, run.task_id).get(ROW) or {})


@pytest.mark.real_airflow
@pytest.mark.airflow(since=(3, 3), reason="before, there is no task state store")
def test_progress_is_there_while_a_component_runs_and_tells_of_earlier_attempts(scene: Any) -> None:
    """Live: what runs, and a sign of life while nothing changes. After a retry: what failed before."""
    run = scene.run("chain_retried")
    run.fail("b")
    run.hold("c")
    scene.trigger(run)
    run.wait_for_start("c")

    live = run.wait(lambda: (found := progress_of(run)).get("states") == "rcxw" and found, "progress of c", 30)
    assert (live["attempt"]["number"], live["attempt"]["state"], live["names"]) == (2, "running", [*"abcd"])
    later = run.wait(lambda: (found := progress_of(run)) != live and found, "a sign of life", 40)
    assert later["written_at"] > live["written_at"]

    run.release("c")
    run.wait_for_end("success")
    last = progress_of(run)
    assert (last["attempt"]["state"], last["states"], last["actions"]) == ("succeeded", "rccc", "rxxx")
    assert "it resumes at 'b'" in last["attempt"]["how"]
    [before] = last["earlier"]
    assert (before["number"], before["state"], before["states"]) == (1, "failed", "cfnn")
    assert before["error"]["headline"] == "ConnectionError: the service is not up yet"


@pytest.mark.real_airflow
@pytest.mark.airflow(since=(3, 3), reason="before, there is no task state store")
def test_an_attempt_that_airflow_stops_ends_in_the_progress_too(scene: Any) -> None:
    """Marked as failed while a component runs: Airflow still takes its last word, and the process ends in time."""
    run = scene.run("chain")
    run.hold("b")
    scene.trigger(run)
    run.wait_for_start("b")
    run.mark("failed")
    run.wait_for_end("failed")

    last = run.wait(lambda: (found := progress_of(run)).get("attempt", {}).get("ended_at") and found, "the end", 60)
    assert (last["attempt"]["state"], last["states"]) == ("failed", "cfnn")
