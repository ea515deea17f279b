"""Runs the torture pipeline to its end, a process for each attempt, with failures where a test wants them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conftest import JAVA_HOME_FILE
from tests.reliability.every_failure.steps import SINKS
from tests.reliability.every_failure.warm_jvm import WarmJvm

ROOT = Path(__file__).parents[3]


def environment() -> dict[str, str]:
    """Environment variables for a Python that finds this project and Java."""
    found = {**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    if "JAVA_HOME" not in found and JAVA_HOME_FILE.exists():
        found["JAVA_HOME"] = JAVA_HOME_FILE.read_text().strip()
    return found


def python(*arguments: str, directory: Path, jvm: WarmJvm | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python as a process of its own, with this project and Java at hand.

    :param directory: where it runs
    :param jvm: the JVM for its Spark; None lets it start one
    """
    command = [sys.executable, *arguments]
    variables = environment() | (jvm.environment if jvm else {})
    done = subprocess.run(
        command, cwd=directory, env=variables, capture_output=True, text=True, timeout=600, check=False
    )
    if jvm and done.returncode == 0:
        jvm.check_free()
    elif jvm:
        jvm.free()
    return done


def attempt(directory: Path, jvm: WarmJvm | None = None) -> dict[str, Any]:
    """One attempt in a new process; what the driver says of it."""
    done = python("-m", "tests.reliability.every_failure.driver", str(directory), "run-1", directory=directory, jvm=jvm)
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def let_fail(directory: Path, component: str, times: int = 1) -> None:
    """Make a component fail at the end of its next executions."""
    (directory / f"fail-{component}").write_text("x\n" * times)


def runs(directory: Path) -> Counter[str]:
    """How often each component was executed."""
    return Counter((directory / "runs").read_text().split())


class Failures:
    """Lets runs fail and compares their end with that of a run that never failed.

    :param reference: outputs of the run that never failed
    :param jvm: for the Spark of the attempts
    """

    def __init__(self, reference: dict[str, list[str]], jvm: WarmJvm) -> None:
        self._reference = reference
        self._jvm = jvm

    def check(self, directory: Path, *failures: str) -> None:
        """Let one component after the other fail, an attempt each, resume once more, and compare the end."""
        outputs = self._outputs_after(directory, *failures)
        assert outputs["random_first"] == outputs["random_second"], (
            "both must come from one evaluation of the random view"
        )
        wanted = {name: rows for name, rows in self._reference.items() if not name.startswith("random")}
        executions = failures.count("costly") + 1
        found = {
            name: [row.replace(f"run='{executions}'", "run='1'") for row in rows]
            for name, rows in outputs.items()
            if not name.startswith("random")
        }
        assert found == wanted
        ran = runs(directory)
        expected = {name: failures.count(name) + 1 for name in (*SINKS, "costly", "random", "settings", "zone")}
        assert {name: ran[name] for name in expected} == expected, "what had completed must not run again"
        lines = (directory / "log").read_text().splitlines()
        assert lines == ["torture Asia/Tokyo"] * expected["append_log"]
        assert not (directory / "state").exists(), "nothing is left of the saved views"

    def _outputs_after(self, directory: Path, *failures: str) -> dict[str, list[str]]:
        for component in failures:
            let_fail(directory, component)
            outcome = attempt(directory, self._jvm)
            assert outcome["failed"] == {component: f"{component} was made to fail"}
        outcome = attempt(directory, self._jvm)
        assert outcome["failed"] == {}
        assert outcome["status"] == "success"
        return outcome["outputs"]  # type: ignore[no-any-return]
