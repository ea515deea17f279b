"""LocalCheckpointStore: what is on the disk, before, during and after a save."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointFormatError, CheckpointReadError, CheckpointWriteError
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    ComponentConfig,
    LocalCheckpointStore,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)


def state(**more: object) -> CheckpointState:
    return CheckpointState.model_validate(
        {"run_id": "run-1", "pipeline_name": "p", "pipeline_fingerprint": "f", "fence": 1, "owner": "me", **more}
    )


@pytest.fixture
def store(tmp_path: Path) -> LocalCheckpointStore:
    return LocalCheckpointStore(tmp_path / "store")


@pytest.fixture
def path(store: LocalCheckpointStore) -> Path:
    """The file of the only checkpoint, saved."""
    store.save(state(completed_components=["a"]))
    (found,) = store.base_dir.rglob("*.json")
    return found


def names(directory: Path) -> set[str]:
    return {name for name in os.listdir(directory) if name != ".lock"}


# What is stored


def test_a_checkpoint_is_json_text_with_a_format_version(path: Path) -> None:
    """Invariant 8."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["format_version"] == 1
    assert content["completed_components"] == ["a"]


def test_the_place_of_a_checkpoint_can_be_read_by_a_person(store: LocalCheckpointStore) -> None:
    store.save(state(run_id="manual__2024-01-01T00:00:00+00:00", scope=("my_dag", "my.task", "-1")))
    (found,) = store.base_dir.rglob("*.json")
    assert (
        str(found.relative_to(store.base_dir)) == "my_dag/my.task/-1/manual__2024-01-01T00%3A00%3A00%2B00%3A00/p.json"
    )


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
    store.save(state(run_id=name, pipeline_name=name))
    (found,) = store.base_dir.rglob("*.json")
    assert found.relative_to(store.base_dir) == Path(expected, f"{expected}.json")


@pytest.mark.parametrize("name", ["x" * 181, "x" * 300, "日" * 100, "%" * 5000])
def test_a_long_name_is_cut_to_what_file_systems_take_and_stays_itself(store: LocalCheckpointStore, name: str) -> None:
    """File systems stop at 255 bytes, and the store adds suffixes."""
    for one in (name, f"{name}x"):
        store.save(state(run_id=one, pipeline_name=one))
    parts = {part for path in store.base_dir.rglob("*.json") for part in path.relative_to(store.base_dir).parts}
    assert len(parts) == 4
    assert all(len(part.encode()) < 200 for part in parts)


