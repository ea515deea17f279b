"""Invariants 1, 2, 3 and 6 under SIGKILL, with a real Spark: wherever a run is killed, it ends as if it had not been.

Views and settings are back after a kill, no completed component runs again, and no JVM is left behind. Half of the
kills come from outside at a random moment, to the process, to its JVM or to both. Random moments do not hit every step
of a save, so the other half are aimed: the process kills itself before a line of the code that keeps a component's
session state and saves its record. Where only the process is to be killed, most attempts share a JVM, in which each
has a Spark of its own.

Every choice comes from a seed that is printed; to repeat the choices give it in ``TORTURE_SEED``. (The same choice of a
moment still hits another line on another day.) ``test_fast_kills.py`` kills far more often, without Spark.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.reliability.every_failure.warm_jvm import WarmJvm
from tests.reliability.kills.killed_run import KilledRun, Reference, Victim, processes_of, undisturbed
from tests.reliability.kills.killing import torture

Kills = Callable[[int, Sequence[Victim]], int]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, jvm: WarmJvm) -> Reference:
    return undisturbed(lambda: tmp_path_factory.mktemp("undisturbed") / "run", jvm)


@pytest.fixture
def kill(tmp_path: Path, reference: Reference, jvm: WarmJvm, seed: str) -> Kills:
    """Kills so many attempts, prints what was killed where, and returns how many were."""
    count = itertools.count(1)

    def torture_here(kills: int, victims: Sequence[Victim]) -> int:
        tally = torture(
            lambda: KilledRun(tmp_path / f"run-{next(count)}", jvm),
            reference,
            random.Random(seed),
            kills=kills,
            victims=victims,
        )
        print(tally)
        return tally.kills

    return torture_here


@pytest.mark.skipif(not Path("/proc").exists(), reason="nothing tells which processes there are")
def test_a_process_that_outlives_a_killed_one_is_seen() -> None:
    """What says that no JVM is left behind would say so if one were."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo; wait"], stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.kill()
        parent.wait()
        left = list(processes_of(parent.pid))
        os.killpg(parent.pid, signal.SIGKILL)
    assert len(left) == 1


def test_a_run_that_is_killed_ends_as_if_nothing_had_happened(kill: Kills) -> None:
    """The process alone, and with its JVM."""
    assert kill(2, ["process", "both"]) == 2


@pytest.mark.torture
@pytest.mark.parametrize("part", range(6))
def test_a_hundred_kills_change_nothing_in_the_end(kill: Kills, part: int) -> None:
    """The same, again and again."""
    assert kill(20, ["process", "both"]) == 20


@pytest.mark.torture
def test_losing_the_jvm_again_and_again_changes_nothing_in_the_end(kill: Kills) -> None:
    """An attempt that loses its JVM, wherever it is, fails by itself and makes no completed component run again."""
    assert kill(20, ["JVM"]) == 20
