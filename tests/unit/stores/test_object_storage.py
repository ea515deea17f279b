"""ObjectStorageCheckpointStore: what lies in the directory, two writers at once, damage, cached listings."""

from __future__ import annotations

import itertools
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import airflow.sdk.io  # noqa: F401 - configures logging when imported, so not within a test that reads the log
import pytest

from airflow_provider.errors import (
    CheckpointFormatError,
    CheckpointReadError,
    PipelineConfigError,
    StaleAttemptError,
)
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.record.state import RestartRequest
from airflow_provider.stores import object_storage
from airflow_provider.stores.object_files import Directory, files_at
from airflow_provider.stores.object_storage import ObjectStorageCheckpointStore
from tests.samples.s3 import BUCKET, CONNECTION, new_prefix


def state(fence: int = 1, owner: str = "me", *done: str, **more: Any) -> CheckpointState:
    return CheckpointState.model_validate(
        {
            "run_id": "run-1",
            "pipeline_name": "p",
            "pipeline_fingerprint": "f",
            "fence": fence,
            "attempt": fence,
            "owner": owner,
            "completed_components": list(done),
            **more,
        }
    )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(base: Path) -> ObjectStorageCheckpointStore:
    return ObjectStorageCheckpointStore(f"file://{base}")


@pytest.fixture
def s3() -> ObjectStorageCheckpointStore:
    return ObjectStorageCheckpointStore(new_prefix())


def names(base: Path) -> list[str]:
    """What lies in the directory of the checkpoint."""
    return sorted(os.listdir(base / "run-1" / "p"))


def done(store: ObjectStorageCheckpointStore) -> list[str]:
    found = store.load("run-1", "p")
    assert found is not None
    return found.completed_components


# What is stored


