"""The store on top of Airflow's task state store: damage, replaced attempts, and what Airflow can hold."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from airflow_provider.errors import CheckpointReadError, CheckpointWriteError, StaleAttemptError, UnreadableRequestError
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from tests.samples.harness.records import Recorder, completed, saved_views
from tests.samples.harness.stores import FakeTaskState, refusal

SCOPE = ("dag", "task", "-1")
KEY = RunKey(SCOPE, "run", "etl")
STATE = CheckpointState(
    run_id="run", pipeline_name="etl", pipeline_fingerprint="f", scope=SCOPE, completed_components=["a"], attempt=2
)


@pytest.fixture
def accessor() -> FakeTaskState:
    return FakeTaskState()


def load(accessor: FakeTaskState) -> CheckpointState | None:
    return TaskStateCheckpointStore(accessor).load("run", "etl", scope=SCOPE)


def test_what_is_saved_is_loaded(accessor: FakeTaskState) -> None:
    """Another attempt, with another store object, reads the same record; nothing stored means None."""
    assert load(accessor) is None

    TaskStateCheckpointStore(accessor).save(STATE)

    assert load(accessor) == STATE


def test_the_stored_json_holds_no_none(accessor: FakeTaskState) -> None:
    """Airflow refuses None, so fields without a value are left out."""
    assert STATE.failed_component is None

    TaskStateCheckpointStore(accessor).save(STATE)

    assert "null" not in str(accessor.rows)


HEAD = "pyspark_pipeline/etl"


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param("gibberish", id="text"),
        pytest.param([1, 2], id="a list"),
        pytest.param({}, id="an empty mapping"),
        pytest.param({"fence": "a"}, id="a field of the wrong type"),
        pytest.param({"run_id": "another run"}, id="another run's record"),
        pytest.param({"scope": ["dag", "another task", "-1"]}, id="another task's record"),
        pytest.param({"record": "../../x"}, id="rows of another name"),
    ],
)
def test_a_damaged_head_is_set_aside_and_the_pipeline_starts_afresh(
    accessor: FakeTaskState, damaged: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept under another key, never deleted; the log says so; nothing blocks (invariant 9). A look leaves it."""
    TaskStateCheckpointStore(accessor).save(STATE)
    if isinstance(damaged, dict) and damaged:
        damaged = {**accessor.get(HEAD), **damaged}
    accessor.set(HEAD, damaged)

    before = dict(accessor.rows)
    with caplog.at_level(logging.WARNING):
        assert load(accessor) is None
    assert accessor.rows == before
    assert "the next attempt will set it aside" in caplog.messages[-1]
    following = Recorder(TaskStateCheckpointStore(accessor), KEY)
    following.start()

    (aside,) = [key for key in accessor.rows if key.startswith("pyspark_pipeline_corrupt/etl/")]
    assert accessor.get(aside) == damaged
    warning = caplog.messages[-1]
    assert aside in warning
    assert "starts from the beginning" in warning
    assert following.taken.recorded is None
    assert load(accessor) == following.whole


def test_a_damaged_checkpoint_that_cannot_be_set_aside_is_an_error(
    accessor: FakeTaskState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be lost, so the attempt fails rather than overwrite it."""
    TaskStateCheckpointStore(accessor).save(STATE)
    accessor.set(HEAD, "gibberish")

    def refuse(key: str, value: Any, **more: Any) -> None:
        raise refusal(500)

    monkeypatch.setattr(accessor, "set", refuse)

    with pytest.raises(CheckpointWriteError, match=r"cannot set the damaged checkpoint .* aside"):
        Recorder(TaskStateCheckpointStore(accessor), KEY).start()
    assert accessor.get(HEAD) == "gibberish"


@pytest.mark.parametrize(("components", "views"), [(1000, 3), (1, 500), (40, 60)])
def test_no_row_is_larger_than_airflow_takes(components: int, views: int) -> None:
    """It warns above 65,535 bytes, and its REST API refuses such a row. Few rows hold many components."""
    accessor = FakeTaskState()
    attempt = Recorder(TaskStateCheckpointStore(accessor), KEY)
    attempt.start()
    for number in range(components):
        attempt.add(completed(f"component {number}", session_state=saved_views(f"component {number}", views)))
    assert max(map(len, accessor.rows.values())) <= 50_000
    found = load(accessor)
    assert found == attempt.whole
    following = Recorder(TaskStateCheckpointStore(accessor.successor()), KEY)
    following.start()
    assert max(map(len, accessor.rows.values())) <= 50_000
    assert len(accessor.rows) < 120


def test_a_replaced_attempt_cannot_save(accessor: FakeTaskState) -> None:
    """Airflow answers 404 when the attempt is not the live one; the error names attempt, pipeline and run
    (invariant 5)."""
    accessor.replaced = True

    said = "a newer attempt of pipeline 'etl' of dag/task/-1, run 'run' has replaced attempt 2"
    with pytest.raises(StaleAttemptError, match=said) as caught:
        TaskStateCheckpointStore(accessor).save(STATE)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "error", [refusal(500), refusal(401), ConnectionResetError("gone"), BrokenPipeError()], ids=repr
)
def test_any_other_error_when_saving_passes_through(accessor: FakeTaskState, error: Exception) -> None:
    """The caller retries those; only a replaced attempt must not try again."""
    attempt = Recorder(TaskStateCheckpointStore(accessor), KEY)
    attempt.start()
    accessor.broken = error

    with pytest.raises((type(error), CheckpointReadError)) as caught:
        attempt.complete("a")
    assert error in (caught.value, caught.value.__cause__)
    accessor.broken = None
    attempt.complete("a")
    assert load(accessor) == attempt.whole


def test_a_store_that_cannot_be_read_is_an_error(accessor: FakeTaskState) -> None:
    """It is unknown what has completed, which is not the same as nothing (invariant 1)."""
    accessor.broken = refusal(500)

    with pytest.raises(CheckpointReadError, match="task state store"):
        load(accessor)


def test_the_record_of_another_pipeline_is_never_loaded(accessor: FakeTaskState) -> None:
    """Two pipelines in one task keep apart, also with names too long for Airflow's key (invariant 7)."""
    store = TaskStateCheckpointStore(accessor)
    names = ["etl", "etl/", "ETL", "x" * 600 + "1", "x" * 600 + "2"]
    for name in names:
        store.save(STATE.model_copy(update={"pipeline_name": name}))

    assert all(len(key) <= 512 for key in accessor.rows)
    for name in names:
        assert store.load("run", name, scope=SCOPE).pipeline_name == name


def test_delete_says_whether_there_was_a_record(accessor: FakeTaskState) -> None:
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
    accessor: FakeTaskState, retention: timedelta | None, expected: timedelta
) -> None:
    """Airflow's own 30 days would forget a run that waits for its repair: checkpoint, request and what is set aside."""
    store = TaskStateCheckpointStore(accessor, retention=retention)
    store.save(STATE)
    accessor.rows[HEAD] = '"gibberish"'
    store.load("run", "etl", scope=SCOPE)
    attempt = Recorder(store, KEY)
    attempt.start()
    attempt.complete("a")
    store.leave_request(RestartRequest(components=("a",)), KEY)

    assert len(accessor.rows) == 6  # set aside and its record; head, record and event; the request
    assert all(kept is expected or kept == expected != NEVER_EXPIRE for kept in accessor.retention.values())


