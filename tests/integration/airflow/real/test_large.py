"""A pipeline of a thousand components in Airflow's own task state store."""

from __future__ import annotations

import json
from typing import Any

import pytest

LARGEST_ROW = 50_000
"""bytes of JSON; Airflow warns above 65,535, and its REST API refuses such a row."""


@pytest.mark.real_airflow
def test_the_rows_of_a_thousand_components_are_small(scene: Any) -> None:
    """Each component has three saved views. No row is larger than Airflow takes, neither as it grows from component to
    component nor when the next attempt writes the whole, and that one finds all of them.
    """
    run = scene.trigger(scene.run("thousand"))
    run.wait_for_end("success")
    grown = check_rows(scene, run, "component by component")
    run.clear()
    run.wait(lambda: run.instance["try_number"] == 2 and run.instance["state"] == "success", "the second attempt")
    whole = check_rows(scene, run, "as the next attempt begins")
    assert whole.components == grown.components
    assert (whole.attempt, whole.fence) == (2, 2)


def check_rows(scene: Any, run: Any, when: str) -> Any:
    """Check the rows that there are, say how large they are, and return the record."""
    rows = run.airflow.task_state(run.dag_id, run.run_id, "work")
    sizes = sorted(len(json.dumps(value).encode()) for value in rows.values())
    scene.say(f"{when}: {len(sizes)} rows, the largest {sizes[-1]:,} bytes, all {sum(sizes):,} bytes")
    assert sizes[-1] <= LARGEST_ROW
    for key, value in rows.items():
        run.airflow.put_task_state(run.dag_id, run.run_id, "work", key, value)  # raises if Airflow refuses it
    state = run.checkpoint("thousand")
    assert state is not None
    assert len(state.completed_components) == 1000
    assert all(len(record.session_state.views) == 3 for record in state.components.values())
    return state
