"""LocalCheckpointStore: what is on the disk, before, during and after a save."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointReadError, CheckpointWriteError
from airflow_provider.runner import (
    CheckpointHooks,
    ComponentConfig,
    LocalCheckpointStore,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.record.checkpoint_state import CheckpointUpdate
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import StorageEntry, file_names
from tests.samples.harness.records import AT, KEY, Recorder, state


@pytest.fixture
def store(tmp_path: Path) -> LocalCheckpointStore:
    return LocalCheckpointStore(tmp_path / "store")


def tree(store: LocalCheckpointStore) -> list[str]:
    """Return the path of every file below the store's directory."""
    return sorted(str(path.relative_to(store.base_dir)) for path in store.base_dir.rglob("*") if path.is_file())


@pytest.fixture
def begun(store: LocalCheckpointStore) -> Recorder:
    """An attempt that has recorded one component."""
    attempt = Recorder(store)
    attempt.start()
    attempt.complete("a")
    return attempt


def done(store: LocalCheckpointStore) -> list[str]:
    found = store.load("run-1", "p")
    assert found is not None
    return found.completed_components


# What is stored


def test_a_checkpoint_is_a_fence_the_whole_record_and_a_file_for_each_event(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """Names say what they hold: number of the takeover, of the attempt, of the document; for people, who completed."""
    begun.complete("../b", "日本")
    begun.add(CheckpointUpdate(at=AT, status="failed", failed_component="c"))
    rank = f"000001~000001~{begun.whole.owner}"
    assert tree(store) == [
        f"run-1/p/{rank}/000000.checkpoint.json",
        f"run-1/p/{rank}/000001.component.a.json",
        f"run-1/p/{rank}/000002.component.%2E.%2Fb.json",
        f"run-1/p/{rank}/000003.component.%E6%97%A5%E6%9C%AC.json",
        f"run-1/p/{rank}/000004.status.failed.json",
        f"run-1/p/~fences/{rank}.json",
    ]
    assert done(store) == ["a", "../b", "日本"]


def test_each_file_is_json_text_with_a_format_version_that_a_person_can_read(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """Invariant 8."""
    begun.complete("日本")
    texts = [(store.base_dir / path).read_text(encoding="utf-8") for path in tree(store)]
    assert [json.loads(text)["format_version"] for text in texts] == [2, 2, 2, 2]
    assert any('"component": "日本"' in text for text in texts)
    assert all("\n" in text for text in texts)


def test_of_the_attempts_before_it_nothing_is_left_once_an_attempt_has_begun(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """One whole record is enough, so a run that is tried a hundred times takes no more room than one tried twice."""
    for number in range(2, 5):
        attempt = Recorder(store)
        attempt.start()
        attempt.complete(f"b{number}")
        rank = f"{number:06}~{number:06}~{attempt.whole.owner}"
        assert tree(store) == [
            f"run-1/p/{rank}/000000.checkpoint.json",
            f"run-1/p/{rank}/000001.component.b{number}.json",
            f"run-1/p/~fences/{rank}.json",
        ]
    assert done(store) == ["a", "b2", "b3", "b4"]


def test_a_delete_leaves_nothing_behind(store: LocalCheckpointStore, begun: Recorder) -> None:
    """Not even empty directories."""
    store.leave_request(RestartRequest(components=("a",)), KEY)
    assert store.delete("run-1", "p") is True
    assert list(store.base_dir.iterdir()) == []


def test_the_place_of_a_checkpoint_can_be_read_by_a_person(store: LocalCheckpointStore) -> None:
    run_id, scope = "manual__2024-01-01T00:00:00+00:00", ("my_dag", "my.task", "-1")
    store.save(state(run_id=run_id, scope=scope))
    store.leave_request(RestartRequest(components=("a",)), RunKey(scope, run_id, "p"))
    directory = "my_dag/my.task/-1/manual__2024-01-01T00%3A00%3A00%2B00%3A00/p"
    assert tree(store) == [
        f"{directory}/000001~000001~me/000000.checkpoint.json",
        f"{directory}/~fences/000001~000001~me.json",
        f"{directory}/~request.json",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("run-1", "run-1"),
        ("../x", "%2E.%2Fx"),
        (".", "%2E"),
        ("..", "%2E."),
        ("/etc/passwd", "%2Fetc%2Fpasswd"),
        ("a:b+c", "a%3Ab%2Bc"),
        ("a\nb", "a%0Ab"),
        ("~", "%7E"),
        ("100%", "100%25"),
    ],
)
def test_every_character_that_is_not_safe_is_percent_encoded(
    store: LocalCheckpointStore, name: str, expected: str
) -> None:
    store.save(state(run_id=name, pipeline_name=name, owner=name))
    assert tree(store) == [
        f"{expected}/{expected}/000001~000001~{expected}/000000.checkpoint.json",
        f"{expected}/{expected}/~fences/000001~000001~{expected}.json",
    ]


@pytest.mark.parametrize("name", ["x" * 181, "x" * 300, "日" * 100, "%" * 5000])
def test_a_long_name_is_cut_to_what_file_systems_take_and_stays_itself(store: LocalCheckpointStore, name: str) -> None:
    """File systems stop at 255 bytes, and the store adds suffixes."""
    for one in (name, f"{name}x"):
        attempt = Recorder(store, RunKey((one,), one, one))
        attempt.start()
        attempt.complete(one)
    parts = [Path(path).parts for path in tree(store)]
    assert len({part[0] for part in parts}) == 2
    assert all(len(part.encode()) < 220 for path in parts for part in path)


def test_a_checkpoint_holds_no_config_value(tmp_path: Path) -> None:
    """Invariant 8: only hashes per field, also after a failure whose message repeats the value."""
    secret = "hunter2-4711"
    config = PipelineConfig(
        name="p",
        components=[
            ComponentConfig(
                name="a",
                class_path="tests.samples.components.basic.scripted",
                config={"name": "a", "password": secret, "deep": {"list": [secret]}},
            ),
            ComponentConfig(
                name="b",
                class_path="tests.samples.components.basic.FailUntil",
                config={"path": str(tmp_path / "log"), "line": secret, "needs": str(tmp_path / secret)},
            ),
        ],
    )
    store = LocalCheckpointStore(tmp_path / "store")
    hooks = CheckpointHooks(store, "run-1", compute_pipeline_fingerprint(config))
    result = SimplePipelineRunner(config, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]
    assert [name for name, _ in result.failed_components] == ["b"]
    written = b"".join(p.read_bytes() for p in store.base_dir.rglob("*") if p.is_file())
    assert b'"failed_component": "b"' in written
    assert secret.encode() not in written


# Invariant 3: a save is durable when it returns


class Journal:
    """Notes what reaches the disk in which order, and can let it fail; everything is still really done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.fail_at: dict[str, OSError] = {}
        fsync, replace = os.fsync, os.replace

        def noted_fsync(descriptor: int) -> None:
            kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
            place = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
            self._note(f"fsync {kind}", place)
            fsync(descriptor)

        def noted_replace(source: Any, target: Any) -> None:
            self._note("replace", f"{Path(source).name} -> {Path(target).name}")
            replace(source, target)

        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "replace", noted_replace)

    def _note(self, kind: str, what: str) -> None:
        self.events.append(f"{kind} {what}")
        if kind in self.fail_at:
            raise self.fail_at[kind]


@pytest.fixture
def journal(begun: Recorder, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Notes what happens after the first component."""
    return Journal(monkeypatch)


def test_an_event_is_one_file_that_is_flushed_before_it_is_renamed_and_its_directory_after_it(
    begun: Recorder, journal: Journal
) -> None:
    """Two flushes, however long the record is."""
    begun.complete("b")
    flushed, renamed, made_durable = journal.events
    kind, _, temporary = flushed.rpartition(" ")
    assert kind == "fsync file"
    assert not temporary.endswith(".json"), "a reader must not take it for a document"
    assert renamed == f"replace {temporary} -> 000002.component.b.json"
    assert made_durable == f"fsync directory 000001~000001~{begun.whole.owner}"


def test_the_first_takeover_makes_the_new_directories_durable_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure must not take back a directory that a document lies in."""
    journal = Journal(monkeypatch)
    attempt = Recorder(LocalCheckpointStore(tmp_path / "new" / "store"))
    attempt.take_over()
    flushed = [event.removeprefix("fsync directory ") for event in journal.events if "directory" in event]
    assert flushed == [tmp_path.name, "new", "store", "run-1", "p", "~fences"]
    journal.events.clear()
    attempt.begin()
    flushed = [event.removeprefix("fsync directory ") for event in journal.events if "directory" in event]
    assert flushed == ["p", f"000001~000001~{attempt.whole.owner}"]


@pytest.mark.parametrize("step", ["fsync file", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "Input/output error")],
    ids=["disk full", "disk broken"],
)
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    store: LocalCheckpointStore, begun: Recorder, journal: Journal, step: str, error: OSError
) -> None:
    """Invariant 1, for an event and for a takeover; the same attempt can go on when the disk is mended."""
    before = tree(store)
    journal.fail_at[step] = error
    for act in (lambda: begun.complete("b"), Recorder(store).start):
        with pytest.raises(OSError, match=error.strerror):
            act()
        assert tree(store) == before
    assert done(store) == ["a"]
    journal.fail_at.clear()
    begun.complete("b")
    assert done(store) == ["a", "b"]


def test_a_directory_that_cannot_be_flushed_is_a_failed_save(begun: Recorder, journal: Journal) -> None:
    """The rename may be lost in a power failure, so the runner must not go on."""
    journal.fail_at["fsync directory"] = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"):
        begun.complete("b")


def test_a_disk_that_is_really_full_fails_the_save_and_keeps_the_old_checkpoint(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """No fake: the process may not write files of more than a few bytes."""
    before = tree(store)
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from airflow_provider.runner import LocalCheckpointStore
        from airflow_provider.runner.record.checkpoint_state import CheckpointState
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        state = CheckpointState(run_id="run-1", pipeline_name="p", pipeline_fingerprint="f", fence=2, owner="me")
        try:
            LocalCheckpointStore(sys.argv[1]).save(state)
        except OSError as error:
            print("failed with", type(error).__name__, error.errno)
        """
    )
    assert python(code, str(store.base_dir)) == f"failed with OSError {errno.EFBIG}\n"
    assert tree(store) == before
    assert done(store) == ["a"]


def test_a_crash_in_the_middle_of_a_write_leaves_the_old_checkpoint_readable(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """Invariant 1: the process dies after the temporary file was written and before it was renamed."""
    code = textwrap.dedent(
        """
        import os, sys
        from airflow_provider.runner import LocalCheckpointStore
        from airflow_provider.runner.record.checkpoint_state import CheckpointState
        os.replace = lambda *names: os._exit(9)
        state = CheckpointState(run_id="run-1", pipeline_name="p", pipeline_fingerprint="f", fence=2, owner="me")
        LocalCheckpointStore(sys.argv[1]).save(state)
        """
    )
    with pytest.raises(subprocess.CalledProcessError) as caught:
        python(code, str(store.base_dir))
    assert caught.value.returncode == 9
    assert store.load("run-1", "p") == store.load("run-1")
    assert done(store) == ["a"]
    begun.complete("b")
    assert done(store) == ["a", "b"]


def test_a_store_on_a_path_that_is_a_file_fails_the_attempt(tmp_path: Path) -> None:
    """Invariant 4."""
    (tmp_path / "store").write_text("")
    config = PipelineConfig(
        name="p", components=[ComponentConfig(name="a", class_path="tests.samples.components.basic.NoConfig")]
    )
    store = LocalCheckpointStore(tmp_path / "store")
    hooks = CheckpointHooks(store, "run-1", "f", saving=SavePolicy(sleep=lambda seconds: None))
    with pytest.raises((CheckpointWriteError, CheckpointReadError), match="store"):
        SimplePipelineRunner(config, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]


def test_a_directory_that_cannot_be_read_is_an_error_and_not_a_fresh_start(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """It is unknown what has completed, so nothing may run (a loop of links stands in for missing permissions)."""
    fences = store.base_dir / "run-1" / "p" / "~fences"
    fences.rename(fences.with_name("away"))
    fences.symlink_to(fences)
    for act in (lambda: store.load("run-1", "p"), Recorder(store).take_over):
        with pytest.raises(CheckpointReadError) as caught:
            act()
        assert str(caught.value).startswith("cannot read the checkpoint of ")
        assert f" from directory {store.base_dir}: OSError: " in str(caught.value)
        assert str(caught.value).endswith("; check that the place is right and that the task may list and read it")


def test_a_document_that_cannot_be_read_is_an_error_and_stays(store: LocalCheckpointStore, begun: Recorder) -> None:
    """It may be whole."""
    path = store.base_dir / tree(store)[0]
    path.rename(path.with_name("away"))
    path.symlink_to(path)
    with pytest.raises(CheckpointReadError, match="cannot read the checkpoint of run 'run-1' from directory"):
        store.load("run-1", "p")
    assert path.is_symlink()


def test_a_directory_is_listed_until_two_listings_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan may miss a name that is added and the one that is removed meanwhile: nothing would seem to be there."""
    answers = iter([[], [StorageEntry("b", "file")], [StorageEntry("b", "file")]])
    monkeypatch.setattr(DirectoryStorage, "_scan", lambda *arguments: next(answers))
    assert file_names(DirectoryStorage(tmp_path), "x") == ["b"]


# Invariant 5, with real processes


def test_when_eight_processes_take_over_at_once_the_last_goes_on_and_nothing_is_forgotten(
    store: LocalCheckpointStore, begun: Recorder
) -> None:
    """Each is another attempt, which takes over, begins and records; the others find out that they were replaced."""
    code = textwrap.dedent(
        """
        import sys
        from airflow_provider.errors import StaleAttemptError
        from airflow_provider.runner import LocalCheckpointStore
        from tests.samples.harness.records import Recorder
        attempt = Recorder(LocalCheckpointStore(sys.argv[1]))
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            attempt.start()
            for number in range(20):
                attempt.complete(f"{sys.argv[2]}.{number}")
        except StaleAttemptError:
            print("replaced", end=" ")
        print(*attempt.acknowledged)
        """
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(store.base_dir), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(8)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = []
    for worker in workers:
        output, trouble = worker.communicate(timeout=60)
        assert (worker.returncode, trouble) == (0, "")
        said.append(output.split())
    went_on = [words for words in said if "replaced" not in words]
    assert went_on
    assert all(len(words) == 20 for words in went_on)
    acknowledged = {word for words in said for word in words} - {"replaced"}
    assert set(done(store)) >= {"a"} | acknowledged
    assert len(list((store.base_dir / "run-1" / "p" / "~fences").iterdir())) == 1


ROOT = Path(__file__).parents[4]


def python(code: str, *arguments: str) -> str:
    """Run code in another process and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
