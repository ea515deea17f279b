"""What every checkpoint store must do with whole states. A new store is a line in ``tests.samples.harness.places``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointReadError, StaleAttemptError
from airflow_provider.runner import CheckpointStore
from airflow_provider.runner.checkpoint.store import FencingStore, RestartRequests, TakeoverStore
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from tests.samples.harness.records import FULL, state
from tests.samples.harness.stores import FakeTaskState, PlainStore

HOSTILE_NAMES = [
    "../x",
    "../../../../tmp/x",
    ".",
    "..",
    "...",
    "/etc/passwd",
    "a:b+c",
    "manual__2024-01-01T00:00:00+00:00",
    "x" * 300,
    "日本" * 150,
    "日本 %2F",
    "a/b",
    "a\\b",
    "line\nbreak",
    "tab\tand\0null",
    "~",
    "~root",
    "a~b",
    ".lock",
    ".json",
    "a.json",
    "a.json.corrupt-1",
    " ",
    "*",
    "[a]?",
    "CON",
    "{{ run_id }}",
    "%2E%2E",
    "-rf",
]


def test_every_store_satisfies_the_protocol(store: CheckpointStore) -> None:
    """An author's own needs three methods; those of this package can do all that a store may do."""
    assert isinstance(store, CheckpointStore)
    for more in (TakeoverStore, RestartRequests, FencingStore):
        assert isinstance(store, more) is not isinstance(store, PlainStore)


def test_what_was_never_saved_is_none(store: CheckpointStore) -> None:
    assert store.load("run-1", "p") is None


def test_what_was_saved_is_loaded_in_full(store: CheckpointStore) -> None:
    store.save(FULL)
    assert store.load("run-1", "p") == FULL


def test_a_save_replaces_the_whole_record(store: CheckpointStore) -> None:
    """Nothing of an earlier save shines through."""
    store.save(FULL)
    later = state(completed_components=["b"], fence=7)
    store.save(later)
    assert store.load("run-1", "p") == later


def test_a_loaded_state_is_a_copy(store: CheckpointStore) -> None:
    """Changing what was loaded or saved does not change what is stored."""
    mine = state(completed_components=["a"])
    store.save(mine)
    mine.completed_components.append("b")
    loaded = store.load("run-1", "p")
    assert loaded is not None
    loaded.completed_components.append("c")
    assert store.load("run-1", "p") == state(completed_components=["a"])


def test_a_deleted_checkpoint_is_gone_and_delete_says_whether_there_was_one(store: CheckpointStore) -> None:
    assert store.delete("run-1", "p") is False
    store.save(state())
    assert store.delete("run-1", "p") is True
    assert store.load("run-1", "p") is None
    assert store.delete("run-1", "p") is False


def test_after_a_delete_any_attempt_may_save(store: CheckpointStore) -> None:
    """The fence goes with the record."""
    store.save(state(fence=9))
    store.delete("run-1", "p")
    store.save(state(fence=1, owner="other"))
    loaded = store.load("run-1", "p")
    assert loaded is not None
    assert loaded.owner == "other"


def test_pipelines_of_one_run_are_kept_apart(store: CheckpointStore) -> None:
    """Invariant 7."""
    for name in ("p", "q"):
        store.save(state(pipeline=name, completed_components=[name]))
    store.delete("run-1", "p")
    assert store.load("run-1", "p") is None
    assert store.load("run-1", "q") == state(pipeline="q", completed_components=["q"])


def test_runs_and_scopes_are_kept_apart(shared_store: CheckpointStore) -> None:
    """Invariant 7: same pipeline name under another run, dag, task or map index is another checkpoint."""
    places = [
        ("run-1", ()),
        ("run-2", ()),
        ("run-1", ("dag", "task", "-1")),
        ("run-1", ("dag", "task", "0")),
        ("run-1", ("dag", "task2", "0")),
        ("run-1", ("dag/task", "0")),
        ("run-1", ("dag", "task/0")),
        ("0", ("dag", "task")),
    ]
    for number, (run, scope) in enumerate(places):
        assert shared_store.load(run, "p", scope=scope) is None
        shared_store.save(state(run, scope=scope, attempt=number + 1))
    for number, (run, scope) in enumerate(places):
        loaded = shared_store.load(run, "p", scope=scope)
        assert loaded is not None
        assert (loaded.run_id, loaded.scope, loaded.attempt) == (run, scope, number + 1)