def test_a_checkpoint_holds_no_config_value(tmp_path: Path) -> None:
    """Invariant 8: only hashes per field, also after a failure whose message repeats the value."""
    secret = "hunter2-4711"
    config = PipelineConfig(
        name="p",
        components=[
            ComponentConfig(
                name="a",
                class_path="tests.samples.components.scripted",
                config={"name": "a", "password": secret, "deep": {"list": [secret]}},
            ),
            ComponentConfig(
                name="b",
                class_path="tests.samples.components.FailUntil",
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


def test_list_yields_every_good_checkpoint(store: LocalCheckpointStore, path: Path) -> None:
    store.save(state(run_id="run-2", scope=("dag", "task", "-1")))
    path.write_text("{")
    assert [found.run_id for found in store.list()] == ["run-2"]


# Invariant 9: a bad checkpoint never blocks


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1],
        lambda text: b"",
        lambda text: b"\0" * len(text),
        lambda text: b"\xff\xfe\x80",
        lambda text: b"null",
        lambda text: b"[]",
        lambda text: b"{}",
        lambda text: text + text,
        lambda text: text.replace(b'"format_version": 1', b'"format_version": "1"'),
        lambda text: text.replace(b'"format_version": 1', b'"format_version": 0'),
        lambda text: text.replace(b'"run_id": "run-1"', b'"run_id": 7'),
        lambda text: text.replace(b'"status": "in_progress"', b'"status": "unheard of"'),
    ],
    ids=[
        "torn in the middle",
        "last byte missing",
        "empty",
        "zeros after a power failure",
        "binary",
        "null",
        "list",
        "empty mapping",
        "doubled",
        "format version as text",
        "format version 0",
        "wrong type",
        "unknown status",
    ],
)
def test_a_damaged_checkpoint_is_set_aside_with_a_warning_and_the_run_starts_afresh(
    store: LocalCheckpointStore, path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    assert store.load("run-1", "p") is None
    (aside,) = names(path.parent)
    assert aside.startswith("p.json.corrupt-")
    assert (path.parent / aside).read_bytes() == damaged, "set aside, never deleted"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(path) in record.getMessage()
    assert aside in record.getMessage()
    assert record.getMessage().endswith("and the pipeline starts afresh")
    store.save(state(completed_components=["b"]))
    assert store.load("run-1", "p") == state(completed_components=["b"])


def test_checkpoints_damaged_again_and_again_are_all_kept(store: LocalCheckpointStore, path: Path) -> None:
    for number in range(3):
        path.write_text(f"broken {number}")
        assert store.load("run-1", "p") is None
    assert {(path.parent / name).read_text() for name in names(path.parent)} == {"broken 0", "broken 1", "broken 2"}


def test_a_damaged_checkpoint_does_not_stop_a_save(store: LocalCheckpointStore, path: Path) -> None:
    path.write_text("{")
    store.save(state(completed_components=["b"]))
    assert store.load("run-1", "p") == state(completed_components=["b"])


def test_a_checkpoint_of_a_newer_format_is_an_error_that_names_both_versions(
    store: LocalCheckpointStore, path: Path
) -> None:
    newer = path.read_text().replace('"format_version": 1', '"format_version": 7').encode()
    path.write_bytes(newer)
    for act in (lambda: store.load("run-1", "p"), lambda: store.load("run-1"), lambda: store.save(state(fence=9))):
        with pytest.raises(CheckpointFormatError) as caught:
            act()
        assert str(caught.value) == (
            "the checkpoint has format version 7, this version of airflow-provider-pyspark-pipeline reads up to 1; "
            "upgrade the package where this task runs, or delete the checkpoint to start afresh"
        )
        assert (caught.value.found, caught.value.supported) == (7, 1)
    assert path.read_bytes() == newer, "left as it was"
    assert names(path.parent) == {"p.json"}


def test_an_unknown_field_of_the_same_format_is_no_damage(store: LocalCheckpointStore, path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"added_in_a_later_release": 1}))
    assert store.load("run-1", "p") == state(completed_components=["a"])


def test_a_checkpoint_that_cannot_be_read_is_an_error_and_not_a_fresh_start(
    store: LocalCheckpointStore, path: Path
) -> None:
    """It is unknown what has completed, so nothing may run (a directory stands in for missing permissions)."""
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointReadError) as caught:
        store.load("run-1", "p")
    assert str(caught.value) == (
        f"cannot read checkpoint {path}: [Errno 21] Is a directory: '{path}'; make it readable for the user of the task"
    )
    assert path.is_dir()


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
def journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Notes what happens after the first save."""
    return Journal(monkeypatch)


def test_a_save_flushes_the_file_before_it_renames_and_the_directory_after_it(
    store: LocalCheckpointStore, journal: Journal
) -> None:
    store.save(state(completed_components=["a", "b"]))
    flushed, renamed, made_durable = journal.events
    kind, _, temporary = flushed.rpartition(" ")
    assert kind == "fsync file"
    assert temporary != "p.json"
    assert not temporary.endswith(".json"), "a reader must not take it for a checkpoint"
    assert renamed == f"replace {temporary} -> p.json"
    assert made_durable == "fsync directory run-1"


def test_the_first_save_makes_the_new_directories_durable_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(monkeypatch)
    LocalCheckpointStore(tmp_path / "new" / "store").save(state(scope=("dag",)))
    flushed = [event.removeprefix("fsync directory ") for event in journal.events if "directory" in event]
    assert flushed == [tmp_path.name, "new", "store", "dag", "run-1"]


@pytest.mark.parametrize("step", ["fsync file", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "Input/output error")],
    ids=["disk full", "disk broken"],
)
def test_a_save_that_fails_leaves_the_old_checkpoint_and_nothing_else(
    store: LocalCheckpointStore, path: Path, journal: Journal, step: str, error: OSError
) -> None:
    """Invariant 1."""
    before = path.read_bytes()
    journal.fail_at[step] = error
    with pytest.raises(OSError, match=error.strerror):
        store.save(state(completed_components=["a", "b"]))
    assert path.read_bytes() == before
    assert names(path.parent) == {"p.json"}
    assert store.load("run-1", "p") == state(completed_components=["a"])
    journal.fail_at.clear()
    store.save(state(completed_components=["a", "b"]))
    assert store.load("run-1", "p") == state(completed_components=["a", "b"])


def test_a_directory_that_cannot_be_flushed_is_a_failed_save(
    store: LocalCheckpointStore, path: Path, journal: Journal
) -> None:
    """The rename may be lost in a power failure, so the runner must not go on."""
    journal.fail_at["fsync directory"] = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"):
        store.save(state(completed_components=["a", "b"]))
    assert names(path.parent) == {"p.json"}


def test_a_disk_that_is_really_full_fails_the_save_and_keeps_the_old_checkpoint(
    store: LocalCheckpointStore, path: Path
) -> None:
    """No fake: the process may not write files of more than a few bytes."""
    before = path.read_bytes()
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from airflow_provider.runner import CheckpointState, LocalCheckpointStore
        state = CheckpointState(run_id="run-1", pipeline_name="p", pipeline_fingerprint="f" * 5000, fence=1, owner="me")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            LocalCheckpointStore(sys.argv[1]).save(state)
        except OSError as error:
            print("failed with", type(error).__name__, error.errno)
        """
    )
    assert python(code, str(store.base_dir)) == f"failed with OSError {errno.EFBIG}\n"
    assert path.read_bytes() == before
    assert names(path.parent) == {"p.json"}


