"""What every checkpoint store must do. A new store is one more line in ``STORES``."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider.errors import CheckpointReadError, StaleAttemptError
from airflow_provider.runner import CheckpointState, CheckpointStore, InMemoryCheckpointStore, LocalCheckpointStore
from airflow_provider.runner.checkpoint import ComponentRecord
from airflow_provider.runner.checkpoint.store import RestartRequests
from airflow_provider.runner.record.state import RestartRequest
from airflow_provider.stores.hadoop_files import DriverCheckpointStore, HadoopFiles
from airflow_provider.stores.object_storage import ObjectStorageCheckpointStore
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from tests.samples.s3 import new_prefix
from tests.samples.stores import FakeTaskState


@dataclass(frozen=True)
class Kind:
    """A store under test.

    :param build: makes an empty store in a directory
    :param finds_by_run: it serves many runs and scopes, finds a checkpoint without the pipeline's name, and
        itself refuses a replaced attempt. False for a store inside one task instance of Airflow, which sees
        one run only and where Airflow refuses a replaced attempt
    """

    build: Callable[[Path], CheckpointStore]
    finds_by_run: bool = True


def hadoop_store(directory: Path) -> CheckpointStore:
    """The store of a Spark driver, on a directory but through Hadoop's file system."""
    from pyspark.sql import SparkSession

    url = f"file://{directory}/checkpoints"
    return DriverCheckpointStore(url, HadoopFiles(SparkSession.active(), url))


STORES = {
    "memory": Kind(lambda directory: InMemoryCheckpointStore()),
    "local": Kind(lambda directory: LocalCheckpointStore(directory / "checkpoints")),
    "file://": Kind(lambda directory: ObjectStorageCheckpointStore(f"file://{directory}/checkpoints")),
    "s3://": Kind(lambda directory: ObjectStorageCheckpointStore(new_prefix())),
    "hadoop": Kind(hadoop_store),
    "task state": Kind(lambda directory: TaskStateCheckpointStore(FakeTaskState()), finds_by_run=False),
}

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


def build(request: pytest.FixtureRequest, directory: Path) -> CheckpointStore:
    if request.param == "hadoop":
        request.getfixturevalue("spark")
    return STORES[request.param].build(directory)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    """Each store."""
    return build(request, tmp_path)


@pytest.fixture(params=[name for name, kind in STORES.items() if kind.finds_by_run])
def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    """Each store that serves many runs."""
    return build(request, tmp_path)


def state(run: str = "run-1", pipeline: str = "p", **more: object) -> CheckpointState:
    return CheckpointState.model_validate(
        {"run_id": run, "pipeline_name": pipeline, "pipeline_fingerprint": "f", "fence": 1, "owner": "me", **more}
    )


FULL = state(
    completed_components=["a", "日本\n"],
    failed_component="c",
    status="failed",
    created_at=datetime.datetime(2024, 1, 1, 12, 30, 15, 123456, tzinfo=datetime.UTC),
    updated_at=datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    attempt=3,
    fence=7,
    components={
        "a": ComponentRecord(
            fingerprint="aa",
            completed_at=datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
            duration_seconds=1.5,
            attempt=2,
        )
    },
    fields={"a": {"config.x": "0123456789ab"}},
    airflow={"try_number": 3, "nested": {"list": [1, None, "x"]}},
)


def test_every_store_satisfies_the_protocol(store: CheckpointStore) -> None:
    assert isinstance(store, CheckpointStore)


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
        "attempt 1 of pipeline 'p', run 'run-1', has been replaced by attempt 2; "
        "it stops here and leaves the checkpoint alone"
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
    with pytest.raises(StaleAttemptError, match="attempt 1 of pipeline 'p', run 'run-1', has been replaced"):
        store.save(state(attempt=1))
    airflow.replaced = False
    assert store.load("run-1", "p") == newest


# Requests to restart


@pytest.fixture
def requests(store: CheckpointStore) -> RestartRequests:
    """Each store, all of which take requests."""
    assert isinstance(store, RestartRequests)
    return store


def test_a_request_is_found_until_it_is_dropped(requests: RestartRequests) -> None:
    """There may be no checkpoint yet, and to drop nothing is no error."""
    assert requests.find_request("run-1", "p") is None
    requests.drop_request("run-1", "p")
    request = RestartRequest(component="日本\n")
    requests.leave_request(request, "run-1", "p")
    assert requests.find_request("run-1", "p") == request
    assert requests.find_request("run-1", "p") == request, "looking does not take it away"
    requests.drop_request("run-1", "p")
    assert requests.find_request("run-1", "p") is None


def test_a_request_replaces_an_earlier_one_and_has_an_id_of_its_own(requests: RestartRequests) -> None:
    """So a second request for the same component can be told from the one that was carried out."""
    first, second = RestartRequest(component="a"), RestartRequest(component="a")
    for request in (first, second):
        requests.leave_request(request, "run-1", "p")
    found = requests.find_request("run-1", "p")
    assert found == second
    assert second.id != first.id


def test_a_request_and_a_checkpoint_leave_each_other_alone(store: CheckpointStore, requests: RestartRequests) -> None:
    store.save(FULL)
    request = RestartRequest(component="a")
    requests.leave_request(request, "run-1", "p")
    assert store.load("run-1", "p") == FULL
    later = FULL.model_copy(update={"attempt": 4, "fence": 8, "owner": "next"})
    store.save(later)
    assert requests.find_request("run-1", "p") == request
    requests.drop_request("run-1", "p")
    assert store.load("run-1", "p") == later


def test_a_request_is_no_checkpoint(shared_store: CheckpointStore) -> None:
    """A load without the pipeline's name and a list see the checkpoints only."""
    assert isinstance(shared_store, RestartRequests)
    for pipeline in ("p", "q"):
        shared_store.leave_request(RestartRequest(component="a"), "run-1", pipeline)
    assert shared_store.load("run-1") is None
    shared_store.save(state())
    assert shared_store.load("run-1") == state()
    if isinstance(shared_store, (LocalCheckpointStore, ObjectStorageCheckpointStore)):
        assert list(shared_store.list()) == [state()]
    assert shared_store.find_request("run-1", "p") is not None, "and it was not taken for a damaged one either"
    assert shared_store.delete("run-1", "q") is False


def test_delete_removes_the_request_as_well(store: CheckpointStore, requests: RestartRequests) -> None:
    store.save(state())
    requests.leave_request(RestartRequest(component="a"), "run-1", "p")
    store.delete("run-1", "p")
    assert requests.find_request("run-1", "p") is None


def test_requests_for_different_runs_and_pipelines_are_kept_apart(shared_store: CheckpointStore) -> None:
    """Invariant 7, also for names that look like a path or like the name of a request's file."""
    assert isinstance(shared_store, RestartRequests)
    places = [
        (run, pipeline, scope)
        for run in ("r", "../x", "日本 %2F")
        for pipeline in ("p", ".p.request", ".request.json", "p/.request.json", "{{ run_id }}")
        for scope in ((), ("r",), ("dag", "task", "0"))
    ]
    for number, (run, pipeline, scope) in enumerate(places):
        assert shared_store.find_request(run, pipeline, scope=scope) is None
        shared_store.leave_request(RestartRequest(component=f"c{number}"), run, pipeline, scope=scope)
    for number, (run, pipeline, scope) in enumerate(places):
        found = shared_store.find_request(run, pipeline, scope=scope)
        assert found is not None
        assert found.component == f"c{number}"
