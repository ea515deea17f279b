"""The operator on a Spark Connect server: the next attempt goes on in the session that the server has kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner import CheckpointState, LocalCheckpointStore
from tests.samples.services.connect_server import ConnectServer

ROOT = Path(__file__).parents[3]
KEPT = ["register", "random", "shop", "totals"]
ROWS = [{"part": part, "more": 11, "zone": "Asia/Tokyo", "home": "shop", "fits": True} for part in range(3)]

pytestmark = pytest.mark.xdist_group("connect")


class Attempts:
    """The attempts of one run, each in a process of its own."""

    def __init__(self, folder: Path, server: ConnectServer) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW_CONN_SERVER": server.connection(),
        }
        self._running: list[subprocess.Popen[str]] = []

    def start(self, number: int, do: str, connection: str = "server") -> subprocess.Popen[str]:
        driver = Path(__file__).parent / "operator_driver.py"
        process = subprocess.Popen(
            [sys.executable, str(driver), str(self.folder), str(number), do, connection],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def start_and_wait(self, number: int, do: str) -> subprocess.Popen[str]:
        process = self.start(number, do)
        self.wait_for((self.folder / f"started-{number}").exists, f"attempt {number} to get to the middle")
        return process

    @staticmethod
    def wait_for(done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 180
        while not done():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.05)

    @staticmethod
    def end(process: subprocess.Popen[str]) -> tuple[dict[str, Any], list[str]]:
        """Return how it ended, and the lines of its log."""
        output, _ = process.communicate(timeout=180)
        lines = output.splitlines()
        ended = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
        assert ended["children"] == []  # no JVM of its own
        return ended, [line[2:] for line in lines if line.startswith("# ")]

    def run(self, number: int, do: str) -> tuple[dict[str, Any], list[str]]:
        return self.end(self.start(number, do))

    def checkpoint(self) -> CheckpointState:
        state = LocalCheckpointStore(self.folder / "checkpoints").load("run", "connect", scope=("dag", "task", "-1"))
        assert state is not None
        return state

    def rows(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "rows").read_text())

    def kill_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def attempts(tmp_path: Path, server: ConnectServer) -> Iterator[Attempts]:
    made = Attempts(tmp_path, server)
    yield made
    made.kill_all()


def assert_went_on_in_the_session(ended: dict[str, Any], log: list[str]) -> None:
    actions = {name: part["action"] for name, part in ended["components"].items()}
    assert actions == dict.fromkeys(KEPT, "REUSE") | {"middle": "RUN", "result": "RUN"}
    assert "still in the session on the server" in ended["components"]["totals"]["reason"]
    assert any("going on in the session that the server" in line for line in log)
    assert not [line for line in log if "restored for" in line or "REPLAY" in line]


def test_after_a_crash_the_next_attempt_sees_what_completed_components_left_and_nothing_else(
    attempts: Attempts,
) -> None:
    """The killed component had replaced views and moved to another database; none of that is seen (invariants 2, 6)."""
    process = attempts.start_and_wait(1, "wait")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert attempts.checkpoint().completed_components == KEPT

    ended, log = attempts.run(2, "work")

    assert_went_on_in_the_session(ended, log)
    assert attempts.rows() == ROWS
    assert attempts.checkpoint().live_session is None


@pytest.mark.torture
def test_a_failed_attempt_leaves_the_session_for_its_retries(
    attempts: Attempts, server: ConnectServer, tmp_path: Path
) -> None:
    """Also when the retry fails again before anything new has completed; the result is that of Spark in the task."""
    for number in (1, 2):
        ended, _ = attempts.run(number, "fail")
        assert ended["error"] == "ComponentFailedError"
        assert attempts.checkpoint().completed_components == KEPT

    ended, log = attempts.run(3, "work")

    assert_went_on_in_the_session(ended, log)
    on_the_server = attempts.rows()
    local = Attempts(tmp_path / "local", server)
    local.folder.mkdir()
    local.start(1, "work", "none").communicate(timeout=180)
    assert on_the_server == local.rows() == ROWS


@pytest.mark.torture
def test_a_server_that_was_restarted_has_lost_the_session_and_the_result_is_the_same(
    attempts: Attempts, server: ConnectServer
) -> None:
    """Then everything is restored or replayed, as without a server (invariant 6)."""
    attempts.run(1, "fail")
    server.stop()
    server.start()

    ended, log = attempts.run(2, "work")

    assert "INFO cannot go on in the session on the server: it was lost when the server restarted" in log
    assert ended["components"]["register"]["action"] == "REPLAY"
    assert ended["components"]["random"]["action"] == "REUSE"
    assert ended["components"]["shop"]["action"] == "REPLAY"  # its database was only in the server's memory
    assert any("restored for random" in line for line in log)
    assert attempts.rows() == ROWS


@pytest.mark.torture
def test_saved_views_that_are_lost_are_lost_for_the_session_on_the_server_too(attempts: Attempts) -> None:
    """Its views read what was saved, so the component that made them runs again, in a new session (invariant 6)."""
    attempts.run(1, "fail")
    shutil.rmtree(attempts.folder / "views")

    ended, log = attempts.run(2, "work")

    assert "INFO cannot go on in the session on the server: saved views that it reads are damaged" in log
    assert "is gone" in ended["components"]["random"]["reason"]
    assert attempts.rows() == ROWS


def test_a_replaced_attempt_neither_disturbs_its_successor_nor_records_anything(attempts: Attempts) -> None:
    """The successor takes the zombie's session away on the server; the zombie's next save is refused (invariant 5)."""
    zombie = attempts.start_and_wait(1, "wait")

    ended, log = attempts.run(2, "work")
    (attempts.folder / "go").touch()
    late, _ = attempts.end(zombie)

    assert_went_on_in_the_session(ended, log)
    assert attempts.rows() == ROWS
    assert late["error"] == "StaleAttemptError"
    assert not (attempts.folder / "zombie-used-spark").exists()
    assert (attempts.checkpoint().status, attempts.checkpoint().attempt) == ("completed", 2)


def test_on_kill_interrupts_what_runs_on_the_server_in_time(attempts: Attempts) -> None:
    """Airflow waits five seconds; the copy stays on the server for the next attempt."""
    process = attempts.start_and_wait(1, "query")
    time.sleep(1)  # for the query to begin; if it has not, the test is only easier
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    ended, _ = attempts.end(process)
    took = time.monotonic() - began

    assert ended["error"] == "AttemptStopped"
    assert ended["message"].startswith("Airflow asked the task to stop\nrunning: ")
    assert took < 5
    ended, log = attempts.run(2, "work")
    assert_went_on_in_the_session(ended, log)
    assert attempts.rows() == ROWS
