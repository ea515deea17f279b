"""Invariants 1, 2, 3, 5 and 6 under hundreds of SIGKILLs: wherever attempts are killed, the run ends as if none were.

The attempts are real but for Spark. Each is a process of its own, forked from one that has imported the engine, so a
kill takes some hundredths of a second. Half of the kills hit at any moment; the other half are aimed at a takeover or
at the save of a record, at a moment of it or before a line of Python.

Every choice comes from a seed that is printed; to repeat the choices give it in ``TORTURE_SEED``. (The same choice of a
moment still hits another line on another day.)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.every_failure.attempts import ROOT
from tests.samples.services.s3 import new_prefix

STORES: dict[str, Callable[[Path], str]] = {
    "local": lambda directory: str(directory / "checkpoints"),
    "s3": lambda directory: new_prefix(),
}

in_torture = pytest.mark.torture


def kill(directory: Path, store: str, kills: int, seed: str, *options: str) -> None:
    """Kill so many attempts in a process that does nothing else, and print what it prints."""
    command = ["-m", "tests.reliability.kills.fast_kills", str(directory), STORES[store](directory), "--seed", seed]
    done = subprocess.run(
        [sys.executable, *command, "--kills", str(kills), *options], cwd=ROOT, capture_output=True, text=True
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.parametrize(
    ("store", "kills"),
    [
        ("local", 100),
        ("s3", 15),
        pytest.param("local", 1000, marks=in_torture),
        pytest.param("s3", 200, marks=in_torture),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    tmp_path: Path, seed: str, store: str, kills: int
) -> None:
    """What is recorded is never forgotten, never invented, never damaged and never run again."""
    kill(tmp_path, store, kills, seed)


@pytest.mark.parametrize(
    ("store", "kills"),
    [
        ("local", 50),
        pytest.param("local", 1000, marks=in_torture),
        pytest.param("s3", 200, marks=in_torture),
    ],
)
def test_killing_one_of_two_attempts_that_live_at_once_changes_nothing_in_the_end(
    tmp_path: Path, seed: str, store: str, kills: int
) -> None:
    """The newer one takes over, the older one goes no further, whichever of them is killed, and in whatever state."""
    kill(tmp_path, store, kills, seed, "--together")
