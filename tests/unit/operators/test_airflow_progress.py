"""Where Airflow keeps the progress, who may write it, and what it tells of earlier attempts and runs."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.operators import airflow_progress
from airflow_provider.operators.airflow_progress import PROGRESS_KEY, USUAL_KEY, AirflowProgress
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from tests.samples.harness.stores import FakeTaskState
from tests.samples.pipelines import pipeline

KEY = RunKey(("dag", "task", "-1"), "run", "p")
ROW = "pyspark_pipeline_progress/p"


class Instance:
    """A task instance with XComs, which Airflow clears before each try."""

    task_id, map_index = "task", -1

    def __init__(self, xcoms: dict[str, Any] | None = None, *, broken: bool = False) -> None:
        self.xcoms = {} if xcoms is None else xcoms
        self._broken = broken

    def xcom_pull(self, *, key: str, **_: Any) -> Any:
        if self._broken:
            raise RuntimeError("the API server does not answer")
        return self.xcoms.get(key)

    def xcom_push(self, *, key: str, value: Any) -> None:
        if self._broken:
            raise RuntimeError("the API server does not answer")
        self.xcoms[key] = value


def attempt(number: int) -> AirflowAttemptSpec:
    return AirflowAttemptSpec(pipeline("a", "b"), KEY, AirflowTry(number, 3, 3))


def place(number: int, accessor: FakeTaskState | None, ti: Instance) -> AirflowProgress:
    context: Any = {"ti": ti, "task_state_store": accessor, "dag_run": SimpleNamespace(triggering_user_name="alice")}
    return AirflowProgress.of(context, attempt(number))


def document(number: int, **attempt_fields: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "pipeline": "p",
        "names": ["a", "b"],
        "states": "cc",
        "seconds": [1.0, 2.0],
        "attempt": {"number": number, "try_number": number, "state": "succeeded", **attempt_fields},
    }


def test_the_row_is_kept_as_long_as_the_checkpoint_and_tells_of_the_attempts_before() -> None:
    """Airflow refuses what a replaced attempt writes."""
    accessor = FakeTaskState()
    first = place(1, accessor, Instance())
    assert first.start.asked_by == "alice"
    first.sink.write(document(1, ended_at="then", state="failed"))
    assert accessor.retention[ROW] == timedelta(days=90)

    successor = accessor.successor()
    second = place(2, successor, Instance())
    assert second.start.asked_by is None
    second.sink.write(document(2))
    assert [entry["number"] for entry in successor.get(ROW)["earlier"]] == [1]
    with pytest.raises(StaleAttemptError):
        first.sink.write(document(1))
    assert successor.get(ROW)["attempt"]["number"] == 2


def test_before_airflow_3_3_it_is_an_xcom_which_an_older_attempt_leaves_alone() -> None:
    ti = Instance()
    first, second = place(1, None, ti), place(2, None, ti)
    first.sink.write(document(1))
    assert ti.xcoms[PROGRESS_KEY] == document(1)
    second.sink.write(document(2))
    with pytest.raises(StaleAttemptError):
        first.sink.write(document(1))
    assert ti.xcoms[PROGRESS_KEY] == document(2)


def test_what_the_components_took_is_handed_to_the_next_run() -> None:
    """By a run that succeeded only."""
    ti = Instance()
    place(1, FakeTaskState(), ti).keep_usual(document(1, state="failed"))
    place(1, FakeTaskState(), ti).keep_usual(document(1, state="partial"))
    assert USUAL_KEY not in ti.xcoms
    place(1, FakeTaskState(), ti).keep_usual(document(1))
    later = place(1, FakeTaskState(), Instance(dict(ti.xcoms)))
    assert {name: costs.seconds for name, costs in later.start.usual.items()} == {"a": (1.0,), "b": (2.0,)}
    rows = later.recorder(attempt(1)).document()
    assert (rows["usual"], rows["usual_of"]) == ([1.0, 2.0], [1, 1])


def test_nothing_of_it_fails_an_attempt() -> None:
    """Airflow's API may be away at the beginning and at the end."""
    accessor = FakeTaskState()
    accessor.broken = RuntimeError("the API server does not answer")
    found = place(1, accessor, Instance(broken=True))
    assert found.start.usual == {}
    found.keep_usual(document(1))


def test_while_a_component_talks_to_airflow_from_an_event_loop_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own calls would fail. The last word is written when it has ended."""
    monkeypatch.setattr(airflow_progress, "may_share_connection", lambda: True)
    monkeypatch.setattr(airflow_progress, "in_use_by_a_loop", lambda: True)
    accessor = FakeTaskState()
    found = place(1, accessor, Instance())
    found.sink.write(document(1))
    assert ROW not in accessor.rows
    found.sink.write(document(1, ended_at="now"))
    assert ROW in accessor.rows
