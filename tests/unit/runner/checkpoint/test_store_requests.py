"""What every store of this package must do with a request to restart that somebody leaves in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from tests.samples.harness.places import PLACES, Place, asked_for
from tests.samples.harness.records import FULL, KEY, state


@pytest.fixture
def store(own_place: Place) -> Any:
    """A store of each kind that takes store."""
    return own_place.attempt()


@pytest.fixture(params=[name for name in PLACES if name not in ("plain", "task state")])
def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of each kind that takes requests and serves many runs."""
    return asked_for(request, tmp_path).attempt()


def test_a_request_is_found_until_it_is_dropped(store: Any) -> None:
    """There may be no checkpoint yet, and to drop nothing is no error."""
    assert store.find_request(KEY) is None
    store.drop_request(KEY)
    request = RestartRequest(components=("日本\n",))
    store.leave_request(request, KEY)
    assert store.find_request(KEY) == request
    assert store.find_request(KEY) == request, "looking does not take it away"
    store.drop_request(KEY)
    assert store.find_request(KEY) is None


def test_a_request_replaces_an_earlier_one_and_has_an_id_of_its_own(store: Any) -> None:
    """So a second request for the same component can be told from the one that was carried out."""
    first, second = RestartRequest(components=("a",)), RestartRequest(components=("a",))
    for request in (first, second):
        store.leave_request(request, KEY)
    found = store.find_request(KEY)
    assert found == second
    assert second.id != first.id


def test_a_request_and_a_checkpoint_leave_each_other_alone(store: Any) -> None:
    store.save(FULL)
    request = RestartRequest(components=("a",))
    store.leave_request(request, KEY)
    assert load(store, KEY) == FULL
    later = FULL.model_copy(update={"attempt": 4, "fence": 8, "owner": "next"})
    store.save(later)
    assert store.find_request(KEY) == request
    store.drop_request(KEY)
    assert load(store, KEY) == later


def test_a_request_is_no_checkpoint(shared_store: Any) -> None:
    """A load without the pipeline's name and a list see the checkpoints only."""
    for pipeline in ("p", "q"):
        shared_store.leave_request(RestartRequest(components=("a",)), RunKey((), "run-1", pipeline))
    assert shared_store.load("run-1") is None
    shared_store.save(state())
    assert shared_store.load("run-1") == state()
    assert isinstance(shared_store, FileCheckpointStore)
    assert list(shared_store.list()) == [state()]
    assert shared_store.find_request(KEY) is not None, "and it was not taken for a damaged one either"
    assert shared_store.delete("run-1", "q") is False


def test_delete_removes_the_request_as_well(store: Any) -> None:
    store.save(state())
    store.leave_request(RestartRequest(components=("a",)), KEY)
    store.delete("run-1", "p")
    assert store.find_request(KEY) is None


def test_requests_for_different_runs_and_pipelines_are_kept_apart(shared_store: Any) -> None:
    """Invariant 7, also for names that look like a path or like the name of a request's file."""
    keys = [
        RunKey(scope, run, pipeline)
        for run in ("r", "../x", "日本 %2F")
        for pipeline in ("p", ".p.request", ".request.json", "request.json", "p/.request.json", "{{ run_id }}")
        for scope in ((), ("r",), ("dag", "task", "0"))
    ]
    for number, key in enumerate(keys):
        assert shared_store.find_request(key) is None
        shared_store.leave_request(RestartRequest(components=(f"c{number}",)), key)
    for number, key in enumerate(keys):
        found = shared_store.find_request(key)
        assert found is not None
        assert found.components == (f"c{number}",)
