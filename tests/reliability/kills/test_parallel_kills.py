"""Invariants 1, 2, 6 and 11 with four components side by side under SIGKILL: nothing forgotten, nothing invented.

Each attempt is a process with a Spark of its own. It is killed at a random moment, again and again, until one comes to
its end. What is recorded as complete has done what it does outside exactly once, and never again.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_provider.runner import LocalCheckpointStore
from tests.reliability.every_failure.attempts import ROOT
from tests.reliability.every_failure.warm_jvm import WarmJvm
from tests.reliability.kills.parallel_attempt import NAMES, ROWS

_LONGEST = 120.0


class KilledRun:
    """One run, from its first attempt to its end.

    :param folder: for all that it leaves
    :param jvm: runs Spark
    """

    def __init__(self, folder: Path, jvm: WarmJvm, chance: random.Random) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "effects").mkdir(parents=True)
        self._folder = folder
        self._jvm = jvm
        self._chance = chance
        self._settled: dict[str, list[str]] = {}

    def attempt(self) -> bool:
        """Start one attempt and kill it at some moment; return whether it came to its end before that."""
        (self._folder / "started").unlink(missing_ok=True)
        environment = {**os.environ, **self._jvm.environment, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.reliability.kills.parallel_attempt", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _LONGEST
        while not (self._folder / "started").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            status = process.wait(self._chance.uniform(0.05, 5.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            status = process.wait()
        self._jvm.free()
        assert status in (0, -signal.SIGKILL), (self._folder / "log").read_text()[-5000:]
        return status == 0

    def check(self) -> list[str]:
        """Return what is wrong with what is recorded."""
        checkpoint = LocalCheckpointStore(self._folder / "checkpoints").load("run", "kills")
        complete = checkpoint.completed_components if checkpoint is not None else []
        wrong = [f"{name} is forgotten" for name in self._settled if name not in complete]
        for name in complete:
            effects = self.effects(name)
            if name in self._settled and effects != self._settled[name]:
                wrong.append(f"{name} was complete and acted again: {effects}")
            if not effects or effects[-1] != str(ROWS[name]):
                wrong.append(f"{name} is recorded as complete and left {effects} rows instead of {ROWS[name]}")
            self._settled[name] = effects
        return wrong

    def effects(self, name: str) -> list[str]:
        file = self._folder / "effects" / name
        return file.read_text().split() if file.exists() else []

    @property
    def is_complete(self) -> bool:
        return sorted(self._settled) == sorted(NAMES)


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.torture)])
def test_components_side_by_side_are_killed_again_and_again(tmp_path: Path, seed: str, kills: int) -> None:
    chance, killed, runs = random.Random(seed), 0, 0
    jvm = WarmJvm(tmp_path)
    try:
        while killed < kills:
            run = KilledRun(tmp_path / "run", jvm, chance)
            runs += 1
            while not run.attempt():
                killed += 1
                assert run.check() == []
            assert run.check() == []
            assert run.is_complete
    finally:
        jvm.close()
    print(f"{killed} kills in {runs} runs")
