"""A request in Airflow's task state store reaches an attempt whose checkpoint is kept elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointWriteError
from airflow_provider.operators.carried_request import with_carried_request
from airflow_provider.runner import InMemoryCheckpointStore, LocalCheckpointStore, PipelineConfig
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from airflow_provider.stores.task_state_head import request_key
from tests.samples.harness.stores import FakeTaskState

KEY = RunKey(("d", "t", "-1"), "r", "p")
RUN = AirflowAttemptSpec(
    PipelineConfig.model_validate(
        {"name": "p", "components": [{"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}]}
    ),
    KEY,
    AirflowTry(2, 1, 0),
)
ASKED = RestartRequest(components=("a",), requested_by="alice", source="the Spark pipeline tab")


@pytest.fixture
def rows() -> FakeTaskState:
    found = FakeTaskState()
    TaskStateCheckpointStore(found).leave_request(ASKED, KEY)
    return found


def test_a_request_is_moved_to_where_the_checkpoint_is(rows: FakeTaskState, tmp_path: Path) -> None:
    store = LocalCheckpointStore(tmp_path)
    assert with_carried_request(RUN, rows, lambda: store) is RUN
    assert store.find_request(KEY) == ASKED
    assert rows.rows == {}


def test_a_typed_request_gets_its_id_before_it_is_moved(rows: FakeTaskState, tmp_path: Path) -> None:
    """A kill in between lets it be found in both places, which is one request then."""
    rows.set(request_key(KEY), "a")
    store = LocalCheckpointStore(tmp_path)
    kept: list[Any] = []
    removed = rows.delete
    rows.delete = lambda key: kept.append(rows.get(key)) or removed(key)
    with_carried_request(RUN, rows, lambda: store)
    found = store.find_request(KEY)
    assert found is not None
    assert kept[0]["id"] == found.id != ""


class Broken(InMemoryCheckpointStore):
    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        raise CheckpointWriteError("disk full")


class Simple:
    """A store of an author, which holds no requests."""


@pytest.mark.parametrize("store", [Broken(), Simple()], ids=["broken", "simple"])
def test_what_the_store_cannot_take_goes_with_the_attempt(rows: FakeTaskState, store: Any) -> None:
    """It stays where it was, too; its id tells that it is the same."""
    assert with_carried_request(RUN, rows, lambda: store).requests == (ASKED,)
    assert TaskStateCheckpointStore(rows).find_request(KEY) == ASKED


def test_what_is_no_request_is_removed_with_a_warning(
    rows: FakeTaskState, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows.set(request_key(KEY), {"components": []})
    assert with_carried_request(RUN, rows, lambda: LocalCheckpointStore(tmp_path)) is RUN
    assert "ignoring a request to restart" in caplog.text
    assert rows.rows == {}


def test_airflow_that_does_not_answer_hinders_nothing(
    rows: FakeTaskState, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows.broken = ConnectionError("no answer")
    assert with_carried_request(RUN, rows, lambda: LocalCheckpointStore(tmp_path)) is RUN
    assert "no answer" in caplog.text


def test_a_request_that_cannot_be_removed_hinders_nothing(
    rows: FakeTaskState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in both places then, as one request."""

    def refuse(key: str) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(rows, "delete", refuse)
    store = LocalCheckpointStore(tmp_path)
    assert with_carried_request(RUN, rows, lambda: store) is RUN
    assert store.find_request(KEY) == ASKED
    assert "cannot remove the request" in caplog.text


def test_before_airflow_3_3_there_is_nothing_to_move() -> None:
    assert with_carried_request(RUN, None, InMemoryCheckpointStore) is RUN


def test_a_store_is_opened_only_for_a_request() -> None:
    """It may be on the other side of the world."""
    opened: list[Any] = []
    assert with_carried_request(RUN, FakeTaskState(), lambda: opened.append(1) or InMemoryCheckpointStore()) is RUN
    assert opened == []
