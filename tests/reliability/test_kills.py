"""Invariants 1, 2, 3 and 6 under SIGKILL: wherever a run is killed, and however often, it ends as if it had not been.

Half of the kills come from outside at a random moment, to the process, to its JVM or to both. Random moments do not hit
every step of a save, so the other half are aimed: the process kills itself before a line of the code that keeps a
component's session state and saves its record, and they go through the lines of a save one by one.

Every choice comes from a seed that is printed; to repeat the choices give it in ``TORTURE_SEED``. (The same choice of a
moment still hits another line on another day.)

The long versions run on request: ``pytest -m torture``.
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

from tests.reliability.killed_run import Reference, Victim, processes_of, undisturbed
from tests.reliability.killing import Tally, torture

Torture = Callable[..., Tally]


@pytest.fixture(scope="module")
def undisturbed_run(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "run", with_spark=False)


@pytest.fixture(scope="module")
def undisturbed_spark_run(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "run", with_spark=True)


@pytest.fixture
def kill(tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Torture:
    """Tortures, and prints the seed before and the tally after, whether or not pytest captures."""
    seed = int(os.environ.get("TORTURE_SEED") or random.SystemRandom().getrandbits(32))
    count = itertools.count(1)

    def torture_here(
        reference: Reference, *, kills: int, with_spark: bool, victims: Sequence[Victim] = ("process",)
    ) -> Tally:
        with capsys.disabled():
            print(f"\n{request.node.name}: TORTURE_SEED={seed}", flush=True)
            tally = torture(
                lambda: tmp_path / f"run-{next(count)}",
                reference,
                random.Random(f"{seed} {request.node.name}"),
                kills=kills,
                with_spark=with_spark,
                victims=victims,
            )
            print(tally, flush=True)
        return tally

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


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    kill: Torture, undisturbed_run: Reference
) -> None:
    """What is recorded is never forgotten, never invented, never half-written and never run again."""
    assert kill(undisturbed_run, kills=20, with_spark=False).kills == 20


def test_a_run_with_spark_that_is_killed_ends_as_if_nothing_had_happened(
    kill: Torture, undisturbed_spark_run: Reference
) -> None:
    """The same with a real Spark: views and settings are back after a kill, and no JVM is left behind."""
    assert kill(undisturbed_spark_run, kills=2, with_spark=True, victims=["process", "both"]).kills == 2


@pytest.mark.torture
def test_a_hundred_kills_change_nothing_in_the_end(kill: Torture, undisturbed_run: Reference) -> None:
    """What is recorded is never forgotten, never invented, never half-written and never run again."""
    assert kill(undisturbed_run, kills=100, with_spark=False).kills == 100


@pytest.mark.torture
@pytest.mark.parametrize("part", range(4))
def test_kills_with_spark_change_nothing_in_the_end(kill: Torture, undisturbed_spark_run: Reference, part: int) -> None:
    """The same with a real Spark: views and settings are back after a kill, and no JVM is left behind."""
    assert kill(undisturbed_spark_run, kills=30, with_spark=True, victims=["process", "both"]).kills == 30


@pytest.mark.torture
def test_losing_the_jvm_again_and_again_changes_nothing_in_the_end(
    kill: Torture, undisturbed_spark_run: Reference
) -> None:
    """An attempt that loses its JVM, wherever it is, fails by itself and makes no completed component run again."""
    assert kill(undisturbed_spark_run, kills=20, with_spark=True, victims=["JVM"]).kills == 20
