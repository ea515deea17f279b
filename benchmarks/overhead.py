"""What the record costs: the engine around components that do nothing, beside the peer package, in one run.

    python benchmarks/overhead.py [--rounds 5]

Printed are medians of the rounds, in which the variants take turns; a component of the benchmark does nothing, so all
that is measured is the engine. The peer, ``pyspark-pipeline-framework``, writes its checkpoint without flushing it to
disk and keeps less in it. ``flush`` is what the disk itself needs for what this package asks of it per component: one
small file, flushed, renamed, and its directory flushed.

1. milliseconds per component, without Spark, for 10, 100 and 1,000 components;
2. the whole time of one attempt at 1,000 components, first and resumed, with the log;
3. bytes written, files and flushes per component, and by the attempt itself;
4. rows of Airflow's task state store for 1,000 components that leave three saved views each.

What the capture of session state costs is measured by ``capture.py``, and what an import costs by ``import_cost.py``.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from pyspark_pipeline_framework.core.config import ComponentConfig, ComponentType, SparkConfig
from pyspark_pipeline_framework.core.config import PipelineConfig as PeerConfig
from pyspark_pipeline_framework.runner import SimplePipelineRunner as PeerRunner
from pyspark_pipeline_framework.runner.checkpoint import CheckpointHooks as PeerHooks
from pyspark_pipeline_framework.runner.checkpoint import LocalCheckpointStore as PeerStore
from pyspark_pipeline_framework.runner.checkpoint import compute_pipeline_fingerprint as peer_fingerprint
from pyspark_pipeline_framework.runtime.dataflow.base import DataFlow as PeerDataFlow

from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointStore,
    CompositeHooks,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    LoggingHooks,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.checkpoint.takeover import take_over
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate, ComponentRecord
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.storage.durable_write import write_durably
from airflow_provider.stores.task_state import TaskStateCheckpointStore

SIZES = (10, 100, 1000)


class Nothing:
    """A component that does nothing."""

    name = "nothing"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Nothing:
        return cls()

    def set_spark_session(self, spark: Any) -> None:
        pass

    def run(self) -> None:
        pass


class PeerNothing(PeerDataFlow):
    """The same for the peer, which takes nothing else."""

    @property
    def name(self) -> str:
        return "nothing"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PeerNothing:
        return cls()

    def run(self) -> None:
        pass


class Broken(Nothing):
    """A component that fails, for a run to resume."""

    def run(self) -> None:
        raise RuntimeError("as asked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="overhead-"))
    try:
        per_component(folder, rounds)
        whole_attempt(folder, rounds)
        per_record(folder)
        task_state_rows()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def per_component(folder: Path, rounds: int) -> None:
    variants: dict[str, Callable[[int], float]] = {
        "memory": lambda size: ours(size, InMemoryCheckpointStore()),
        "local directory": lambda size: ours(size, LocalCheckpointStore(new(folder))),
        "peer, local": lambda size: peers(size, new(folder)),
        "flush": lambda size: flushes(size, new(folder)),
    }
    print("ms per component that does nothing, without Spark")
    print(f"  {'':16}" + "".join(f"{size:>10,}" for size in SIZES) + f"{'1,000 / 10':>14}")
    taken: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, variant in variants.items():
            for size in SIZES:
                taken.setdefault((name, size), []).append(variant(size) * 1000 / size)
    for name in variants:
        medians = [statistics.median(taken[name, size]) for size in SIZES]
        print(f"  {name:16}" + "".join(f"{value:10.2f}" for value in medians) + f"{medians[-1] / medians[0]:14.2f}")
    print(f"  the first attempt of this process, which reads the code: {taken['memory', SIZES[0]][0]:.2f} in memory")


def whole_attempt(folder: Path, rounds: int) -> None:
    first, resumed = [], []
    root = logging.getLogger()
    root.addHandler(logging.StreamHandler(io.StringIO()))
    root.setLevel(logging.INFO)
    for _ in range(rounds):
        store = LocalCheckpointStore(new(folder))
        last = f"{__name__}.{Broken.__name__}"
        first.append(ours(1000, InMemoryCheckpointStore(), log=True))
        ours(1000, store, last=last)
        resumed.append(ours(1000, store, log=True, resume=True))
    root.setLevel(logging.WARNING)
    print("seconds of a whole attempt at 1,000 components that do nothing, with the log")
    print(f"  all run, record in memory              {statistics.median(first):6.2f}")
    print(f"  999 reused from a local directory      {statistics.median(resumed):6.2f}")


def per_record(folder: Path) -> None:
    """An attempt writes its own few files; the rest is in proportion to its components."""
    print("written per component that does nothing, local directory; apart: by the attempt itself")
    print(
        f"  {'':16}{'bytes':>10}{'files':>10}{'flushes':>10}{'of the attempt: bytes':>26}{'files':>10}{'flushes':>10}"
    )
    small = written_by(SIZES[0] // 2, new(folder))
    for size in SIZES:
        whole = written_by(size, new(folder))
        each = [(w - s) / (size - SIZES[0] // 2) for w, s in zip(whole, small, strict=True)]
        rest = [w - size * e for w, e in zip(whole, each, strict=True)]
        shown = "{:10.0f}{:10.2f}{:10.2f}".format(*each) + "{:26.0f}{:10.0f}{:10.0f}".format(*rest)
        print(f"  {size:<16,}{shown}")


def written_by(size: int, place: Path) -> tuple[int, int, int]:
    """Return the bytes, files and flushes of one attempt."""
    written: list[int] = []
    flushed: list[int] = []
    flush = os.fsync

    def noted(path: Path, content: bytes) -> None:
        written.append(len(content))
        write_durably(path, content)

    def counted(descriptor: int) -> None:
        flushed.append(descriptor)
        flush(descriptor)

    with (
        mock.patch("airflow_provider.runner.storage.directory_storage.write_durably", noted),
        mock.patch("os.fsync", counted),
    ):
        ours(size, LocalCheckpointStore(place))
    return sum(written), len(written), len(flushed)


def task_state_rows() -> None:
    rows: dict[str, int] = {}
    written = [0]

    class Accessor:
        values: dict[str, Any] = {}  # noqa: RUF012 - one accessor only

        def get(self, key: str) -> Any:
            return self.values.get(key)

        def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
            self.values[key] = value
            rows[key] = len(json.dumps(value))
            written[0] += rows[key]

        def delete(self, key: str) -> None:
            self.values.pop(key, None)
            rows.pop(key, None)

    print("rows of the task state store, components that leave three saved views each")
    print(f"  {'':16}{'rows':>10}{'largest':>10}{'written per component':>24}")
    for size in SIZES:
        rows.clear()
        Accessor.values.clear()
        written[0] = 0
        record_views(size, TaskStateCheckpointStore(Accessor()))
        print(f"  {size:<16,}{len(rows):10}{max(rows.values()):10,}{written[0] / size:24,.0f}")


def record_views(size: int, store: CheckpointStore) -> None:
    """Record components as an attempt does."""
    now = datetime.now(UTC)
    claim, taken = take_over(store, RunKey(("dag", "task", "-1"), "run", "p"))
    names = [f"component_{index}" for index in range(size)]
    hashes = {"class_path": "0" * 12, "depends_on": "0" * 12, "enabled": "0" * 12, "config.path": "0" * 12}
    begun = CheckpointState(
        run_id="run",
        pipeline_name="p",
        pipeline_fingerprint="0" * 64,
        scope=("dag", "task", "-1"),
        fence=taken.fence,
        owner=claim.owner,
        fields=dict.fromkeys(names, hashes),
    )
    taken.writer.begin(begun)
    updates: list[CheckpointUpdate] = []
    for name in names:
        views = [
            SavedView(
                name=f"{name}_{index}",
                url=f"s3a://bucket/session_state/dag/task/-1/run/p/attempt-0123456789ab/0001-01234567/{index}",
                format="parquet",
                columns=[f"column_{number}" for number in range(10)],
                files=8,
                bytes=123_456_789,
                digest="0123456789abcdef",
            )
            for index in range(3)
        ]
        record = ComponentRecord(
            fingerprint="0" * 64,
            completed_at=now,
            duration_seconds=1.5,
            attempt=1,
            session_state=SessionStateRecord(handling="kept", reason="ran 12.3 s", views=views),
        )
        updates.append(CheckpointUpdate(at=now, component=name, record=record))
        taken.writer.append(updates[-1], lambda: begun.updated(updates))


def ours(
    size: int, store: CheckpointStore, *, log: bool = False, last: str | None = None, resume: bool = False
) -> float:
    """Return the seconds of one attempt."""
    components = [
        {
            "name": f"component_{index}",
            "class_path": f"{__name__}.{Nothing.__name__}",
            "config": {"path": f"/data/{index}"},
            "depends_on": [f"component_{index - 1}"] if index else [],
        }
        for index in range(size)
    ]
    config = PipelineConfig.model_validate({"name": "p", "components": components})
    if last is not None:
        components[-1] = {**components[-1], "class_path": last}
        broken = PipelineConfig.model_validate({"name": "p", "components": components})
    runs = broken if last is not None else config
    hooks = CheckpointHooks(store, "run", compute_pipeline_fingerprint(runs))
    runner = SimplePipelineRunner(runs, hooks=CompositeHooks(LoggingHooks(), hooks) if log else hooks, spark=object())
    began = time.perf_counter()
    if resume:
        config = config.model_copy(update={"on_config_change": "rerun_affected"})
        runner = SimplePipelineRunner(config, hooks=CompositeHooks(LoggingHooks(), hooks), spark=object())
        result = runner.run(plan=runner.plan(hooks.take_over(config)))
    else:
        result = runner.run()
    took = time.perf_counter() - began
    if (result.status.value == "success") is (last is not None):
        raise SystemExit(f"the pipeline ended with {result.status.value}")
    return took


def peers(size: int, folder: Path) -> float:
    """Return the seconds of one attempt of the peer package."""
    config = PeerConfig(
        name="p",
        version="1",
        spark=SparkConfig(app_name="overhead"),
        components=[
            ComponentConfig(
                name=f"component_{index}",
                component_type=ComponentType.TRANSFORMATION,
                class_path=f"{__name__}.{PeerNothing.__name__}",
                config={"path": f"/data/{index}"},
                depends_on=[f"component_{index - 1}"] if index else [],
            )
            for index in range(size)
        ],
    )
    hooks = PeerHooks(PeerStore(folder), run_id="run", pipeline_fingerprint=peer_fingerprint(config))
    runner = PeerRunner(config, spark_wrapper=mock.Mock(), hooks=hooks)
    logging.getLogger("pyspark_pipeline_framework").setLevel(logging.ERROR)
    began = time.perf_counter()
    result = runner.run()
    took = time.perf_counter() - began
    if len(result.component_results) != size or result.status.value != "success":
        raise SystemExit(f"the peer's pipeline ended with {result.status.value}")
    return took


def flushes(size: int, folder: Path) -> float:
    """Return the seconds that the disk needs for so many records."""
    folder.mkdir()
    began = time.perf_counter()
    for index in range(size):
        write_durably(folder / f"{index}.json", b"x" * 400)
    return time.perf_counter() - began


def new(folder: Path) -> Path:
    """Return a path that does not exist yet."""
    return folder / f"{time.monotonic_ns()}"


if __name__ == "__main__":
    main()