def test_the_pipelines_name_may_be_left_out_when_the_run_has_one(shared_store: CheckpointStore) -> None:
    """As DESIGN.md has it: ``store.load(run_id="run-001")``."""
    assert shared_store.load(run_id="run-1") is None
    shared_store.save(state())
    shared_store.save(state("run-2", "other"))
    shared_store.save(state(scope=("dag", "task", "-1"), pipeline="scoped"))
    assert shared_store.load(run_id="run-1") == state()


def test_leaving_the_name_out_is_refused_when_there_are_several(shared_store: CheckpointStore) -> None:
    for name in ("q", "p"):
        shared_store.save(state(pipeline=name))
    with pytest.raises(CheckpointReadError) as caught:
        shared_store.load(run_id="run-1")
    assert str(caught.value) == "run 'run-1' has checkpoints of several pipelines ('p', 'q'); give the pipeline name"


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_name_is_data_and_never_a_path(store: CheckpointStore, name: str, tmp_path: Path) -> None:
    """Any run id, pipeline name and scope can be saved, stays inside the store's directory and is read back."""
    before = set(os.listdir(tmp_path.parent))
    saved = [state(run=name), state(pipeline=name)]
    for one in saved:
        store.save(one)
        assert store.load(one.run_id, one.pipeline_name) == one
        assert store.delete(one.run_id, one.pipeline_name) is True
        assert store.load(one.run_id, one.pipeline_name) is None
    assert set(os.listdir(tmp_path)) <= {"checkpoints"}
    assert set(os.listdir(tmp_path.parent)) == before


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_hostile_name_works_as_scope_and_without_the_pipelines_name(
    shared_store: CheckpointStore, name: str, tmp_path: Path
) -> None:
    one = state(run=name, pipeline=name, scope=(name, name))
    shared_store.save(one)
    assert shared_store.load(name, scope=(name, name)) == one
    assert shared_store.load(name, name) is None
    assert set(os.listdir(tmp_path)) <= {"checkpoints"}


def test_no_two_names_are_taken_for_one(store: CheckpointStore) -> None:
    """Also names that are cut because they are long, and names that look like another one's encoding."""
    names = [
        *HOSTILE_NAMES,
        *("x" * 250 + end for end in ("", "1", "2", "11")),
        *("y" * 420 + end for end in ("", "1", "2")),
        *("日本" * 130 + end for end in ("1", "2")),
        "%2F",
        "/",
        "A",
        "a",
        "a ",
    ]
    for number, name in enumerate(names):
        store.save(state(pipeline=name, attempt=number + 1))
    for number, name in enumerate(names):
        loaded = store.load("run-1", name)
        assert loaded is not None
        assert (loaded.pipeline_name, loaded.attempt) == (name, number + 1)


@pytest.mark.parametrize(
    ("stored", "late"),
    [
        ({"fence": 2, "owner": "new"}, {"fence": 1, "owner": "old"}),
        ({"fence": 2, "owner": "new"}, {"fence": 2, "owner": "old"}),
        ({"fence": 2, "owner": "me"}, {"fence": 1, "owner": "me"}),
    ],
    ids=["older fence", "equal fence of another owner", "own older fence"],
)
def test_a_replaced_attempt_cannot_save(
    shared_store: CheckpointStore, stored: dict[str, object], late: dict[str, object]
) -> None:
    """Invariant 5, and the newer attempt's record stays as it was."""
    newest = state(attempt=2, completed_components=["a"], **stored)
    shared_store.save(newest)
    with pytest.raises(StaleAttemptError) as caught:
        shared_store.save(state(attempt=1, **late))
    assert str(caught.value) == (
        "attempt 2 of pipeline 'p', run 'run-1' has replaced attempt 1, which stops here and leaves the checkpoint "
        "alone"
    )
    assert shared_store.load("run-1", "p") == newest