def test_importing_the_module_does_not_import_airflow() -> None:
    """The operator's module is imported whenever a DAG file is parsed."""
    code = (
        "import sys, airflow_provider.stores.object_storage; "
        "print([n for n in ('airflow.sdk', 'fsspec', 'upath', 's3fs') if n in sys.modules])"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout == "[]\n"


def test_one_object_is_left_after_each_save_and_its_name_tells_the_rank(
    store: ObjectStorageCheckpointStore, base: Path
) -> None:
    for number in range(3):
        store.save(state(1, "me", *"abc"[:number]))
    assert names(base) == ["0000000001~000001~me~00000003.json"]
    store.save(state(2, "next", attempt=4))
    assert names(base) == ["0000000002~000004~next~00000001.json"]
    assert json.loads((base / "run-1" / "p" / names(base)[0]).read_text())["format_version"] == 1


def test_hostile_names_are_readable_and_unambiguous_in_a_bucket() -> None:
    """What the S3 client makes of '%2F' in a key: nothing, neither when it writes nor when it lists."""
    prefix = new_prefix()
    store = ObjectStorageCheckpointStore(prefix)
    for name in ("a/b", "a%2Fb", "..", "日本 %2F", "{{ run_id }}", "?versionId=1#x"):
        store.save(state(run_id=name, pipeline_name=name))
    paths = sorted(path.rpartition("/")[0] for path in files_at(prefix).walk())
    assert paths == [
        "%2E./%2E.",
        "%3FversionId%3D1%23x/%3FversionId%3D1%23x",
        "%7B%7B%20run_id%20%7D%7D/%7B%7B%20run_id%20%7D%7D",
        "%E6%97%A5%E6%9C%AC%20%252F/%E6%97%A5%E6%9C%AC%20%252F",
        "a%252Fb/a%252Fb",
        "a%2Fb/a%2Fb",
    ]


def test_a_checkpoint_whose_name_is_that_of_an_object_lies_beside_the_object(
    store: ObjectStorageCheckpointStore, base: Path
) -> None:
    """A run named like the pipeline's directory, with pipelines named like the files in it."""
    store.save(state(1, "me", "a"))
    (name,) = names(base)
    others = [state(scope=("run-1",), run_id="p", pipeline_name=other) for other in (name, ".request.json")]
    for other in others:
        store.save(other)
        store.leave_request(RestartRequest(component="x"), other.run_id, other.pipeline_name, scope=other.scope)
    store.save(state(1, "me", "a", "b"))
    assert done(store) == ["a", "b"]
    for other in others:
        assert store.load("p", other.pipeline_name, scope=("run-1",)) == other


def test_list_yields_every_good_checkpoint_once(
    store: ObjectStorageCheckpointStore, s3: ObjectStorageCheckpointStore, base: Path
) -> None:
    for one in (store, s3):
        assert list(one.list()) == []
        kept = [state(run_id="run-2", scope=("dag", "task", "-1")), state(run_id="run-3")]
        for saved in kept:
            one.save(saved)
            one.save(saved)
        assert sorted(one.list(), key=lambda found: found.run_id) == kept
    # A leftover, a damaged checkpoint, one of a newer format, and saved views that lie there as well.
    store.save(state())
    (base / "run-1" / "p" / names(base)[0]).write_text("{")
    newer = base / "run-3" / "p" / "0000000009~000009~x~00000001.json"
    newer.write_text('{"format_version": 99}')
    views = base / ".views" / "p" / newer.name
    views.parent.mkdir(parents=True)
    views.write_text(json.dumps(state().to_json()))
    assert [found.run_id for found in store.list()] == ["run-2"]


def test_the_address_is_shown_without_credentials() -> None:
    """Also not in the error about them: it ends up in logs."""
    assert str(ObjectStorageCheckpointStore("s3://conn@bucket/a?token=hunter2#hunter2")) == (
        "object storage s3://conn@bucket/a"
    )
    assert repr(ObjectStorageCheckpointStore("gs://bucket/a")) == "ObjectStorageCheckpointStore('gs://bucket/a')"
    assert "file:///x/y" in str(ObjectStorageCheckpointStore("file:///x/y"))
    assert str(ObjectStorageCheckpointStore("s3://bucket", conn_id="other")) == "object storage s3://other@bucket"
    with pytest.raises(PipelineConfigError) as caught:
        ObjectStorageCheckpointStore("s3://AKIA:hunter2@bucket/a")
    assert "hunter2" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
    assert str(caught.value).endswith("name that: 's3://CONNECTION@bucket/a'")


def test_a_connection_may_be_given_apart_from_the_address() -> None:
    prefix = new_prefix().replace(f"{CONNECTION}@", "")
    store = ObjectStorageCheckpointStore(prefix, conn_id=CONNECTION)
    store.save(state(1, "me", "a"))
    assert done(ObjectStorageCheckpointStore(prefix.replace("s3://", f"s3://{CONNECTION}@"))) == ["a"]


def test_a_store_travels_to_another_process(s3: ObjectStorageCheckpointStore) -> None:
    """It is part of the operator, which Airflow copies and pickles."""
    s3.save(state(1, "me", "a"))
    assert done(pickle.loads(pickle.dumps(s3))) == ["a"]


# Invariant 1: never forget. Whatever breaks, and wherever


class Interrupted(BaseException):
    """Stands in for the death of the process."""


class Watched:
    """The files of a store, with a callback before each step. Everything is really done."""

    def __init__(self, files: Any, before: Callable[[str, str], None]) -> None:
        self._files = files
        self._before = before

    def __getattr__(self, step: str) -> Any:
        act = getattr(self._files, step)

        def watched(*arguments: Any) -> Any:
            self._before(step, arguments[0] if arguments else "")
            return act(*arguments)

        return watched


@pytest.fixture
def before_each_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, str], None]], None]:
    """Set what is called before each step of every store that is used from here on."""

    def watch(before: Callable[[str, str], None]) -> None:
        monkeypatch.setattr(object_storage, "files_at", lambda *place: Watched(files_at(*place), before))

    return watch


