"""The way of a record to its store, with faults: either one clear error or success, and never anything forgotten."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airflow.sdk.io  # noqa: F401 - configures logging when imported, so not within a test that reads the log
import pytest

from airflow_provider.errors import CheckpointReadError, CheckpointWriteError
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    CheckpointStore,
    ComponentConfig,
    LocalCheckpointStore,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.stores.location import store_at
from airflow_provider.stores.object_files import Directory
from tests.conftest import Script
from tests.samples.s3 import new_prefix

ROOT = Path(__file__).parents[2]

PLACES: dict[str, Callable[[Path], str]] = {
    "local": lambda directory: str(directory / "store"),
    "file://": lambda directory: f"file://{directory}/store",
    "s3://": lambda directory: new_prefix(),
}

CONFIG = PipelineConfig(
    name="etl",
    components=[
        ComponentConfig(name=name, class_path="tests.samples.components.scripted", config={"name": name})
        for name in ("a", "b", "c")
    ],
)


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    """Each store that outlives the process."""
    return store_at(PLACES[request.param](tmp_path))


@pytest.fixture(params=["local", "file://"])
def on_disk(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    """Each store of files in ``tmp_path / "store"``."""
    return store_at(PLACES[request.param](tmp_path))


class Pauses(list[float]):
    """Stands in for the pauses between tries: notes them, and lets the test act in them."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._then = then

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self._then()


def attempt(store: CheckpointStore, pauses: Pauses | None = None) -> PipelineResult:
    """One attempt at the pipeline, as the operator makes it."""
    hooks = CheckpointHooks(
        store, "run-1", compute_pipeline_fingerprint(CONFIG), sleep=Pauses() if pauses is None else pauses
    )
    runner = SimplePipelineRunner(CONFIG, hooks=hooks, spark=object())  # type: ignore[arg-type]
    return runner.run(plan=runner.plan(store.load("run-1", "etl")))


def recorded(store: CheckpointStore) -> CheckpointState:
    found = store.load("run-1", "etl")
    assert found is not None
    return found


def assert_one_clear_error(error: CheckpointWriteError, reason: str) -> None:
    text = str(error)
    assert text.startswith("the checkpoint of pipeline 'etl', run 'run-1', could not be saved in 3 tries: "), text
    assert reason in text
    assert "\n" not in text


