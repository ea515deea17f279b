"""What a driver needs where it runs, and how it ends without it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from airflow_provider.errors import (
    CheckpointWriteError,
    SessionStateNotSavedError,
    SourceChangedError,
    SparkConfigError,
    SparkSessionError,
)
from airflow_provider.launch import driver
from airflow_provider.runner import ComponentResult, PipelineResult, PipelineResultStatus
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action


def test_nothing_is_missing_here() -> None:
    """The packages of this environment are enough for a driver."""
    assert driver.missing_requirements() == ""


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python too old, a package that is not there and one that is too old: one message, with the remedy."""
    (tmp_path / "ancient.py").write_text("__version__ = '1.10.2'")
    monkeypatch.syspath_prepend(tmp_path)

    found = driver.missing_requirements((3, 10), {"ancient": ("old-one", 2), "not_there_at_all": ("no-package", 0)})

    assert found.startswith(
        "Python is 3.10 and must be 3.11 or newer; old-one>=2 is required, 1.10.2 is installed; "
        "no-package is missing (No module named 'not_there_at_all')"
    )
    assert sys.executable in found
    assert found.endswith(
        "Install it where the driver runs, or set the Spark property spark.pyspark.driver.python (client mode) or "
        "spark.pyspark.python to a Python that has it; 'archives' can bring one along"
    )


def test_a_driver_without_its_requirements_reports_that_and_ends_with_status_2(tmp_path: Path) -> None:
    """It needs nothing but the standard library to say so."""
    outcome = tmp_path / "outcome.json"
    (tmp_path / "request.json").write_text(json.dumps({"outcome": str(outcome)}))

    done = subprocess.run(
        [sys.executable, "-I", "-S", driver.__file__, str(tmp_path / "request.json")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == driver.NO_RETRY
    assert "ERROR - the driver cannot run here: pydantic>=2 is missing" in done.stdout
    report = json.loads(outcome.read_text())
    assert report["error_type"] == "DriverSetupError"
    for package in ("pydantic>=2", "pyspark>=4", "rich", "tenacity", "pyyaml"):
        assert f"{package} is missing" in report["message"]


def _raises(error: Exception) -> Callable[..., NoReturn]:
    def attempt(request: Any) -> NoReturn:
        raise error

    return attempt


def _fails(error: Exception) -> Callable[..., PipelineResult]:
    component = ComponentResult("c", Action.RUN, "first", ComponentStatus.FAILED, error=error)
    return lambda request: PipelineResult("p", PipelineResultStatus.FAILURE, (component,), 0.0)


@pytest.mark.parametrize(
    "attempt",
    [
        _raises(SparkSessionError("password=hunter2")),
        _raises(OSError("password=hunter2")),
        _fails(OSError("pwd=hunter2")),
        _fails(OSError("my.db.pwd=hunter2")),
        _fails(OSError("https://lake.blob/x?sv=1&sig=hunter2")),
        _fails(OSError("AccountName=lake;AccountKey=hunter2")),
    ],
    ids=["an error of ours", "any other", "a component's", "a setting", "a signed address", "an account key"],
)
def test_neither_log_nor_report_holds_a_secret(
    attempt: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the driver runs nobody else masks its log. Tracebacks are in it, with the secrets masked."""
    monkeypatch.setattr(driver, "_attempt", attempt)
    outcome = tmp_path / "outcome.json"
    with caplog.at_level(logging.INFO):
        assert driver.run_request({"outcome": str(outcome)}) == driver.FAILED
    told = caplog.text + outcome.read_text()
    assert "=***" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SessionStateNotSavedError("p", [("c", "registered temp function 'f'", "make two of it")]), driver.NO_RETRY),
        (SourceChangedError("p", ["source of 'c' has changed"], "restart"), driver.NO_RETRY),
        (SparkConfigError("deploy mode"), driver.NO_RETRY),
        (SparkSessionError("the master is down"), driver.FAILED),
        (CheckpointWriteError("full"), driver.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_exit_status_says_whether_trying_again_can_help(
    error: Exception, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody has to mend first ends with status 2, also where only the status gets back (invariant 10)."""
    monkeypatch.setattr(driver, "_attempt", _raises(error))
    outcome = tmp_path / "outcome.json"
    assert driver.run_request({"outcome": str(outcome)}) == status
    report = json.loads(outcome.read_text())
    assert (report["error_type"], report["message"]) == (type(error).__name__, str(error))