# Requests to restart, beyond what the contract tests show

REQUEST_KEY = "pyspark_pipeline_restart_from/etl"


def find(accessor: FakeTaskState) -> RestartRequest | None:
    return TaskStateCheckpointStore(accessor).find_request(KEY)


def test_a_request_is_kept_as_json_under_a_key_that_a_person_can_find(accessor: FakeTaskState) -> None:
    request = RestartRequest(components=("a",), id="1", requested_at=datetime(2024, 1, 1, tzinfo=UTC))

    TaskStateCheckpointStore(accessor).leave_request(request, KEY)

    assert {key: accessor.get(key) for key in accessor.rows} == {
        REQUEST_KEY: {
            "components": ["a"],
            "only": False,
            "until": None,
            "id": "1",
            "requested_at": "2024-01-01T00:00:00Z",
            "requested_by": None,
            "source": "a command",
        }
    }


@pytest.mark.parametrize("typed", ["enrich", " enrich\n"])
def test_a_name_that_somebody_typed_into_the_ui_is_a_request(accessor: FakeTaskState, typed: str) -> None:
    """It has no id: the attempt that finds it gives it one, and a look changes nothing."""
    accessor.set(REQUEST_KEY, typed)

    found = find(accessor)

    assert found is not None
    assert (found.components, found.only, found.until, found.id) == (("enrich",), False, None, "")
    assert accessor.get(REQUEST_KEY) == typed


@pytest.mark.parametrize(
    ("typed", "components", "only", "until"),
    [
        (["a", "b"], ("a", "b"), False, None),
        ('["a", "b"]', ("a", "b"), False, None),
        ('"a"', ("a",), False, None),
        ({"components": "a", "only": True}, ("a",), True, None),
        ('{"components": ["a"], "until": "c"}', ("a",), False, "c"),
        (7, ("7",), False, None),
        ("{not json", ("{not json",), False, None),
    ],
    ids=repr,
)
def test_several_components_and_a_scope_can_be_typed(
    accessor: FakeTaskState, typed: Any, components: tuple[str, ...], only: bool, until: str | None
) -> None:
    accessor.set(REQUEST_KEY, typed)

    found = find(accessor)

    assert found is not None
    assert (found.components, found.only, found.until) == (components, only, until)


@pytest.mark.parametrize(
    "nonsense",
    ["", "  ", [], [[]], {"id": "1"}, {"components": ""}, "{}", True, {"components": "a", "only": True, "until": "b"}],
    ids=repr,
)
def test_what_is_no_request_is_an_error_that_says_where_it_is(accessor: FakeTaskState, nonsense: Any) -> None:
    """Somebody wanted something, and it is unknown what."""
    accessor.set(REQUEST_KEY, nonsense)

    with pytest.raises(UnreadableRequestError, match=f"'{REQUEST_KEY}' in Airflow's task state store is not a valid"):
        find(accessor)


def test_a_request_that_cannot_be_read_is_an_error(accessor: FakeTaskState) -> None:
    accessor.broken = refusal(500)

    with pytest.raises(CheckpointReadError, match=REQUEST_KEY):
        find(accessor)


def test_long_names_have_requests_of_their_own(accessor: FakeTaskState) -> None:
    """Invariant 7, with names too long for Airflow's key."""
    store = TaskStateCheckpointStore(accessor)
    for end in "12":
        store.leave_request(RestartRequest(components=(end,)), RunKey(SCOPE, "run", "x" * 600 + end))

    assert all(len(key) <= 512 for key in accessor.rows)
    for end in "12":
        assert store.find_request(RunKey(SCOPE, "run", "x" * 600 + end)).components == (end,)
