"""The copy of a driver's progress: what the task shows while it waits, and when the driver cannot say that it ended."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import DriverError
from airflow_provider.operators.submit.driver_progress import DriverProgress
from airflow_provider.runner.checkpoint.progress_file import ProgressFile
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.directory_storage import DirectoryStorage

KEY = RunKey(("dag", "task", "-1"), "run", "p")


SUMMARY = {
    "status": "success",
    "components": [
        {"name": "a", "action": "REUSE", "status": "completed", "duration_seconds": 0.0, "seconds_saved": 7.5},
        {"name": "b", "action": "RUN", "status": "completed", "duration_seconds": 2.5},
    ],
}


class Shown:
    """What Airflow shows."""

    any_thread = True

    def __init__(self) -> None:
        self.states: list[str] = []
        self.last: dict[str, Any] = {}
        self.came = threading.Condition()

    def write(self, document: dict[str, Any]) -> None:
        with self.came:
            self.last = document
            self.states.append(document["states"])
            self.came.notify_all()

    def wait_for(self, states: str) -> bool:
        with self.came:
            return self.came.wait_for(lambda: states in self.states, 20)


def document(states: str, **attempt: Any) -> dict[str, Any]:
    columns = {"names": ["a", "b"], "states": states, "actions": "xx", "seconds": [-1, -1]}
    return {"format": 1, **columns, "attempt": {"try_number": 2, "state": "running", **attempt}}


@pytest.fixture
def file(tmp_path: Path) -> ProgressFile:
    return ProgressFile(lambda: DirectoryStorage(tmp_path), KEY, 2)


def test_what_the_driver_writes_is_shown_while_the_task_waits(file: ProgressFile) -> None:
    """First the task's own document, then each of the driver's, and at last its last one as it is."""
    shown = Shown()
    with DriverProgress(document("ww"), file.read, shown, every=0.02) as progress:
        assert shown.wait_for("ww")
        file.write(document("xw"))
        assert shown.wait_for("xw")
        file.write(document("cc", state="succeeded", ended_at="now"))
    progress.finish(None, SUMMARY)
    assert shown.last == document("cc", state="succeeded", ended_at="now")


def test_a_driver_that_was_killed_is_shown_as_failed(file: ProgressFile) -> None:
    """With what the Spark provider says of it."""
    shown = Shown()
    file.write(document("cx"))
    with DriverProgress(document("ww"), file.read, shown, every=0.02) as progress:
        pass
    progress.finish(DriverError("exit status 137"))
    assert shown.last["states"] == "cf"
    assert shown.last["attempt"]["error"] == {"headline": "DriverError: exit status 137"}


def test_a_task_that_airflow_stops_says_so(file: ProgressFile) -> None:
    """There is no time to ask for a report."""
    shown = Shown()
    file.write(document("cx"))
    with pytest.raises(KeyboardInterrupt), DriverProgress(document("ww"), file.read, shown, every=0.02):
        raise KeyboardInterrupt
    assert (shown.last["states"], shown.last["attempt"]["state"]) == ("cf", "failed")


def test_with_a_storage_that_the_worker_cannot_read_the_report_tells_the_end() -> None:
    """Nothing fails, and nobody is told that a driver failed that did not."""

    def read() -> Any:
        raise PermissionError("no")

    shown = Shown()
    with DriverProgress(document("ww"), read, shown, every=0.01) as progress:
        assert shown.wait_for("ww")
    progress.finish(None, SUMMARY)
    assert (shown.last["states"], shown.last["actions"], shown.last["seconds"]) == ("rc", "rx", [7.5, 2.5])
    assert shown.last["attempt"]["state"] == "succeeded"
    assert "error" not in shown.last["attempt"]


@pytest.mark.parametrize("content", ["gibberish", "[]", "{}", '{"format": 9}'])
def test_a_file_that_holds_something_else_is_not_shown(file: ProgressFile, tmp_path: Path, content: str) -> None:
    DirectoryStorage(tmp_path).write(f"{KEY.path}/~progress/000002.json", content.encode())
    shown = Shown()
    with DriverProgress(document("ww"), file.read, shown, every=0.01) as progress:
        assert shown.wait_for("ww")
    progress.finish(DriverError("no"))
    assert shown.last["states"] == "nn"