@pytest.mark.parametrize(
    "later",
    [{"fence": 1, "owner": "me"}, {"fence": 2, "owner": "me"}, {"fence": 2, "owner": "new"}],
    ids=["same owner, same fence", "same owner, next fence", "new owner, next fence"],
)
def test_the_owner_overwrites_and_a_newer_attempt_takes_over(store: CheckpointStore, later: dict[str, object]) -> None:
    store.save(state(completed_components=["a"]))
    store.save(state(completed_components=["a", "b"], **later))
    assert store.load("run-1", "p") == state(completed_components=["a", "b"], **later)


def test_in_a_task_airflow_refuses_a_replaced_attempt() -> None:
    """Invariant 5 for the store that leaves it to Airflow, which knows the live attempt."""
    airflow = FakeTaskState()
    store = TaskStateCheckpointStore(airflow)
    newest = state(attempt=2, completed_components=["a"])
    store.save(newest)
    airflow.replaced = True
    with pytest.raises(StaleAttemptError, match="pipeline 'p', run 'run-1' has replaced attempt 1"):
        store.save(state(attempt=1))
    airflow.replaced = False
    assert store.load("run-1", "p") == newest


@pytest.mark.parametrize("run_id", ["a.json", ".json", "a.json.corrupt-20240101T000000.000000"])
def test_a_run_id_that_looks_like_a_file_of_ours_is_listed(shared_store: Any, run_id: str) -> None:
    """In every store that lists: beside a run whose name it begins with."""
    if not hasattr(shared_store, "list"):
        pytest.skip("a store of an author's own need not list")
    for name in (run_id, "a"):
        shared_store.save(state(name))
    assert sorted(found.run_id for found in shared_store.list()) == sorted([run_id, "a"])
    assert shared_store.delete(run_id, "p")
    assert [found.run_id for found in shared_store.list()] == ["a"]


OWN_NAMES = [
    "fences",
    "~fences",
    "request.json",
    "~request.json",
    "request",
    "000001~000001~me",
    "000000.checkpoint.json",
]


@pytest.mark.parametrize("name", OWN_NAMES)
def test_no_name_leads_into_the_checkpoint_of_another_run(shared_store: CheckpointStore, name: str) -> None:
    """Scope, run id and pipeline follow each other in a path, so the directory of one run key may lie in another's.
    What that one keeps there never has the name of a scope, run id or pipeline.
    """
    outer = state("a", "b", completed_components=["outer"])
    inner = [
        state("b", name, scope=("a",), completed_components=["pipeline"]),
        state(name, "p", scope=("a", "b"), completed_components=["run"]),
        state("r", "p", scope=("a", "b", name), completed_components=["scope"]),
    ]
    request = RestartRequest(components=("outer",))
    for one in (outer, *inner):
        shared_store.save(one)
    if isinstance(shared_store, RestartRequests):
        shared_store.leave_request(request, outer.key)
    for one in (outer, *inner):
        assert shared_store.load(one.run_id, one.pipeline_name, scope=one.scope) == one
    if isinstance(shared_store, RestartRequests):
        assert shared_store.find_request(outer.key) == request
        found = list(shared_store.list())  # type: ignore[attr-defined]
        assert sorted(found, key=str) == sorted([outer, *inner], key=str)
    assert shared_store.load("a") == outer
    assert shared_store.load("b", scope=("a",)) == inner[0]
    shared_store.delete("a", "b")
    assert shared_store.load("a", "b") is None
    for one in inner:
        assert shared_store.load(one.run_id, one.pipeline_name, scope=one.scope) == one


def test_an_empty_name_is_a_name_like_any_other(shared_store: CheckpointStore, tmp_path: Path) -> None:
    """In a path it must not be nothing: the next name would take its place, or the path begin at the root."""
    for scope in (("",), ("", ""), ("", "x")):
        one = state(scope=scope, completed_components=["a"])
        shared_store.save(one)
        assert shared_store.load(one.run_id, one.pipeline_name, scope=one.scope) == one
    assert set(os.listdir(tmp_path)) <= {"checkpoints"}
