"""An attempt that must end does: it says why, leaves a usable checkpoint, and no JVM."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider.runner import CheckpointState, LocalCheckpointStore

pytestmark = pytest.mark.real_airflow

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


STANDING = [
    "running: 'second' (2 of 3), which runs again",
    "complete: 1 of 3: 'first'",
    "next: a retry or a clear of this task resumes at 'second'",
]


def wait_for(done: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def processes_with(text: str) -> list[str]:
    """Return the command lines of all processes whose environment or command line holds a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if text.encode() in environment and b"java" in command:
            found.append(command.decode(errors="replace")[:120])
    return found


class Driver:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, second: str, *more: str, supervised: str = "no", shell: bool = False) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "kill_driver.py"), str(self.folder), second, supervised, *more]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "AIRFLOW_HOME": str(self.folder / "home")}
        self.process = subprocess.Popen(
            ["sh", "-c", '"$@" & wait', "sh", *command] if shell else command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        wait_for((self.folder / "started").exists, "the second component to start")
        return self.process

    def ended(self) -> str:
        assert self.process is not None
        output, _ = self.process.communicate(timeout=30)
        self.told = [line[2:] for line in output.splitlines() if line.startswith("> ")] or ["killed"]
        return self.told[0]

    def checkpoint(self) -> CheckpointState:
        state = LocalCheckpointStore(self.folder / "checkpoints").load("run", "long", scope=("dag", "task", "-1"))
        assert state is not None
        return state


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    made = Driver(tmp_path)
    yield made
    if made.process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(made.process.pid, signal.SIGKILL)
        made.process.communicate()


def test_a_running_spark_job_does_not_keep_a_killed_task_alive(driver: Driver) -> None:
    """SIGTERM: ``execute`` ends at once with an error that says so; what completed stays recorded."""
    process = driver.start("endless_job")
    process.send_signal(signal.SIGTERM)
    assert driver.ended() == "AttemptStopped: Airflow asked the task to stop"
    assert driver.told[1:] == STANDING
    assert driver.checkpoint().completed_components == ["first"]
    wait_for(lambda: not processes_with(str(driver.folder)), "the JVM to end", 10)


def test_a_component_that_swallows_everything_is_neither_recorded_nor_followed_by_another(driver: Driver) -> None:
    """Not even ``except BaseException`` turns a kill into going on."""
    process = driver.start("stubborn")
    process.send_signal(signal.SIGTERM)
    assert driver.ended() == "AttemptStopped: Airflow asked the task to stop"
    assert driver.checkpoint().completed_components == ["first"]


def test_a_swallowed_timeout_does_not_become_green(driver: Driver) -> None:
    """``execution_timeout`` leaves a usable checkpoint, whatever the component does with the exception."""
    driver.start("stubborn", "25")
    assert driver.ended() == "AttemptStopped: the task's execution_timeout of 0:00:25 is over"
    assert driver.checkpoint().completed_components == ["first"]


@pytest.mark.torture
def test_a_timeout_ends_a_job_in_the_middle(driver: Driver) -> None:
    """py4j waits for the answer on the way out of a job, and would for ever: so Spark is stopped, within seconds."""
    driver.start("endless_job", "30")
    assert driver.ended().endswith("the task's execution_timeout of 0:00:30 is over")
    assert driver.told[1:] == ["Spark's work is cancelled", *STANDING]
    assert driver.checkpoint().completed_components == ["first"]
    wait_for(lambda: not processes_with(str(driver.folder)), "the JVM to end", 10)


def test_an_orphaned_attempt_stops_by_itself(driver: Driver) -> None:
    """When the supervisor is killed nobody stops its child: it notices that its parent is another one."""
    process = driver.start("endless_job", supervised="yes", shell=True)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not processes_with(str(driver.folder)), "the orphan's JVM to end", 12)
    assert driver.checkpoint().completed_components == ["first"]
