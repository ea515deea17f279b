"""The store on top of Airflow's task state store: damage, replaced attempts, and what Airflow can hold."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from airflow_provider.errors import CheckpointFormatError, CheckpointReadError, CheckpointWriteError, StaleAttemptError
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.record.state import RestartRequest
from airflow_provider.stores.task_state import TaskStateCheckpointStore

SCOPE = ("dag", "task", "-1")
STATE = CheckpointState(
    run_id="run", pipeline_name="etl", pipeline_fingerprint="f", scope=SCOPE, completed_components=["a"], attempt=2
)


class Accessor:
    """Behaves as ``context["task_state_store"]`` does: JSON in, JSON out, and no None anywhere."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.retention: dict[str, timedelta | None] = {}
        self.broken: Exception | None = None

    def get(self, key: str) -> Any:
        self._answer()
        return json.loads(self.rows[key]) if key in self.rows else None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self._answer()
        text = json.dumps(value, allow_nan=False)
        if "null" in text:
            raise ValueError("Cannot set value as None")
        self.rows[key] = text
        self.retention[key] = retention

    def delete(self, key: str) -> None:
        self._answer()
        self.rows.pop(key, None)

    def _answer(self) -> None:
        if self.broken:
            raise self.broken


@pytest.fixture
def accessor() -> Accessor:
    return Accessor()


def refusal(status_code: int) -> AirflowRuntimeError:
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": status_code}))


def load(accessor: Accessor) -> CheckpointState | None:
    return TaskStateCheckpointStore(accessor).load("run", "etl", scope=SCOPE)


def test_what_is_saved_is_loaded(accessor: Accessor) -> None:
    """Another attempt, with another store object, reads the same record; nothing stored means None."""
    assert load(accessor) is None

    TaskStateCheckpointStore(accessor).save(STATE)

    assert load(accessor) == STATE


