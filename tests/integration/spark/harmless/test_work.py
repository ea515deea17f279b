"""Cheap is measured in work: what waits is cheap, what computes is not, and load changes nothing.

The limit of 10 s of work is scaled down here; ``make torture`` has the real one.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from airflow_provider.runner import PipelineConfig
from tests.integration.spark.harmless.case import SAVED, Case, judge, replayed, saved
from tests.integration.spark.harmless.world import World, lines


def costly(component: str, limit: float, **config: object) -> Case:
    """A row for what is harmless, but is saved when the attempt fails: a replay would take more work than that."""
    case = replayed(component, **config, pipeline={"replay_below_cpu_seconds": limit})
    return replace(case, verdict=SAVED, words=("failed",))


def cheap(component: str, limit: float, **config: object) -> Case:
    return replayed(component, **config, pipeline={"replay_below_cpu_seconds": limit})


DEFAULT_LIMIT = PipelineConfig.model_fields["replay_below_cpu_seconds"].default
"""What `judge` raises for the cases in which work is not the point."""


@contextlib.contextmanager
def loaded(processes: int) -> Iterator[None]:
    """Keep every core busy with other processes."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


CASES = [
    cheap("work.sleep", 0.5, seconds=1.0),
    costly("work.compute_in_python", 0.1, loops=5_000_000),
    costly("work.compute_on_executors", 0.1, rows=10_000_000),
    cheap("work.quick", 5.0),
    replayed("work.in_a_loop"),
    saved("work.writes_in_a_loop", "lines.txt", path="{lines}", count=lines),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cheap_is_measured_in_work(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)


def test_what_is_quick_stays_cheap_on_a_loaded_machine(world: World) -> None:
    """It takes longer, and not more work."""
    with loaded(2):
        judge(cheap("work.quick", 5.0), world)


SLOW = [
    cheap("work.sleep", DEFAULT_LIMIT, seconds=20.0),
    costly("work.compute_in_python", DEFAULT_LIMIT, loops=250_000_000),
    costly("work.compute_on_executors", DEFAULT_LIMIT, rows=3_000_000_000),
]


@pytest.mark.torture
@pytest.mark.parametrize("case", SLOW, ids=str)
def test_twenty_seconds_of_sleep_are_cheap_and_of_work_are_not(case: Case, world: World) -> None:
    """With the limit as it comes, 10 s."""
    judge(case, world)


@pytest.mark.torture
@pytest.mark.parametrize("processes", [4, 16])
def test_what_is_quick_stays_cheap_however_loaded_the_machine_is(world: World, processes: int) -> None:
    with loaded(processes):
        judge(cheap("work.quick", DEFAULT_LIMIT), world)