def test_a_crash_in_the_middle_of_a_save_leaves_the_old_checkpoint_readable(
    store: LocalCheckpointStore, path: Path
) -> None:
    """Invariant 1: the process dies after the temporary file was written and before it was renamed."""
    code = textwrap.dedent(
        """
        import os, sys
        from airflow_provider.runner import CheckpointState, LocalCheckpointStore
        os.replace = lambda *names: os._exit(9)
        state = CheckpointState(run_id="run-1", pipeline_name="p", pipeline_fingerprint="f", fence=1, owner="me")
        LocalCheckpointStore(sys.argv[1]).save(state)
        """
    )
    with pytest.raises(subprocess.CalledProcessError) as caught:
        python(code, str(store.base_dir))
    assert caught.value.returncode == 9
    assert store.load("run-1", "p") == store.load("run-1") == state(completed_components=["a"])
    store.save(state(completed_components=["a", "b"]))
    assert store.load("run-1") == state(completed_components=["a", "b"])
    assert names(path.parent) == {"p.json"}, "the leftover is gone with the next save"


def test_a_store_on_a_path_that_is_a_file_fails_the_attempt(tmp_path: Path) -> None:
    """Invariant 4."""
    (tmp_path / "store").write_text("")
    config = PipelineConfig(
        name="p", components=[ComponentConfig(name="a", class_path="tests.samples.components.NoConfig")]
    )
    hooks = CheckpointHooks(LocalCheckpointStore(tmp_path / "store"), "run-1", "f", sleep=lambda seconds: None)
    with pytest.raises((CheckpointWriteError, CheckpointReadError), match="store"):
        SimplePipelineRunner(config, hooks=hooks, spark=object()).run()  # type: ignore[arg-type]


def test_eight_processes_that_save_at_once_leave_a_valid_checkpoint_of_the_newest(
    store: LocalCheckpointStore, tmp_path: Path
) -> None:
    """Invariant 5: each is another attempt; whatever the order, the highest fence is what stays."""
    code = textwrap.dedent(
        """
        import sys
        from airflow_provider.errors import StaleAttemptError
        from airflow_provider.runner import CheckpointState, LocalCheckpointStore
        store, fence = LocalCheckpointStore(sys.argv[1]), int(sys.argv[2])
        base = CheckpointState(
            run_id="run-1", pipeline_name="p", pipeline_fingerprint="f", fence=fence, owner=str(fence)
        )
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(20):
            names = [f"c{i}" for i in range(number * 20)]
            try:
                store.save(base.model_copy(update={"completed_components": names}))
            except StaleAttemptError:
                break
        """
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(store.base_dir), str(fence)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for fence in range(1, 9)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        _, trouble = worker.communicate(timeout=60)
        assert (worker.returncode, trouble) == (0, "")
    final = store.load("run-1", "p")
    assert final is not None
    assert final.fence == 8
    assert len(final.completed_components) == 19 * 20
    assert names(store.base_dir / "run-1") == {"p.json"}


ROOT = Path(__file__).parents[4]


def python(code: str, *arguments: str) -> str:
    """Run code in another process and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
