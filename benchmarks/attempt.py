"""What a whole attempt of small components costs: a process with the engine beside a plain script, in one run.

    python benchmarks/attempt.py [--rounds 5] [--components 5 50]

Both processes start Spark, run the same statements (each component makes a view and counts its rows) and stop Spark.
They take turns, and every figure is a median of ratios of neighbours: wall clock from the start of the process to its
end, CPU of Python, and the highest memory of Python and the JVM together.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

AIMS = {5: {"wall": 1.05, "cpu": 1.3, "memory": 1.1}, 50: {"wall": 1.10, "cpu": 1.3, "memory": 1.1}}
_CONF = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.master": "local[2]"}


class Step:
    """A component that makes a view and counts its rows."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.spark: Any = None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Step:
        return cls(config["number"])

    def set_spark_session(self, spark: Any) -> None:
        self.spark = spark

    def run(self) -> None:
        step(self.spark, self.number)


def step(spark: Any, number: int) -> None:
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW v{number} AS SELECT id, id % {number + 2} AS rest FROM range(1000)")
    found = spark.table(f"v{number}").where("rest = 0").count()
    if found != -(-1000 // (number + 2)):
        raise ValueError(f"v{number} has {found} rows")


def plain(components: int, folder: Path) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.config(map=_CONF).getOrCreate()
    for number in range(components):
        step(spark, number)
    report()
    spark.stop()


def engine(components: int, folder: Path) -> None:
    from airflow_provider.runner import (
        CheckpointHooks,
        LocalCheckpointStore,
        PipelineConfig,
        SimplePipelineRunner,
        compute_pipeline_fingerprint,
    )

    steps = [
        {
            "name": f"step-{number}",
            "class_path": f"attempt.{Step.__name__}",
            "config": {"number": number},
            "depends_on": [f"step-{number - 1}"] if number else [],
        }
        for number in range(components)
    ]
    config = PipelineConfig.model_validate({"name": "attempt", "spark": {"spark_conf": _CONF}, "components": steps})
    hooks = CheckpointHooks(LocalCheckpointStore(folder), "run", compute_pipeline_fingerprint(config))
    result = SimplePipelineRunner(config, hooks=hooks).run()
    if len(result.completed_components) != components:
        raise ValueError(f"not all completed: {result}")
    report()
    from pyspark.sql import SparkSession

    SparkSession.active().stop()


def report() -> None:
    """Print the CPU of Python so far, and the highest memory of it and its children."""
    memory = sum(_peak(pid) for pid in (os.getpid(), *_descendants(os.getpid())))
    print(json.dumps({"cpu": time.process_time(), "memory": memory}), flush=True)


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(found for child in children for found in _descendants(child))]


def measured(kind: str, components: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="attempt-") as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--one", kind, str(components), folder],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        )
        wall = time.perf_counter() - began
    return {"wall": wall, **json.loads(done.stdout.splitlines()[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--components", type=int, nargs="+", default=[5, 50])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, components, folder = options.one
        {"plain": plain, "engine": engine}[kind](int(components), Path(folder))
        return
    import airflow_provider

    # As an installed package is. Otherwise each process compiles all of it anew where Python may not keep that.
    compileall.compile_dir(Path(airflow_provider.__file__).parent, quiet=1)
    print("components         wall    ratio      CPU of Python    ratio      memory    ratio")
    for components in options.components:
        pairs = [(measured("plain", components), measured("engine", components)) for _ in range(options.rounds)]
        shown = [f"{components:>10}"]
        failed = []
        for figure, unit, width in (("wall", 1.0, 8), ("cpu", 1.0, 14), ("memory", 1024.0, 8)):
            script = statistics.median(one[figure] for one, _ in pairs) / unit
            ratio = statistics.median(two[figure] / one[figure] for one, two in pairs)
            shown.append(f"{script:>{width}.1f}{'MB' if figure == 'memory' else ' s'} {ratio:>8.2f}")
            if (aim := AIMS.get(components, {}).get(figure)) is not None and ratio > aim:
                failed.append(f"{figure} {ratio:.2f} (aim: at most {aim:.2f})")
        print("  ".join(shown) + (f"   FAILS {', '.join(failed)}" if failed else "   holds"), flush=True)


if __name__ == "__main__":
    main()
