"""The way of a record to its store, with faults: either one clear error or success, and never anything forgotten."""

from __future__ import annotations

import errno
import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import airflow.sdk.io  # noqa: F401 - configures logging when imported, so not within a test that reads the log
import pytest

from airflow_provider.errors import AttemptStopped, CheckpointReadError, CheckpointWriteError
from airflow_provider.runner import (
    CheckpointHooks,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.storage import durable_write
from airflow_provider.stores.location import store_at
from tests.conftest import Script
from tests.reliability.faults.faulty_store import (
    CONFIG,
    FILES,
    KEPT,
    KEY,
    NO_SPARK,
    Do,
    FaultyRun,
    Pauses,
    and_then,
    assert_one_clear_error,
    loses_the_answer,
    refuses,
)
from tests.samples.harness.places import PLACES

ROOT = Path(__file__).parents[3]
SUCCESS = PipelineResultStatus.SUCCESS


@pytest.fixture(params=KEPT)
def run(request: pytest.FixtureRequest, tmp_path: Path, script: Script) -> FaultyRun:
    """A run whose checkpoint is in each place that outlives the process."""
    return FaultyRun(PLACES[request.param](tmp_path), script)


@pytest.fixture(params=FILES)
def on_files(request: pytest.FixtureRequest, tmp_path: Path, script: Script) -> FaultyRun:
    """A run whose checkpoint is in each place of files."""
    return FaultyRun(PLACES[request.param](tmp_path), script)


@pytest.fixture(params=["local", "file://"])
def on_disk(request: pytest.FixtureRequest, tmp_path: Path, script: Script) -> FaultyRun:
    """A run whose checkpoint is in ``tmp_path / "checkpoints"``."""
    return FaultyRun(PLACES[request.param](tmp_path), script)


# The disk is full


def test_a_disk_that_is_really_full_fails_the_attempt_and_the_next_one_goes_on_when_there_is_room(
    tmp_path: Path, script: Script
) -> None:
    """Invariant 4, with the kernel's own refusal: a process that may write no file of more than a few bytes stands in
    for the full disk, and really gets a short write and then an error.
    """
    run = FaultyRun(PLACES["local"](tmp_path), script)
    code = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from tests.conftest import Script
        from airflow_provider.errors import CheckpointWriteError
        from tests.reliability.faults.faulty_store import FaultyRun, assert_one_clear_error
        from tests.samples.harness.places import PLACES
        run = FaultyRun(PLACES["local"](Path(sys.argv[1])), Script())
        run.script.on("b", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        try:
            run.attempt()
        except CheckpointWriteError as error:
            assert_one_clear_error(error, "File too large")
            sys.stdout.write("refused, ran " + str(run.script.take_calls()))
        """
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("refused, ran ['a', 'b']"), done.stderr
    assert run.recorded().completed_components == ["a"]
    run.assert_the_next_attempt_goes_on(after="a")


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded")],
    ids=["disk full", "quota"],
)
def test_a_disk_that_fills_up_in_the_middle_of_an_attempt_keeps_what_was_recorded(
    on_disk: FaultyRun, script: Script, monkeypatch: pytest.MonkeyPatch, step: str, error: OSError
) -> None:
    """Invariants 1 and 4: the component that could not be recorded runs again, and no further one starts."""

    def refuse(*arguments: Any) -> Any:
        raise error

    def open_full(path: Path, mode: str) -> Any:
        path.write_bytes(b"{")  # some bytes still fit
        raise error

    def fill() -> None:
        if step == "write":
            monkeypatch.setattr(durable_write, "open", open_full, raising=False)
        else:
            monkeypatch.setattr(os, step, refuse)

    script.on("b", fill)
    with pytest.raises(CheckpointWriteError) as caught:
        on_disk.attempt()
    assert_one_clear_error(caught.value, error.strerror)
    assert script.take_calls() == ["a", "b"]
    assert on_disk.recorded().completed_components == ["a"]
    monkeypatch.undo()
    on_disk.assert_the_next_attempt_goes_on(after="a")


# It is not allowed


def test_a_directory_that_may_not_be_written_fails_the_attempt(
    on_disk: FaultyRun, tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 4. Root may write everywhere, so for root the refusal comes from a patched ``os.replace``."""
    directories = [tmp_path]

    def forbid() -> None:
        if os.geteuid() == 0:

            def refuse(*names: Any) -> None:
                raise PermissionError(errno.EACCES, "Permission denied")

            monkeypatch.setattr(os, "replace", refuse)
        else:
            directories.extend(path for path in tmp_path.rglob("*") if path.is_dir())
            for path in reversed(directories):
                path.chmod(0o500)

    script.on("b", forbid)
    with pytest.raises(CheckpointWriteError) as caught:
        on_disk.attempt()
    assert_one_clear_error(caught.value, "Permission denied")
    assert on_disk.recorded().completed_components == ["a"], "it can still be read"
    monkeypatch.undo()
    for path in directories:
        path.chmod(0o700)
    on_disk.assert_the_next_attempt_goes_on(after="a")


def test_a_checkpoint_that_may_not_be_read_starts_nothing(run: FaultyRun, script: Script) -> None:
    """It is unknown what has completed, which is not the same as nothing."""
    run.fail_at("b")
    run.faults.next(run.step("read"), *[refuses(PermissionError(errno.EACCES, "Permission denied"))] * 1000)
    with pytest.raises(CheckpointReadError, match="Permission denied"):
        run.attempt()
    assert script.take_calls() == []
    run.assert_the_next_attempt_goes_on(after="a")


# The answer is lost


@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize("step", ["take_over", "begin", "append", "write", "list"])
def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_doubled(
    run: FaultyRun, script: Script, step: str, lost: int
) -> None:
    """Wherever the answer is lost: of a save as a whole, or of one step of it. Both at the start and while a component
    is recorded.
    """

    def lose() -> None:
        run.faults.next(run.step(step), *[loses_the_answer] * lost)

    lose()
    script.on("b", lose)
    assert run.attempt().status is SUCCESS
    assert script.take_calls() == ["a", "b", "c"]
    assert len(run.pauses) >= lost
    run.assert_complete()


@pytest.mark.parametrize("write", range(6))
def test_a_listing_that_fails_after_the_file_was_written_is_tried_again(
    on_files: FaultyRun, script: Script, write: int
) -> None:
    """The file is there, but whether it counts is not known yet: the fence, the whole record, and each event's."""
    broken = refuses(OSError(errno.EIO, "Input/output error"))
    break_listings = and_then(lambda: on_files.faults.next("list", broken, broken))
    on_files.faults.next("write", *[and_then(lambda: None)] * write, break_listings)
    assert on_files.attempt().status is SUCCESS
    assert script.take_calls() == ["a", "b", "c"]
    assert len(on_files.pauses) == 2
    on_files.assert_complete()


@pytest.mark.parametrize("step", ["append", "write"])
def test_when_every_answer_is_lost_the_attempt_fails_and_the_record_counts(
    run: FaultyRun, script: Script, step: str
) -> None:
    """The component did complete, and its record was stored: the next attempt goes on after it."""
    script.on("b", lambda: run.faults.next(run.step(step), *[loses_the_answer] * 1000))
    with pytest.raises(CheckpointWriteError) as caught:
        run.attempt()
    assert_one_clear_error(caught.value, "no answer from the store")
    assert script.take_calls() == ["a", "b"]
    assert run.recorded().completed_components == ["a", "b"]
    run.assert_the_next_attempt_goes_on(after="ab")


# It is out for a while

REFUSED = ConnectionResetError("connection reset by peer")


@pytest.mark.parametrize("when", ["at the takeover", "while a component is recorded"])
def test_a_store_that_is_out_for_a_while_costs_pauses(
    run: FaultyRun, script: Script, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """The attempt waits until the store is back, and says at each try what it waits for. The first pauses are short, so
    that a blip costs little, and they grow up to half a minute, so that a store that comes up again is not overrun;
    chance spreads the tries of tasks that wait for the same store.
    """
    if when == "at the takeover":
        seconds, what, patience = 19, "takeover", 20
        run.faults.breaks(REFUSED)
    else:
        seconds, what, patience = 299, "checkpoint", 300
        script.on("b", lambda: run.faults.breaks(REFUSED))

    def come_back() -> None:
        if sum(run.pauses) > seconds:
            run.faults.mend()

    run.pauses.then = come_back
    assert run.attempt().status is SUCCESS
    assert script.take_calls() == ["a", "b", "c"]
    assert run.recorded().status == "completed"
    longest = [min(30, 0.5 * 2**number) for number in range(len(run.pauses))]
    assert all(0 <= pause <= limit for pause, limit in zip(run.pauses, longest, strict=True))
    assert len(set(run.pauses)) == len(run.pauses)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == len(run.pauses), warnings
    for number, (warning, pause) in enumerate(zip(warnings, run.pauses, strict=True), start=1):
        expected = (
            rf"saving the {what} of pipeline 'etl', run 'run-1' failed \(try {number}\): .*connection reset by peer.*; "
            rf"retrying in {pause:.1f} s, giving up after {patience} s"
        )
        assert re.fullmatch(expected, warning), warning


def test_a_store_that_is_out_for_too_long_fails_the_attempt_and_the_next_one_goes_on(
    run: FaultyRun, script: Script
) -> None:
    """Invariants 1 and 4: after five minutes, not before, with one error, and what was recorded is there."""
    script.on("b", lambda: run.faults.breaks(REFUSED))
    with pytest.raises(CheckpointWriteError) as caught:
        run.attempt()
    assert_one_clear_error(caught.value, "connection reset by peer")
    assert sum(run.pauses) == pytest.approx(300)
    assert script.take_calls() == ["a", "b"]
    assert run.recorded().completed_components == ["a"]
    run.assert_the_next_attempt_goes_on(after="a")


@pytest.mark.parametrize("readable", [True, False])
def test_a_store_that_cannot_be_reached_fails_before_spark_is_started(
    run: FaultyRun, script: Script, readable: bool
) -> None:
    """There is nothing to lose yet, so a wrong address does not take five minutes to show; nothing is forgotten."""
    run.fail_at("b")
    if readable:
        run.faults.next(run.step("write"), *[refuses(REFUSED)] * 1000)
    else:
        run.faults.breaks(REFUSED)
    started: list[str] = []
    with pytest.raises(CheckpointWriteError if readable else CheckpointReadError) as caught:
        run.attempt(spark=lambda: started.append("Spark"))
    if readable:
        assert_one_clear_error(caught.value, "connection reset by peer", what="takeover")
    else:
        assert re.match("cannot read .+ from .+: .*connection reset by peer", str(caught.value))
    assert sum(run.pauses) == pytest.approx(20)
    assert (started, script.take_calls()) == ([], [])
    run.assert_the_next_attempt_goes_on(after="a")


def test_an_s3_server_that_is_gone_is_one_clear_error(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection leads to a port at which nobody listens; it is unknown what has completed, so nothing runs."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_GONE_S3",
        '{"conn_type": "aws", "login": "x", "password": "hunter2", "extra": {"region_name": "us-east-1", '
        '"endpoint_url": "http://127.0.0.1:9", '
        '"config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 2}}}',
    )
    attempt = AttemptSpec(
        CONFIG, store_at("s3://gone_s3@bucket/prefix"), KEY, spark=NO_SPARK, saving=SavePolicy(0, sleep=Pauses())
    )
    with pytest.raises(
        CheckpointReadError, match=r"from object storage s3://gone_s3@bucket/prefix: .*127\.0\.0\.1:9"
    ) as caught:
        run_attempt(attempt)
    assert "hunter2" not in str(caught.value)
    assert script.take_calls() == []


# The attempt must end meanwhile


@pytest.mark.parametrize("kill", [AttemptStopped("Airflow asked the task to stop"), KeyboardInterrupt(), SystemExit(1)])
def test_a_kill_during_a_pause_ends_the_attempt_at_once(run: FaultyRun, script: Script, kill: BaseException) -> None:
    """No further try, nothing written, no further component; what was recorded is there."""
    script.on("b", lambda: run.faults.breaks(REFUSED))

    def act() -> None:
        run.faults.mend()  # a further try would succeed
        run.faults.steps.clear()
        raise kill

    run.pauses.then = act
    with pytest.raises(type(kill)) as caught:
        run.attempt()
    assert caught.value is kill
    assert len(run.pauses) == 1
    assert run.faults.steps == []
    assert script.take_calls() == ["a", "b"]
    assert run.recorded().completed_components == ["a"]
    run.pauses.then = lambda: None
    run.assert_the_next_attempt_goes_on(after="a")


def test_hooks_that_served_an_attempt_that_broke_off_serve_the_next_one(run: FaultyRun, script: Script) -> None:
    """Invariant 1, in a notebook: one runner and one hooks object. What the first attempt has recorded counts."""
    store = run.place.attempt()
    hooks = CheckpointHooks(store, KEY.run_id, compute_pipeline_fingerprint(CONFIG))
    runner = SimplePipelineRunner(CONFIG, hooks=hooks, spark=NO_SPARK)
    script.fail("b", KeyboardInterrupt())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            runner.run(plan=runner.plan(store.load("run-1", "etl")))
        assert run.recorded().completed_components == ["a"]
    script.mend("b")
    assert runner.run(plan=runner.plan(store.load("run-1", "etl"))).status is SUCCESS
    assert script.take_calls() == ["a", "b", "b", "b", "c"]


# However long it takes


def test_a_slow_store_holds_the_next_component_back_until_the_record_is_there(run: FaultyRun, script: Script) -> None:
    """Invariant 3: a component starts after the save of the one before it has returned."""
    order: list[str] = []

    def slow(do: Do) -> None:
        order.append("saving")
        do()
        order.append("saved")

    run.faults.next("begin", slow)
    run.faults.next("append", *[slow] * 4)
    for name in "abc":
        script.on(name, lambda name=name: order.append(name))
    assert run.attempt().status is SUCCESS
    save = ["saving", "saved"]
    assert order == [*save, "a", *save, "b", *save, "c", *save, *save]