@pytest.mark.parametrize("where", ["file", "s3"])
def test_wherever_a_save_ends_the_old_or_the_new_state_is_loaded(
    where: str,
    store: ObjectStorageCheckpointStore,
    s3: ObjectStorageCheckpointStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process dies before its first, second, … step, in a take-over and in later saves."""
    used = store if where == "file" else s3
    used.save(state(1, "old", "a"))
    used.save(state(1, "old", "a", "b"))
    for fence in (2, 2, 3):
        for number in itertools.count(1):
            left = number

            def die(step: str, path: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    raise Interrupted

            before, after = done(used), ["a", "b", f"{fence}.{number}"]
            with monkeypatch.context() as patched:
                patched.setattr(object_storage, "files_at", lambda *place, die=die: Watched(files_at(*place), die))
                try:
                    used.save(state(fence, f"owner-{fence}", *after))
                    break
                except Interrupted:
                    assert done(used) in (before, after), f"died before step {number}"
        assert done(used) == after
        assert number >= 4


def test_at_every_step_of_a_save_a_reader_sees_the_old_or_the_new_state(
    store: ObjectStorageCheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 1, with a reader that looks between all steps."""
    reader_files = object_storage.files_at
    store.save(state(1, "old", "a"))
    seen = []

    def look(step: str, path: str) -> None:
        with monkeypatch.context() as unwatched:
            unwatched.setattr(object_storage, "files_at", reader_files)
            seen.append((step, done(store)))

    monkeypatch.setattr(object_storage, "files_at", lambda *place: Watched(reader_files(*place), look))
    store.save(state(2, "new", "a", "b"))
    assert seen == [
        ("files", ["a"]),
        ("files", ["a"]),
        ("read", ["a"]),
        ("write", ["a"]),
        ("files", ["a", "b"]),
        ("remove", ["a", "b"]),
    ]


def test_older_objects_that_cannot_be_removed_do_no_harm(
    store: ObjectStorageCheckpointStore,
    base: Path,
    before_each_step: Callable[[Callable[[str, str], None]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The save has succeeded; the log tells; the next save that can removes them."""

    def refuse(step: str, path: str) -> None:
        if step == "remove" and refusing:
            raise PermissionError(13, "not allowed to delete")

    refusing = True
    before_each_step(refuse)
    for count in (1, 2, 3):
        store.save(state(1, "me", *"abc"[:count]))
    assert len(names(base)) == 3
    assert done(store) == ["a", "b", "c"]
    assert caplog.messages[-1].endswith("cannot be removed: PermissionError: [Errno 13] not allowed to delete")
    refusing = False
    store.save(state(2, "next", "a", "b", "c", "d"))
    assert len(names(base)) == 1
    assert done(store) == ["a", "b", "c", "d"]


def test_a_delete_that_is_interrupted_brings_no_older_state_to_light(
    store: ObjectStorageCheckpointStore, base: Path, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    store.save(state(1, "me", "a"))
    (old,) = names(base)
    content = (base / "run-1" / "p" / old).read_bytes()
    store.save(state(1, "me", "a", "b"))
    (base / "run-1" / "p" / old).write_bytes(content)  # a leftover

    removed = 0

    def die(step: str, path: str) -> None:
        nonlocal removed
        if step == "remove":
            removed += 1
            if removed == 2:
                raise Interrupted

    before_each_step(die)
    with pytest.raises(Interrupted):
        store.delete("run-1", "p")
    assert done(store) == ["a", "b"]


def test_a_save_whose_object_is_not_listed_has_failed(
    store: ObjectStorageCheckpointStore, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a listing that can be trusted it is unknown whether a newer attempt has taken over."""
    store.save(state(1, "me", "a"))

    class Blind:
        def __init__(self, files: Any) -> None:
            self._files = files
            self.known = files.files("run-1/p")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._files, name)

        def files(self, directory: str) -> list[str]:
            return self.known

    with monkeypatch.context() as patched:
        patched.setattr(object_storage, "files_at", lambda *place: Blind(files_at(*place)))
        with pytest.raises(OSError, match="is not in the listing"):
            store.save(state(1, "me", "a", "b"))
    assert len(names(base)) == 2, "and removed nothing"
    store.save(state(1, "me", "a", "b"))
    assert done(store) == ["a", "b"]
    assert len(names(base)) == 1


def test_a_load_that_meets_a_save_looks_again(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """Between its listing and its read the object is replaced, by several saves in a row."""
    store.save(state(1, "me"))
    count = 0

    def save_meanwhile(step: str, path: str) -> None:
        nonlocal count
        if step == "read" and count < 5:
            count += 1
            before_each_step(lambda step, path: None)
            store.save(state(1, "me", *"abcde"[:count]))
            before_each_step(save_meanwhile)

    before_each_step(save_meanwhile)
    assert done(store) == ["a", "b", "c", "d", "e"]


def test_a_load_that_never_gets_hold_of_the_object_is_an_error(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """It is unknown what has completed, which is not the same as nothing."""
    store.save(state())

    def vanish(step: str, path: str) -> None:
        if step == "read":
            raise FileNotFoundError(path)

    before_each_step(vanish)
    with pytest.raises(CheckpointReadError, match="changed 20 times while it was read"):
        store.load("run-1", "p")


# Invariant 5: the newest attempt wins


class Attempt:
    """One attempt whose saves can be stopped before each step, so that a test can interleave two of them."""

    def __init__(self, url: str, fence: int, owner: str, attempt: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fence, self.owner, self.attempt = fence, owner, attempt
        self.saves = 0
        self.stale = False
        self._url = url
        self._monkeypatch = monkeypatch

    def save(self) -> Iterator[str]:
        """Save in steps: yields before each; ends when the save has ended. Runs in a thread that waits in between."""
        import threading

        go, stopped = threading.Semaphore(0), threading.Semaphore(0)
        steps: list[str] = []
        troubles: list[BaseException] = []

        def pause(step: str, path: str) -> None:
            steps.append(step)
            stopped.release()
            go.acquire()

        def work() -> None:
            # A store of its own, whose backend waits; what other stores use is untouched.
            store = ObjectStorageCheckpointStore(self._url)
            files = Watched(files_at(self._url), pause)
            store._files = lambda: files  # type: ignore[assignment,method-assign,return-value]
            try:
                store.save(state(self.fence, self.owner, *self.record(), attempt=self.attempt))
            except StaleAttemptError:
                self.stale = True
            except BaseException as trouble:
                troubles.append(trouble)
            steps.append("end")
            stopped.release()

        self.saves += 1
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        while True:
            assert stopped.acquire(timeout=20)
            step = steps[-1]
            if step == "end":
                break
            yield step
            go.release()
        worker.join(20)
        assert not troubles, troubles

    def record(self) -> list[str]:
        return [f"{self.owner}{number}" for number in range(1, self.saves + 1)]


def interleavings(steps: int) -> list[tuple[int, ...]]:
    """Which of two attempts makes the next step: every order in which each makes so many."""
    return sorted(set(itertools.permutations([0] * steps + [1] * steps)))


@pytest.mark.parametrize(
    ("fences", "attempts"),
    [((1, 1), (1, 1)), ((1, 1), (1, 2)), ((1, 2), (1, 2))],
    ids=["same fence and attempt", "same fence", "next fence"],
)
def test_of_two_attempts_that_save_at_once_exactly_one_goes_on_in_every_interleaving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fences: tuple[int, int], attempts: tuple[int, int]
) -> None:
    """Each lists, reads, writes and lists; whatever the order, one of them ends with StaleAttemptError at the latest
    with its second save, the other never does, and what is loaded is what the one that goes on has saved last.
    """
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # hundreds of saves, and no power failure in them
    for number, order in enumerate(interleavings(4)):
        url = f"file://{tmp_path}/{number}"
        both = [
            Attempt(url, fence, owner, attempt, monkeypatch)
            for fence, owner, attempt in zip(fences, "xy", attempts, strict=True)
        ]
        saves = [one.save() for one in both]
        for turn in order:
            next(saves[turn], None)
        for save in saves:
            list(save)
        for _ in range(2):  # whoever lost may find out now
            for one in both:
                if not one.stale:
                    list(one.save())
        stale = [one.stale for one in both]
        assert sorted(stale) == [False, True], f"order {order}"
        if fences == (1, 2):
            assert stale == [True, False], f"the replaced attempt, order {order}"
        (winner,) = (one for one in both if not one.stale)
        assert done(ObjectStorageCheckpointStore(url)) == winner.record(), f"order {order}"
        assert len(names(tmp_path / str(number))) == 1


def test_a_replaced_attempt_that_looks_first_writes_nothing(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """Not even for a moment: a reader could take it for the newest if the newer one were deleted meanwhile."""
    store.save(state(1, "old", "a"))
    store.save(state(2, "new", "a", "b"))
    steps: list[str] = []
    before_each_step(lambda step, path: steps.append(step))
    for late in (state(1, "old", "x"), state(1, "older", "x")):
        with pytest.raises(StaleAttemptError):
            store.save(late)
    assert steps == ["files", "files"]


def test_an_own_object_does_not_save_a_replaced_attempt_from_looking(
    store: ObjectStorageCheckpointStore,
    base: Path,
    before_each_step: Callable[[Callable[[str, str], None]], None],
) -> None:
    """Its last object may still be there, because the newer attempt could not remove it."""
    store.save(state(1, "old", "a"))
    (left,) = (base / "run-1" / "p").iterdir()
    content = left.read_bytes()
    store.save(state(2, "new", "a", "b"))
    left.write_bytes(content)
    steps: list[str] = []
    before_each_step(lambda step, path: steps.append(step))
    with pytest.raises(StaleAttemptError):
        store.save(state(1, "old", "a", "x"))
    assert steps == ["files"]


def test_who_comes_second_with_the_same_fence_is_refused_whatever_its_rank(store: ObjectStorageCheckpointStore) -> None:
    """The first one may have gone on already, and must not be told to stop."""
    store.save(state(1, "x", "a"))
    for late in (state(1, "y", "b"), state(1, "y", "b", attempt=2)):
        with pytest.raises(StaleAttemptError, match="replaced by attempt 1"):
            store.save(late)
    store.save(state(1, "x", "a", "c"))
    assert done(store) == ["a", "c"]


def test_who_has_won_is_not_stopped_by_what_the_loser_still_writes(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """Both had found nobody there. The loser writes late, and the winner saves again before the loser looks."""
    listings = 0

    def interleave(step: str, path: str) -> None:
        nonlocal listings
        listings += step == "files"
        if step == "write" or listings == 3:
            before_each_step(lambda step, path: None)
            store.save(state(1, "y", *"ab"[: 1 if step == "write" else 2]))
            before_each_step(interleave)

    before_each_step(interleave)
    with pytest.raises(StaleAttemptError):
        store.save(state(1, "x", "z"))
    assert listings == 3
    assert done(store) == ["a", "b"]


def test_an_attempt_that_paused_before_it_wrote_is_refused_and_takes_its_object_away(
    store: ObjectStorageCheckpointStore, base: Path, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """It had checked, then stood still while the next attempt took over and went on: invariant 5."""
    store.save(state(1, "old", "a"))

    def overtake(step: str, path: str) -> None:
        if step == "write":
            before_each_step(lambda step, path: None)
            store.save(state(2, "new", "a"))
            store.save(state(2, "new", "a", "b"))

    before_each_step(overtake)
    with pytest.raises(StaleAttemptError, match=r"attempt 1 .* has been replaced by attempt 2"):
        store.save(state(1, "old", "a", "x"))
    assert names(base) == ["0000000002~000002~new~00000002.json"]
    assert done(store) == ["a", "b"]


def test_an_attempt_that_paused_between_its_write_and_its_listing_is_refused(
    store: ObjectStorageCheckpointStore, base: Path, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    listings = 0

    def overtake(step: str, path: str) -> None:
        nonlocal listings
        listings += step == "files"
        if listings == 3:  # the one after the write
            before_each_step(lambda step, path: None)
            assert done(store) == ["x"]
            store.save(state(2, "new", "x", "b"))

    before_each_step(overtake)
    with pytest.raises(StaleAttemptError, match=r"attempt 1 .* has been replaced by attempt 2"):
        store.save(state(1, "old", "x"))
    assert done(store) == ["x", "b"]
    assert len(names(base)) == 1


def test_a_replaced_attempt_that_cannot_take_its_object_away_is_refused_all_the_same(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """What it leaves has the lower rank, so nobody reads it."""

    def overtake(step: str, path: str) -> None:
        if step == "write":
            before_each_step(lambda step, path: None)
            store.save(state(2, "new", "a"))
        if step == "remove":
            raise PermissionError(13, "not allowed to delete")

    before_each_step(overtake)
    with pytest.raises(StaleAttemptError):
        store.save(state(1, "old", "x"))
    assert done(store) == ["a"]


# fsspec's cache of listings


def test_what_another_process_saved_is_seen_at_once(s3: ObjectStorageCheckpointStore) -> None:
    """fsspec keeps listings for the whole process; here somebody else writes behind its back."""
    import boto3

    from tests.samples.s3 import endpoint

    client = boto3.client(
        "s3",
        endpoint_url=endpoint(),
        aws_access_key_id="tests",
        aws_secret_access_key="secret-of-the-tests",
        region_name="us-east-1",
    )
    s3.save(state(1, "me", "a"))
    assert done(s3) == ["a"]
    prefix = str(s3).rpartition("/")[2]
    taken_over = state(2, "new", "a", "b")
    client.put_object(
        Bucket=BUCKET,
        Key=f"{prefix}/run-1/p/0000000002~000002~new~00000001.json",
        Body=json.dumps(taken_over.to_json()).encode(),
    )
    assert s3.load("run-1", "p") == s3.load("run-1") == taken_over
    with pytest.raises(StaleAttemptError):
        s3.save(state(1, "me", "a", "x"))
    assert list(s3.list()) == [taken_over]


# Invariant 9: a bad checkpoint never blocks


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "torn in the middle": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "zeros after a power failure": lambda content: b"\0" * len(content),
    "binary": lambda content: b"\xff\xfe\x80",
    "another kind of json": lambda content: b"[1]",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("where", ["file", "s3"])
def test_a_torn_newest_object_is_set_aside_and_the_one_before_it_counts(
    store: ObjectStorageCheckpointStore,
    s3: ObjectStorageCheckpointStore,
    where: str,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The writer died in the middle, before it could remove the object before it."""
    used = store if where == "file" else s3
    files = used._files()
    used.save(state(1, "me", "a"))
    torn = DAMAGE[damage](json.dumps(state(1, "me", "a", "b").to_json()).encode())
    files.write("run-1/p/0000000001~000001~me~00000002.json", torn)

    assert done(used) == ["a"]

    (aside,) = (name for name in files.files("run-1/p") if "corrupt" in name)
    assert aside.startswith("0000000001~000001~me~00000002.json.corrupt-")
    assert files.read(f"run-1/p/{aside}") == torn, "set aside, never deleted"
    (warning,) = (record for record in caplog.records if record.name == object_storage.__name__)
    assert warning.levelno == logging.WARNING
    assert aside in warning.getMessage()
    used.save(state(2, "next", "a", "c"))
    assert done(used) == ["a", "c"]
    assert used.load("run-1") == used.load("run-1", "p")
    assert files.read(f"run-1/p/{aside}") == torn, "a later save leaves it alone"


def test_when_no_object_is_valid_the_run_starts_afresh(store: ObjectStorageCheckpointStore, base: Path) -> None:
    store.save(state())
    for name in ("0000000001~000001~me~00000001.json", "0000000001~000001~me~00000002.json"):
        (base / "run-1" / "p" / name).write_text("{")
    assert store.load("run-1", "p") is None
    assert all("corrupt" in name for name in names(base))
    assert len(names(base)) == 2
    store.save(state(1, "other", "a"))
    assert done(store) == ["a"]


def test_a_take_over_sets_a_torn_object_aside_before_it_removes_the_older_ones(
    store: ObjectStorageCheckpointStore, base: Path
) -> None:
    """Also when nobody has loaded before."""
    store.save(state())
    (base / "run-1" / "p" / names(base)[0]).write_text("{")
    store.save(state(2, "next", "a"))
    assert done(store) == ["a"]
    assert len([name for name in names(base) if "corrupt" in name]) == 1


def test_a_damaged_object_that_cannot_be_set_aside_is_an_error(
    store: ObjectStorageCheckpointStore, base: Path, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """It must not be lost, and what has completed is unknown."""
    store.save(state())
    (base / "run-1" / "p" / names(base)[0]).write_text("{")

    def refuse(step: str, path: str) -> None:
        if step == "move":
            raise PermissionError(13, "read only")

    before_each_step(refuse)
    with pytest.raises(CheckpointReadError, match=r"is damaged .* and cannot be set aside: .*read only; move it away"):
        store.load("run-1", "p")


def test_a_checkpoint_of_a_newer_format_is_an_error_and_stays_where_it_is(
    store: ObjectStorageCheckpointStore, base: Path
) -> None:
    """An older one beside it is not taken instead, and no attempt can take over."""
    store.save(state(1, "me", "a"))
    path = base / "run-1" / "p" / "0000000002~000002~new~00000001.json"
    newer = json.dumps({**state(2, "new").to_json(), "format_version": 99})
    path.write_text(newer)
    for act in (
        lambda: store.load("run-1", "p"),
        lambda: store.load("run-1"),
        lambda: store.save(state(3, "mine")),
    ):
        with pytest.raises(CheckpointFormatError, match="99"):
            act()
    assert path.read_text() == newer
    assert len(names(base)) == 2
    assert list(store.list()) == []


# What the backend refuses


def test_a_store_that_cannot_be_read_is_an_error_that_says_what_to_check(
    store: ObjectStorageCheckpointStore, before_each_step: Callable[[Callable[[str, str], None]], None]
) -> None:
    """It is unknown what has completed, which is not the same as nothing (invariant 1)."""
    store.save(state())

    def refuse(step: str, path: str) -> None:
        raise PermissionError(13, "Forbidden")

    before_each_step(refuse)
    for act in (
        lambda: store.load("run-1", "p"),
        lambda: store.load("run-1"),
        lambda: store.find_request("run-1", "p"),
        lambda: list(store.list()),
    ):
        with pytest.raises(
            CheckpointReadError, match=r"from object storage file:.*Forbidden; check the address"
        ) as caught:
            act()
        assert isinstance(caught.value.__cause__, PermissionError)
    with pytest.raises(PermissionError, match="Forbidden"):
        store.save(state())


def test_an_address_that_no_installed_provider_serves_is_an_error() -> None:
    """And not taken for an empty store."""
    store = ObjectStorageCheckpointStore("unheardof://bucket/prefix")
    with pytest.raises(
        CheckpointReadError, match=r"from object storage unheardof://bucket/prefix: .*; check the address"
    ):
        store.load("run-1", "p")


def test_a_bucket_that_does_not_exist_holds_nothing_and_takes_nothing() -> None:
    """The save fails instead of creating it."""
    store = ObjectStorageCheckpointStore(new_prefix().replace(f"@{BUCKET}/", "@no-such-bucket/"))
    assert store.load("run-1", "p") is None
    with pytest.raises(FileNotFoundError, match="bucket does not exist"):
        store.save(state())


def test_what_is_no_request_is_an_error(store: ObjectStorageCheckpointStore, base: Path) -> None:
    store.leave_request(RestartRequest(component="a"), "run-1", "p")
    (base / "run-1" / "p" / ".request.json").write_text('{"component": ""}')
    with pytest.raises(CheckpointReadError, match=r"request\.json in object storage .* is no request"):
        store.find_request("run-1", "p")


def test_a_directory_is_listed_until_two_listings_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan may miss a name that is added and the one that is removed meanwhile: nothing would seem to be there."""
    answers = iter([[], ["b"], ["b"]])
    monkeypatch.setattr(Directory, "_list", lambda *arguments: next(answers))
    assert Directory(tmp_path).files("x") == ["b"]