class Fault:
    """Wraps a store's save; each call of the original takes the next of the given acts, then it works again."""

    def __init__(self, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self._save = store.save
        self.acts: list[Callable[[CheckpointState], object]] = []
        self.calls = 0
        monkeypatch.setattr(store, "save", self)

    def __call__(self, state: CheckpointState) -> None:
        self.calls += 1
        if self.acts:
            self.acts.pop(0)(state)
        else:
            self._save(state)

    def after_the_write(self, state: CheckpointState) -> None:
        """The record is stored, and the answer is lost."""
        self._save(state)
        raise TimeoutError("no answer from the store")


def fail_while_b_runs(script: Script, fault: Callable[[], object]) -> None:
    """Let the fault begin when ``a`` is recorded and ``b`` is running."""
    script.on("b", fault)


def assert_the_next_attempt_goes_on(store: CheckpointStore, script: Script, after: list[str]) -> None:
    """Invariant 1: what was recorded is reused, the rest runs, and the record is complete."""
    script.mend("b")
    script.take_calls()
    assert attempt(store).status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == [name for name in ("a", "b", "c") if name not in after]
    assert recorded(store).completed_components == ["a", "b", "c"]
    assert recorded(store).status == "completed"


# The disk is full


@pytest.mark.parametrize("kind", ["local", "file://"])
def test_a_disk_that_is_really_full_fails_the_attempt_and_the_next_one_goes_on_when_there_is_room(
    kind: str, tmp_path: Path, script: Script
) -> None:
    """Invariant 4, with the kernel's own refusal: a process that may write no file of more than a few bytes stands in
    for the full disk, and really gets a short write and then an error.
    """
    store = store_at(PLACES[kind](tmp_path))
    script.fail("b")
    attempt(store)
    before = recorded(store)
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from tests.reliability import test_store_faults as faults
        from tests.samples import components
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of the end of the process
        store = faults.store_at(sys.argv[1])
        store.load("run-1", "etl")
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        try:
            faults.attempt(store)
        except faults.CheckpointWriteError as error:
            faults.assert_one_clear_error(error, "File too large")
            sys.stdout.write("refused, ran " + str(components.CALLS))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code, PLACES[kind](tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.endswith("refused, ran []"), done.stderr
    assert recorded(store) == before
    assert_the_next_attempt_goes_on(store, script, after=["a"])


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded")],
    ids=["disk full", "quota"],
)
def test_a_disk_that_fills_up_in_the_middle_of_an_attempt_keeps_what_was_recorded(
    on_disk: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch, step: str, error: OSError
) -> None:
    """Invariants 1 and 4: the component that could not be recorded runs again, and no further one starts."""
    full = False
    real = {"fsync": os.fsync, "replace": os.replace}

    def refuse(name: str) -> Callable[..., Any]:
        def act(*arguments: Any) -> Any:
            if full:
                raise error
            return real[name](*arguments)

        return act

    if step == "write":
        import builtins

        real_open = builtins.open

        def open_full(file: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
            opened = real_open(file, mode, *more, **options)
            if full and mode == "wb":
                # Some bytes still fit.
                opened.write(b"{")
                opened.close()
                raise error
            return opened

        monkeypatch.setattr(builtins, "open", open_full)
    else:
        monkeypatch.setattr(os, step, refuse(step))

    def fill() -> None:
        nonlocal full
        full = True

    fail_while_b_runs(script, fill)
    pauses = Pauses()
    with pytest.raises(CheckpointWriteError) as caught:
        attempt(on_disk, pauses)
    assert_one_clear_error(caught.value, error.strerror)
    assert len(pauses) == 2
    assert script.take_calls() == ["a", "b"]
    assert recorded(on_disk).completed_components == ["a"]
    full = False
    assert_the_next_attempt_goes_on(on_disk, script, after=["a"])


# It is not allowed


def test_a_directory_that_may_not_be_written_fails_the_attempt(
    on_disk: CheckpointStore, tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 4. Root may write everywhere, so for root the refusal comes from a patched ``os.replace``."""
    denied = PermissionError(errno.EACCES, "Permission denied")
    directories = [tmp_path, tmp_path / "store"]

    def forbid() -> None:
        if os.geteuid() == 0:

            def refuse(*names: Any) -> None:
                raise denied

            monkeypatch.setattr(os, "replace", refuse)
        else:
            for path in [*(tmp_path / "store").rglob("*"), *directories]:
                if path.is_dir():
                    path.chmod(0o500)

    fail_while_b_runs(script, forbid)
    with pytest.raises(CheckpointWriteError) as caught:
        attempt(on_disk)
    assert_one_clear_error(caught.value, "Permission denied")
    assert recorded(on_disk).completed_components == ["a"], "it can still be read"
    monkeypatch.undo()
    for path in [*directories, *(path for path in (tmp_path / "store").rglob("*") if path.is_dir())]:
        path.chmod(0o700)
    assert_the_next_attempt_goes_on(on_disk, script, after=["a"])


def test_a_checkpoint_that_may_not_be_read_starts_nothing(
    on_disk: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unknown what has completed, which is not the same as nothing."""
    script.fail("b")
    attempt(on_disk)
    script.take_calls()

    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        with pytest.raises(CheckpointReadError, match="Permission denied"):
            attempt(on_disk)
    assert script.take_calls() == []
    assert_the_next_attempt_goes_on(on_disk, script, after=["a"])


# The error came after the write


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_doubled(
    store: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """Both while the attempt takes over and while it records a component: the same record is simply saved again."""
    fault = Fault(store, monkeypatch)
    fault.acts = [fault.after_the_write] * lost
    fail_while_b_runs(script, lambda: fault.acts.extend([fault.after_the_write] * lost))

    assert attempt(store).status is PipelineResultStatus.SUCCESS

    assert script.take_calls() == ["a", "b", "c"]
    assert fault.calls == 5 + 2 * lost
    assert recorded(store).completed_components == ["a", "b", "c"]
    assert list(recorded(store).components) == ["a", "b", "c"]
    assert recorded(store).fence == 1
    if hasattr(store, "list"):
        assert len(list(store.list())) == 1


def test_when_every_answer_is_lost_the_attempt_fails_and_the_record_counts(
    store: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The component did complete, and its record was stored: the next attempt goes on after it."""
    fault = Fault(store, monkeypatch)
    fail_while_b_runs(script, lambda: fault.acts.extend([fault.after_the_write] * 3))
    with pytest.raises(CheckpointWriteError) as caught:
        attempt(store)
    assert_one_clear_error(caught.value, "no answer from the store")
    assert script.take_calls() == ["a", "b"]
    assert recorded(store).completed_components == ["a", "b"]
    assert_the_next_attempt_goes_on(store, script, after=["a", "b"])


def test_a_listing_that_fails_after_the_object_was_written_is_tried_again(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside the object store's save: the object is there, but whether it counts is not known yet."""
    store = store_at(PLACES["file://"](tmp_path))
    listings = Directory.files
    written, failures = 0, 2
    write = Directory.write

    def noted(self: Directory, path: str, content: bytes) -> None:
        nonlocal written
        write(self, path, content)
        written += 1

    def fails(self: Directory, directory: str) -> list[str]:
        nonlocal failures
        if written >= 2 and failures:
            failures -= 1
            raise OSError(errno.EIO, "Input/output error")
        return listings(self, directory)

    monkeypatch.setattr(Directory, "write", noted)
    monkeypatch.setattr(Directory, "files", fails)
    assert attempt(store).status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == ["a", "b", "c"]
    assert recorded(store).completed_components == ["a", "b", "c"]
    assert len([name for name in os.listdir(tmp_path / "store" / "run-1" / "etl") if name[0] != "."]) == 1


# It is out for a while


def test_a_store_that_is_out_for_a_moment_costs_a_pause(
    store: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two tries fail, the third succeeds; the pauses grow; the log says what happens."""
    fault = Fault(store, monkeypatch)
    pauses = Pauses()

    def out(state: CheckpointState) -> None:
        raise ConnectionResetError("connection reset by peer")

    fail_while_b_runs(script, lambda: fault.acts.extend([out, out]))
    with caplog.at_level(logging.WARNING, logger="airflow_provider"):
        assert attempt(store, pauses).status is PipelineResultStatus.SUCCESS
    assert script.take_calls() == ["a", "b", "c"]
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider")]
    assert warnings == ["saving the checkpoint failed, trying again: connection reset by peer"] * 2


def test_a_slow_store_holds_the_next_component_back_until_the_record_is_there(
    store: CheckpointStore, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 3: however long a save takes, the next component starts after it."""
    order: list[str] = []
    save = store.save

    def slow(state: CheckpointState) -> None:
        order.append(f"saving {len(state.completed_components)}")
        time.sleep(0.05)  # nothing waits for this to pass; whatever else could run has its chance
        save(state)
        order.append(f"saved {len(state.completed_components)}")

    monkeypatch.setattr(store, "save", slow)
    for name in "abc":
        script.on(name, lambda name=name: order.append(name))
    assert attempt(store).status is PipelineResultStatus.SUCCESS
    rounds = [step for number, name in enumerate("abc", 1) for step in (name, f"saving {number}", f"saved {number}")]
    assert order == ["saving 0", "saved 0", *rounds, "saving 3", "saved 3"]


def test_an_s3_server_that_is_gone_is_one_clear_error(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection leads to a port at which nobody listens; it is unknown what has completed, so nothing runs."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_GONE_S3",
        '{"conn_type": "aws", "login": "x", "password": "hunter2", "extra": {"region_name": "us-east-1", '
        '"endpoint_url": "http://127.0.0.1:9", '
        '"config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 2}}}',
    )
    store = store_at("s3://gone_s3@bucket/prefix")
    with pytest.raises(
        CheckpointReadError, match=r"from object storage s3://gone_s3@bucket/prefix: .*127\.0\.0\.1:9"
    ) as caught:
        attempt(store)
    assert "hunter2" not in str(caught.value)
    assert script.take_calls() == []


# A torn record


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_torn_file_of_the_local_store_starts_afresh_and_is_kept(tmp_path: Path, script: Script, keep: int) -> None:
    """Invariant 9. The store itself never leaves one; a broken disk or an editor may."""
    store = LocalCheckpointStore(tmp_path / "store")
    script.fail("b")
    attempt(store)
    (path,) = store.base_dir.rglob("*.json")
    path.write_bytes(path.read_bytes()[:keep])
    script.take_calls()
    assert_the_next_attempt_goes_on(store, script, after=[])
    (aside,) = store.base_dir.rglob("*.corrupt-*")
    assert aside.stat().st_size == keep


@pytest.mark.parametrize("keep", [0, 1, 100])
@pytest.mark.parametrize("kind", ["file://", "s3://"])
def test_a_torn_object_loses_only_the_component_that_it_recorded(
    kind: str, tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    """The process died while the record of ``b`` was written, on a backend that does not write it whole or not at
    all. The record before it is still there.
    """
    store: Any = store_at(PLACES[kind](tmp_path))
    script.fail("b")
    attempt(store)
    files = store._files()
    directory = "run-1/etl"
    (name,) = [name for name in files.files(directory) if name.endswith(".json")]
    number = int(name[-13:-5])
    files.write(f"{directory}/{name[:-13]}{number + 1:08}.json", files.read(f"{directory}/{name}")[:keep])

    assert_the_next_attempt_goes_on(store, script, after=["a"])

    (aside,) = [name for name in files.files(directory) if "corrupt" in name]
    assert len(files.read(f"{directory}/{aside}")) == keep