def test_the_stored_json_holds_no_none(accessor: Accessor) -> None:
    """Airflow refuses None, so fields without a value are left out (the accessor here refuses it too)."""
    assert STATE.failed_component is None

    TaskStateCheckpointStore(accessor).save(STATE)

    (stored,) = accessor.rows.values()
    assert "failed_component" not in json.loads(stored)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param("gibberish", id="text"),
        pytest.param([1, 2], id="a list"),
        pytest.param({}, id="an empty mapping"),
        pytest.param({**STATE.to_json(), "completed_components": "a"}, id="a field of the wrong type"),
        pytest.param({**STATE.to_json(), "run_id": "another run"}, id="another run's record"),
        pytest.param({**STATE.to_json(), "scope": ["dag", "another task", "-1"]}, id="another task's record"),
    ],
)
def test_a_damaged_checkpoint_is_set_aside_and_the_pipeline_starts_afresh(
    accessor: Accessor, damaged: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept under another key, never deleted; the log says so; nothing blocks (invariant 9)."""
    TaskStateCheckpointStore(accessor).save(STATE)
    (key,) = accessor.rows
    accessor.set(key, damaged)

    with caplog.at_level(logging.WARNING):
        assert load(accessor) is None

    (aside,) = accessor.rows
    assert aside.startswith(f"{key}.corrupt-")
    assert accessor.get(aside) == damaged
    (warning,) = caplog.messages
    assert aside in warning
    assert "starts afresh" in warning
    TaskStateCheckpointStore(accessor).save(STATE)
    assert load(accessor) == STATE


def test_a_damaged_checkpoint_that_cannot_be_set_aside_is_an_error(
    accessor: Accessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be lost, so the attempt fails rather than overwrite it."""
    TaskStateCheckpointStore(accessor).save(STATE)
    (key,) = accessor.rows
    accessor.set(key, "gibberish")

    def refuse(key: str, value: Any, **more: Any) -> None:
        raise refusal(500)

    monkeypatch.setattr(accessor, "set", refuse)

    with pytest.raises(CheckpointWriteError, match="set aside"):
        load(accessor)
    assert accessor.get(key) == "gibberish"


def test_a_newer_format_is_a_clear_error_and_stays_where_it_is(accessor: Accessor) -> None:
    """It is not damaged: upgrading the package makes it readable again (invariant 9)."""
    TaskStateCheckpointStore(accessor).save(STATE)
    (key,) = accessor.rows
    newer = {**STATE.to_json(), "format_version": 99}
    accessor.set(key, newer)

    with pytest.raises(CheckpointFormatError, match="99"):
        load(accessor)
    assert accessor.get(key) == newer


def test_a_replaced_attempt_cannot_save(accessor: Accessor) -> None:
    """Airflow answers 404 when the attempt is not the live one; the error names attempt, pipeline and run
    (invariant 5)."""
    accessor.broken = refusal(404)

    with pytest.raises(StaleAttemptError, match=r"attempt 2 of pipeline 'etl', run 'run', has been replaced") as caught:
        TaskStateCheckpointStore(accessor).save(STATE)
    assert caught.value.__cause__ is accessor.broken


@pytest.mark.parametrize(
    "error", [refusal(500), refusal(401), ConnectionResetError("gone"), BrokenPipeError()], ids=repr
)
def test_any_other_error_when_saving_passes_through(accessor: Accessor, error: Exception) -> None:
    """The caller retries those; only a replaced attempt must not try again."""
    accessor.broken = error

    with pytest.raises(type(error)) as caught:
        TaskStateCheckpointStore(accessor).save(STATE)
    assert caught.value is error


def test_a_store_that_cannot_be_read_is_an_error(accessor: Accessor) -> None:
    """It is unknown what has completed, which is not the same as nothing (invariant 1)."""
    accessor.broken = refusal(500)

    with pytest.raises(CheckpointReadError, match="task state store"):
        load(accessor)


def test_the_record_of_another_pipeline_is_never_loaded(accessor: Accessor) -> None:
    """Two pipelines in one task keep apart, also with names too long for Airflow's key (invariant 7)."""
    store = TaskStateCheckpointStore(accessor)
    names = ["etl", "etl/", "ETL", "x" * 600 + "1", "x" * 600 + "2"]
    for name in names:
        store.save(STATE.model_copy(update={"pipeline_name": name}))

    assert all(len(key) <= 512 for key in accessor.rows)
    for name in names:
        assert store.load("run", name, scope=SCOPE).pipeline_name == name


def test_delete_says_whether_there_was_a_record(accessor: Accessor) -> None:
    """True the first time, False after that, and nothing is left."""
    store = TaskStateCheckpointStore(accessor)
    store.save(STATE)

    assert store.delete("run", "etl", scope=SCOPE) is True
    assert store.delete("run", "etl", scope=SCOPE) is False
    assert load(accessor) is None


# Retention


@pytest.mark.parametrize(
    ("retention", "expected"), [(None, NEVER_EXPIRE), (timedelta(days=90), timedelta(days=90))], ids=["none", "90 days"]
)
def test_whatever_is_stored_is_kept_as_long_as_was_asked_and_for_ever_otherwise(
    accessor: Accessor, retention: timedelta | None, expected: timedelta
) -> None:
    """Airflow's own 30 days would forget a run that waits for its repair: checkpoint, request and what is set aside."""
    store = TaskStateCheckpointStore(accessor, retention=retention)
    store.save(STATE)
    (key,) = accessor.rows
    accessor.rows[key] = '"gibberish"'
    store.load("run", "etl", scope=SCOPE)
    store.save(STATE)
    store.leave_request(RestartRequest(component="a"), "run", "etl", scope=SCOPE)

    assert len(accessor.rows) == 3
    assert all(kept is expected or kept == expected != NEVER_EXPIRE for kept in accessor.retention.values())


# Requests to restart, beyond what the contract tests show

REQUEST_KEY = "pyspark_pipeline_restart_from/etl"


def find(accessor: Accessor) -> RestartRequest | None:
    return TaskStateCheckpointStore(accessor).find_request("run", "etl", scope=SCOPE)


def test_a_request_is_kept_as_json_under_a_key_that_a_person_can_find(accessor: Accessor) -> None:
    request = RestartRequest(component="a", id="1", requested_at=datetime(2024, 1, 1, tzinfo=UTC))

    TaskStateCheckpointStore(accessor).leave_request(request, "run", "etl", scope=SCOPE)

    assert {key: accessor.get(key) for key in accessor.rows} == {
        REQUEST_KEY: {"component": "a", "id": "1", "requested_at": "2024-01-01T00:00:00Z"}
    }


@pytest.mark.parametrize("typed", ["enrich", " enrich\n"])
def test_a_name_that_somebody_typed_into_the_ui_is_a_request(accessor: Accessor, typed: str) -> None:
    """Typed again after it was carried out it counts again, so each look gives an id of its own."""
    accessor.set(REQUEST_KEY, typed)

    first, second = find(accessor), find(accessor)

    assert first is not None
    assert second is not None
    assert (first.component, second.component) == ("enrich", "enrich")
    assert second.id != first.id


@pytest.mark.parametrize(
    "nonsense", ["", "  ", 7, [], {"id": "1"}, {"component": ""}, "{}", '{"component": 1}'], ids=repr
)
def test_what_is_no_request_is_an_error_that_says_where_it_is(accessor: Accessor, nonsense: Any) -> None:
    """Somebody wanted something, and it is unknown what."""
    accessor.set(REQUEST_KEY, nonsense)

    with pytest.raises(
        CheckpointReadError, match=f"'{REQUEST_KEY}' in Airflow's task state store is no request"
    ) as caught:
        find(accessor)
    assert str(caught.value).endswith("remove it and leave the request again")


def test_a_request_that_cannot_be_read_is_an_error(accessor: Accessor) -> None:
    accessor.broken = refusal(500)

    with pytest.raises(CheckpointReadError, match=REQUEST_KEY):
        find(accessor)


def test_long_names_have_requests_of_their_own(accessor: Accessor) -> None:
    """Invariant 7, with names too long for Airflow's key."""
    store = TaskStateCheckpointStore(accessor)
    for end in "12":
        store.leave_request(RestartRequest(component=end), "run", "x" * 600 + end, scope=SCOPE)

    assert all(len(key) <= 512 for key in accessor.rows)
    for end in "12":
        assert store.find_request("run", "x" * 600 + end, scope=SCOPE).component == end
