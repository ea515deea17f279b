"""What recording the progress costs: a pipeline with and without it, in one run, and how large a document gets.

    python benchmarks/progress.py [--components 50] [--seconds 1] [--rounds 3]

Without Spark. The variants take turns, each component waits for so many seconds, so that other load on the machine
counts little, and documents go through JSON and take 25 milliseconds to write, as a row of Airflow's task state store
does. Printed are

1. the whole time of a run with and without recording, the processor time of the process, and their differences;
2. the longest and the usual time that a hook of the recorder kept a component waiting, the most processor time that
   one took, and how many documents were written;
3. characters of a document, and milliseconds of processor time to make it, at 10, 100 and 1,000 components, with usual
   names and hostile ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from airflow_provider.runner import ComponentConfig, InMemoryCheckpointStore, NoOpHooks, PipelineConfig
from airflow_provider.runner.observing.progress_budget import json_size
from airflow_provider.runner.observing.progress_document import progress_document
from airflow_provider.runner.observing.progress_recorder import ProgressRecorder, ProgressStart
from airflow_provider.runner.observing.usual_costs import UsualCosts
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.progress_record import (
    AttemptOverview,
    ProgressRow,
    ProgressSnapshot,
    ProgressState,
    SparkCosts,
)
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

ROW_SECONDS = 0.025
SECONDS = 1.0


class Waits:
    """A component that takes some time."""

    name = "waits"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Waits:
        return cls()

    def set_spark_session(self, spark: Any) -> None:
        pass

    def run(self) -> None:
        time.sleep(SECONDS)


class Row:
    """Takes documents as a row of Airflow's task state store does."""

    any_thread = True

    def __init__(self) -> None:
        self.written = 0

    def write(self, document: dict[str, Any]) -> None:
        json.dumps(document)
        time.sleep(ROW_SECONDS)
        self.written += 1


class TimedRecorder(ProgressRecorder):
    """Measures how long each hook keeps the attempt waiting."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.walls: list[float] = []
        self.works: list[float] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("before_component", "after_component", "before_pipeline", "after_pipeline"):
            return found

        def timed(event: Any) -> None:
            wall, work = time.perf_counter(), time.thread_time()
            found(event)
            self.walls.append(time.perf_counter() - wall)
            self.works.append(time.thread_time() - work)

        timed.__module__ = ProgressRecorder.__module__  # the callbacks of this package take an event
        return timed


def main() -> None:
    global SECONDS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    SECONDS = options.seconds
    with_and_without(options.components, options.rounds)
    sizes()


def with_and_without(components: int, rounds: int) -> None:
    walls: dict[bool, list[float]] = {True: [], False: []}
    works: dict[bool, list[float]] = {True: [], False: []}
    hooks: list[TimedRecorder] = []
    written = 0
    for number in range(rounds):
        for recorded in (True, False) if number % 2 else (False, True):
            wall, work = time.perf_counter(), time.process_time()
            recorder = run(components, recorded=recorded)
            walls[recorded].append(time.perf_counter() - wall)
            works[recorded].append(time.process_time() - work)
            if recorder is not None:
                hooks.append(recorder[0])
                written = recorder[1].written
    print(f"{components} components of {SECONDS} s, medians of {rounds} rounds")
    for title, found in (("whole time", walls), ("processor time", works)):
        without, with_it = (statistics.median(found[recorded]) for recorded in (False, True))
        share = (with_it - without) / statistics.median(walls[False])
        print(f"  {title}: without {without:.2f} s, with {with_it:.2f} s, {share:+.2%} of the whole time without")
    waits = [wall * 1000 for recorder in hooks for wall in recorder.walls]
    work = max(work * 1000 for recorder in hooks for work in recorder.works)
    usual = statistics.median(waits)
    print(f"  hooks: longest {max(waits):.1f} ms, usual {usual:.2f} ms, most processor time {work:.1f} ms")
    print(f"  {written} documents")


def run(components: int, *, recorded: bool) -> tuple[TimedRecorder, Row] | None:
    steps = [ComponentConfig(name=f"step_{n:04}", class_path=f"{__name__}.Waits") for n in range(components)]
    config = PipelineConfig(name="p", components=steps)
    key = RunKey(("dag", "task", "-1"), "run", "p")
    spec = AirflowAttemptSpec(config, key, AirflowTry(1, 1))
    with recording(config, key, recorded=recorded) as found:
        run_airflow_attempt(
            spec, InMemoryCheckpointStore(), progress=found and found[0], spark=object(), hooks=[NoOpHooks()]
        )
    return found


@contextmanager
def recording(config: PipelineConfig, key: RunKey, *, recorded: bool) -> Iterator[tuple[TimedRecorder, Row] | None]:
    if not recorded:
        yield None
        return
    row, usual = Row(), {component.name: UsualCosts((1.0,) * 10) for component in config.components}
    with TimedRecorder(ProgressStart(key, 1, usual=usual), config, row) as recorder:
        yield recorder, row


def sizes() -> None:
    print("characters of a document (Airflow's REST API takes 65,535 at most), processor time to make it")
    names = {"usual": "step_{:04}", "300 characters": "n" * 296 + "{:04}", "日本": "日本" * 20 + "{:04}"}
    for kind, name in names.items():
        for size in (10, 100, 1000):
            rows = tuple(
                ProgressRow(
                    name.format(n), (n - 1,) if n else (), ProgressState.COMPLETED, reason="no checkpoint yet",
                    began=n * 1.5, seconds=1.25, usual=1.2, usual_of=10, costs=SparkCosts(*[1.5] * 2, *[123456] * 10),
                )
                for n in range(size)
            )  # fmt: skip
            attempt = AttemptOverview(1, 1, "2026-11-30T19:30:00.123Z")
            snapshot = ProgressSnapshot("p", "run", attempt, rows)
            progress_document(snapshot, datetime.now(UTC))
            began = time.thread_time()
            document = progress_document(snapshot, datetime.now(UTC))
            took = (time.thread_time() - began) * 1000
            told = f"{json_size(document):,} characters, {took:.1f} ms, details of {len(document['details'])}"
            print(f"  {size:5} components, names {kind}: {told}, {document['folded']} folded")


if __name__ == "__main__":
    main()
