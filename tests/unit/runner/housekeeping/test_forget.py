"""Forgetting a run: it says what was really deleted, and a running attempt cannot write its record again."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointError, CheckpointInUseError, StaleAttemptError
from airflow_provider.runner import LocalCheckpointStore, PipelineResultStatus
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.housekeeping.activity import Activity, ActivityKind
from airflow_provider.runner.housekeeping.forget import ForgetReport, SavedViewsLocation, forget
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import MARKER
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from tests.conftest import Script
from tests.samples.harness.places import Place
from tests.samples.harness.records import AT, KEY, state
from tests.samples.harness.runs import ScriptedRun
from tests.samples.harness.saved_directories import leave_views
from tests.samples.harness.stores import PlainStore
from tests.samples.pipelines import pipeline

NO_VIEWS = SavedViewsLocation(None, lambda url: pytest.fail("nothing was saved"))


def outcomes(done: ForgetReport) -> dict[str, str]:
    """Return the first word of each part to what became of it."""
    return {part.what.split()[0]: part.outcome for part in done.parts}


def views_in(folder: Path) -> SavedViewsLocation:
    return SavedViewsLocation(KEY.directory(str(folder)), lambda url: DirectoryStorage(Path(url)))


def test_each_part_says_what_became_of_it(own_place: Place, tmp_path: Path) -> None:
    """Deleted what was there, and not what was not; nothing is left of the run."""
    store: Any = own_place.attempt()
    store.save(state(status="failed"))
    store.leave_request(RestartRequest(components=("a",)), KEY)
    leave_views(DirectoryStorage(tmp_path / "views"), KEY, path=KEY.path)

    done = forget(store, store.load("run-1", "p"), views_in(tmp_path / "views"))
    assert outcomes(done) == {"checkpoint": "deleted", "request": "deleted", "saved": "deleted"}
    assert done.complete
    assert load(own_place.store(), KEY) is None
    assert list((tmp_path / "views").iterdir()) == []

    again = forget(store, state(status="failed"), views_in(tmp_path / "views"))
    assert set(outcomes(again).values()) == {"was not there"}
    assert again.complete


def test_while_an_attempt_may_be_running_nothing_is_deleted(own_place: Place, tmp_path: Path) -> None:
    """The error says since when, and how that is known."""
    store = own_place.attempt()
    store.save(state(status="in_progress", updated_at=AT, attempt=3))
    leave_views(DirectoryStorage(tmp_path / "views"), KEY, path=KEY.path)
    before = own_place.documents()

    with pytest.raises(CheckpointInUseError) as refused:
        forget(store, store.load("run-1", "p"), views_in(tmp_path / "views"), now=AT + timedelta(minutes=5))  # type: ignore[arg-type]
    assert (
        "attempt 3 may be running: its checkpoint says in_progress and has not changed since "
        "2024-01-01 12:30:15 UTC (5 min 00 s ago). Nothing was deleted"
    ) in str(refused.value)
    assert own_place.documents() == before
    assert list((tmp_path / "views").rglob("*.parquet"))


@pytest.mark.parametrize("status", ["failed", "completed", "in_progress"])
def test_what_airflow_says_counts_more_than_the_checkpoint(tmp_path: Path, status: str) -> None:
    """A retry that has just started has recorded nothing; a process that died left in_progress."""
    store = LocalCheckpointStore(tmp_path)
    store.save(state(status=status))
    found = store.load("run-1", "p")
    assert found is not None
    running = Activity(ActivityKind.RUNNING, 2, AT, airflow_state="running")
    said = r"Airflow's database says the task instance is 'running' \(try 2\) since 2024-01-01 12:30:15 UTC"
    with pytest.raises(CheckpointInUseError, match=said):
        forget(store, found, NO_VIEWS, activity=running)
    assert forget(store, found, NO_VIEWS, activity=Activity(ActivityKind.ENDED)).complete
    assert store.load("run-1", "p") is None


@pytest.mark.parametrize("moment", ["before it begins", "while a component runs"])
def test_by_force_a_running_attempt_is_fenced_off_and_cannot_record_again(
    own_place: Place, tmp_path: Path, script: Script, moment: str
) -> None:
    """It stops at its next record with StaleAttemptError; the next attempt starts from the beginning."""
    running, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        running.set()
        assert go_on.wait(60)

    run = ScriptedRun(pipeline("a", "b", "c"), own_place.attempt())
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            run.attempt()
        except BaseException as error:
            errors.append(error)

    if moment == "while a component runs":
        script.on("b", wait)
        worker = threading.Thread(target=attempt)
        worker.start()
        assert running.wait(60)
    else:
        run.store.save(state(status="failed", run_id="run-1"))
        hooks = run.checkpoint_hooks()
        hooks.take_over(run.config)  # and now it starts Spark
    leave_views(DirectoryStorage(tmp_path / "views"), KEY, path=KEY.path)

    onlooker = own_place.store()
    found = load(onlooker, KEY)
    assert found is not None
    done = forget(onlooker, found, views_in(tmp_path / "views"), force=True)
    assert done.complete
    assert outcomes(done)["checkpoint"] == outcomes(done)["saved"] == "deleted"
    assert list((tmp_path / "views").rglob("*.parquet")) == []

    if moment == "while a component runs":
        assert done.fenced is not None
        assert done.lines()[0].startswith("fenced off, so it stops when it next records something: attempt 1")
        # What it is still writing is found later: whose it is stays written there.
        assert [path.name for path in (tmp_path / "views").rglob("*") if path.is_file()] == [MARKER]
        go_on.set()
        worker.join(60)
        assert script.take_calls() == ["a", "b"]
        (error,) = errors
    else:
        runner = run.runner(hooks)
        with pytest.raises(StaleAttemptError) as stale:
            runner.run(plan=runner.plan())
        error = stale.value
    assert isinstance(error, StaleAttemptError)
    assert "was deleted while attempt" in str(error) or "replaced" in str(error)
    assert load(own_place.store(), KEY) is None

    script.mend("b")
    following = ScriptedRun(run.config, own_place.attempt())
    assert following.attempt().status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == ["a", "b", "c"]


def test_a_store_that_cannot_fence_says_what_cannot_be_done() -> None:
    """Nothing is deleted under an attempt that would write its record again, also by force."""
    store = PlainStore()
    store.save(state(status="in_progress", updated_at=AT))
    found = store.load("run-1")
    assert found is not None
    with pytest.raises(CheckpointInUseError, match=r"has no fence_off\(\), so the attempt could not be"):
        forget(store, found, NO_VIEWS, force=True)
    assert store.load("run-1") is not None

    store.save(state(status="failed"))
    assert outcomes(forget(store, state(status="failed"), NO_VIEWS)) == {
        "checkpoint": "deleted",
        "request": "was not there",
        "saved": "was not there",
    }


def test_what_could_not_be_deleted_is_said_with_the_reason(tmp_path: Path) -> None:
    """A store and a storage that refuse: neither counts as deleted."""

    class Refusing(PlainStore):
        def delete(self, run_id: str, pipeline_name: str, **scope: Any) -> bool:
            raise PermissionError(13, "not yours")

    class Deaf(PlainStore):
        def delete(self, run_id: str, pipeline_name: str, **scope: Any) -> bool:
            return True

    def unreachable(url: str) -> DirectoryStorage:
        raise OSError("no route")

    for store, why in ((Refusing(), "not yours"), (Deaf(), "it is still in")):
        store.save(state(status="failed"))
        done = forget(store, state(status="failed"), SavedViewsLocation("s3a://b/run-1/p", unreachable))
        assert outcomes(done) == {
            "checkpoint": "could not be deleted",
            "request": "was not there",
            "saved": "could not be deleted",
        } or outcomes(done) == {"checkpoint": "could not be deleted", "saved": "could not be deleted"}
        assert not done.complete
        assert why in done.lines()[0]
        assert "OSError: no route" in done.lines()[-1]


def test_an_attempt_that_cannot_be_fenced_off_keeps_everything() -> None:
    """If the fence cannot be written, nothing is deleted."""

    class NoFence(PlainStore):
        def fence_off(self, key: RunKey) -> None:
            raise OSError("read-only")

    store = NoFence()
    store.save(state(status="in_progress"))
    with pytest.raises(CheckpointError, match=r"cannot fence off .*, so nothing was deleted: OSError: read-only"):
        forget(store, state(status="in_progress"), NO_VIEWS, force=True)
    assert store.load("run-1") is not None


@pytest.mark.parametrize("case", ["of another run", "foreign file", "nobody's", "a link"])
def test_a_record_that_points_elsewhere_gets_nothing_deleted_there(tmp_path: Path, case: str) -> None:
    """Whoever edits a checkpoint cannot have other people's directories deleted (invariant 8)."""
    victim = tmp_path / "victim"
    other = dataclasses.replace(KEY, run_id="other")
    path = KEY.path if case == "foreign file" else "x"
    leave_views(
        DirectoryStorage(victim), other if case == "of another run" else KEY, path=path, marker=case != "nobody's"
    )
    if case == "foreign file":
        (victim / path / "notes.txt").write_text("x")
    if case == "a link":
        (tmp_path / "link").symlink_to(victim / path)
    before = sorted(victim.rglob("*"))

    url = str(tmp_path / "link" if case == "a link" else victim / path)
    store = PlainStore()
    store.save(state(status="failed"))
    done = forget(store, state(status="failed"), SavedViewsLocation(url, lambda url: DirectoryStorage(Path(url))))
    assert outcomes(done)["saved"] == "could not be deleted"
    assert not done.complete
    assert sorted(victim.rglob("*")) == before
