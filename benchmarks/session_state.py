"""What saving session state costs and what it gives, compared in one run.

    python benchmarks/session_state.py [--jobs lazy …] [--rows 10000000] [--work 20] [--rounds 5] [--folder DIR]

Each measurement is a process of its own. The variants take turns, and what counts is the median of the ratios within
a round: this is robust against a machine that is sometimes slower. Times are of the pipeline, without the start of
Spark unless it says so.

1. ``lazy``: read, clean, join, aggregate, write, where all but the last only define views. Plain Spark without this
   package, ``auto``, ``save``, and plain Spark that writes each view with ``df.write.parquet`` and reads it back.
2. ``resume``: the same job is made to fail before its last component, then resumed in a new process.
3. ``fan-out``: a costly view that three later components read, its component with ``session_state: save`` or not.
4. ``eager``: six components that compute and write, and a small last one, resumed before that.
5. ``harmless``: five components that compute for so many seconds each (``--work``) and leave a small view, which a
   replay would bring back. Plain Spark, ``auto``, and resumed in the last one after an error and after a SIGKILL. What
   was saved when it failed is what the first resume is quick with. The rest is plain Spark that runs the last
   component alone, in a new process that reads the view it needs from Parquet: a JVM that has just started is slower.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
import session_state_jobs as jobs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


JOBS = ("lazy", "fan-out", "eager", "harmless")
Times = dict[str, list[dict[str, float]]]
"""Variant to what was measured of it in each round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--work", type=float, default=20.0, help="seconds of each component of the harmless job")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--computed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=4, metavar=("JOB", "VARIANT", "STEP", "SCRATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        job, variant, step, scratch = options.one
        print(json.dumps(measure(One(options.folder, job, variant, step, Path(scratch), options.computed))))
        return
    folder = options.folder.resolve() if options.folder else Path(tempfile.mkdtemp(prefix="session-state-"))
    try:
        for job in options.jobs:
            compare(job, folder, options)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def compare(job: str, folder: Path, options: argparse.Namespace) -> None:
    """Let the variants of a job take turns, and say what holds."""
    if job == "harmless":
        computed = rows_for(options.work)
        print(f"\n{options.rounds} rounds of components of {options.work:g} s, {computed:,} rows each\n")
    else:
        computed = 0
        generate(folder, options.rows)
        print(f"\n{options.rounds} rounds with {options.rows:,} rows\n")
    times: Times = {}
    for number in range(options.rounds):
        print(f"{job}: round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for name, variant, before in VARIANTS[job]:
            times.setdefault(name, []).append(run(One(folder, job, variant, "whole", folder, computed), before))
    report(job, times, VARIANTS[job][0][0])
    if job == "lazy":
        claim("auto against plain Spark on a lazy job", ratio(times, "auto", "plain"), 1.05)
        claim("save against writing the same views with df.write.parquet", ratio(times, "save", "parquet"), 1.0)
        claim("resume with auto against the uninterrupted run", ratio(times, "resume auto", "auto"), 1.0)
    elif job == "fan-out":
        claim("a costly view read three times: saved against not saved", ratio(times, "save", "replay"), 1.0)
    elif job == "eager":
        claim("resume after the last but one eager component, without the start", ratio(times, "resumed", "whole"), 0.1)
    else:
        claim("auto against plain Spark on a harmless job", ratio(times, "auto", "plain"), 1.02)
        claim("resume after an error against the rest", ratio(times, "after an error", "the rest"), 1.1)
        warm = ratio(times, "after an error", "plain", of="last")
        print(f"       against the last component of a process that has run the others: {warm:.2f}")
        whole = [measured["result"] for name, rounds in times.items() if name != "the rest" for measured in rounds]
        same = len(set(whole)) == 1
        print(f"{'holds ' if same else 'FAILS '} every way gives the same result")


VARIANTS: dict[str, list[tuple[str, str, str]]] = {
    "lazy": [
        *((variant, variant, "") for variant in ("plain", "auto", "save", "parquet")),
        *((f"resume {variant}", variant, "fail") for variant in ("auto", "save")),
    ],
    "fan-out": [("replay", "replay", ""), ("save", "save", "")],
    "eager": [("whole", "auto", ""), ("resumed", "auto", "fail")],
    "harmless": [
        *((variant, variant, "") for variant in ("plain", "auto")),
        ("after an error", "auto", "fail"),
        ("after a SIGKILL", "auto", "kill"),
        ("the rest", "rest", "prepare"),
    ],
}
"""Job to name and policy of each variant, and how it goes wrong in its last step before it is measured."""


@dataclass(frozen=True)
class One:
    """One process.

    :param folder: has the data
    :param job: what it runs
    :param variant: ``plain``, ``parquet`` or ``rest`` without this package, otherwise the policy
    :param step: ``whole``, or how it goes wrong in its last step: ``fail`` or ``kill``; ``prepare`` for ``rest``
    :param scratch: for what it writes
    :param computed: rows that a component of the harmless job computes
    """

    folder: Path
    job: str
    variant: str
    step: str
    scratch: Path
    computed: int


def report(title: str, times: Times, base: str) -> None:
    print(f"{title:<28} {'pipeline':>10} {'with start':>11} {'ratio to ' + base:>16}")
    for variant, measured in times.items():
        seconds = statistics.median(m["pipeline"] for m in measured)
        whole = statistics.median(m["with_start"] for m in measured)
        print(f"  {variant:<26} {seconds:>8.1f} s {whole:>9.1f} s {ratio(times, variant, base):>16.2f}")
    print()


def ratio(times: Times, one: str, other: str, of: str = "pipeline") -> float:
    return statistics.median(a["pipeline"] / b[of] for a, b in zip(times[one], times[other], strict=True))


def claim(text: str, found: float, limit: float) -> None:
    print(f"{'holds ' if found <= limit else 'FAILS '} {text}: {found:.2f} (aim: at most {limit:.2f})")


def run(one: One, before: str) -> dict[str, float]:
    """Run a job in a process of its own.

    :param before: let it fail or be killed before its last step first
    """
    scratch = Path(tempfile.mkdtemp(dir=one.folder))
    one = replace(one, scratch=scratch)
    try:
        if before:
            process(replace(one, step=before))
        return process(one)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def process(one: One) -> dict[str, float]:
    command = [
        sys.executable,
        str(Path(__file__).resolve()),
        "--folder",
        str(one.folder),
        "--computed",
        str(one.computed),
    ]
    command += ["--one", one.job, one.variant, one.step, str(one.scratch)]
    killed = one.step == "kill"
    done = subprocess.run(
        command,
        cwd=Path(__file__).parent,  # where relative paths of a pipeline begin, so that its components are its own code
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=not killed,
    )
    if killed:
        if done.returncode != -signal.SIGKILL:
            raise RuntimeError(f"{one} was to be killed and ended with {done.returncode}")
        return {}
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def rows_for(seconds: float) -> int:
    """Return how many rows a component of the harmless job computes in so many seconds here."""
    spark = open_spark()
    tried = 1_000_000
    jobs.compute(spark, tried, "", "warm")
    while True:
        began = time.monotonic()
        jobs.compute(spark, tried, "", "warm")
        took = time.monotonic() - began
        if took > min(2.0, seconds / 2):
            spark.stop()
            return int(tried * seconds / took)
        tried *= 2


def generate(folder: Path, rows: int) -> None:
    """Write line items and orders, as of TPC-H in kind, not in detail."""
    if (folder / "items").exists():
        return
    from pyspark.sql import functions as F

    spark = open_spark()
    items = spark.range(rows).select(
        (F.col("id") / 4).cast("long").alias("order_id"),
        (F.hash("id") % 200_000).alias("part_id"),
        (F.pmod(F.hash("id", F.lit(1)), F.lit(50)) + 1).alias("quantity"),
        (F.pmod(F.hash("id", F.lit(2)), F.lit(100_000)) / 100).alias("price"),
        (F.pmod(F.hash("id", F.lit(3)), F.lit(11)) / 100).alias("discount"),
        F.when(F.col("id") % 97 == 0, None).otherwise(F.substring(F.md5(F.hex("id")), 1, 1)).alias("flag"),
        F.date_add(F.lit("2020-01-01"), F.pmod(F.hash("id", F.lit(4)), F.lit(2000))).alias("shipped"),
    )
    items.write.parquet(str(folder / "items"))
    orders = spark.range(rows // 4).select(
        F.col("id").alias("order_id"), F.pmod(F.hash("id"), F.lit(25)).alias("nation"), F.lit("x" * 20).alias("note")
    )
    orders.write.parquet(str(folder / "orders"))
    spark.stop()


def open_spark() -> SparkSession:
    from airflow_provider.runner.spark.session import open_session

    conf = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "8"}
    return open_session(conf | {"spark.driver.memory": "3g"}, "benchmark")


def measure(one: One) -> dict[str, Any]:
    """Run one variant of a job in this process; return its times in seconds, and a hash of what the job wrote."""
    began = time.monotonic()
    spark = open_spark()
    spark.range(10).count()  # the first job warms Spark up, for every variant alike
    started = time.monotonic()
    work = jobs.steps(one.job, one.folder, one.scratch, one.computed)
    last = started
    given = f"{one.scratch}/given"
    if one.step == "prepare":
        spark.range(16).selectExpr("id AS k", "id AS h").write.parquet(given)
    elif one.variant == "rest":
        _, function, config = work[-1]
        spark.read.parquet(given).createOrReplaceTempView(config["before"])
        function(spark, **config)
    elif one.variant in ("plain", "parquet"):
        for number, (_, function, config) in enumerate(work):
            before = set(views(spark))
            last = time.monotonic()
            function(spark, **config)
            for view in sorted(set(views(spark)) - before) if one.variant == "parquet" else ():
                target = f"{one.scratch}/views/{number}-{view}"
                spark.table(view).write.parquet(target)
                spark.read.parquet(target).createOrReplaceTempView(view)
    else:
        run_pipeline(one, spark, work)
    ended = time.monotonic()
    out = f"{one.scratch}/out"
    result = hash_of(spark.read.parquet(out)) if one.job == "harmless" and one.step == "whole" else 0
    spark.stop()
    return {"pipeline": ended - started, "with_start": ended - began, "last": ended - last, "result": result}


def run_pipeline(one: One, spark: SparkSession, work: list[jobs.Step]) -> None:
    from airflow_provider.runner import (
        CheckpointHooks,
        LocalCheckpointStore,
        SimplePipelineRunner,
        compute_pipeline_fingerprint,
        load_checkpoint_for_resume,
        load_pipeline_config,
    )

    os.environ["BENCHMARK_FAIL"] = "" if one.step == "whole" else one.step
    components: list[dict[str, Any]] = [
        {
            "name": name,
            "class_path": f"session_state_jobs.{function.__name__}",
            "config": config,
            "depends_on": [work[number - 1][0]] if number else [],
        }
        for number, (name, function, config) in enumerate(work)
    ]
    policy = one.variant
    if one.job == "fan-out":
        # Only the costly view is worth saving; the author says so at its component.
        next(c for c in components if c["name"] == "costly")["session_state"] = policy
        policy = "auto"
    config = load_pipeline_config({"name": one.job, "session_state": policy, "components": components})
    store = LocalCheckpointStore(one.scratch / "checkpoints")
    runner = SimplePipelineRunner(
        config,
        spark=spark,
        hooks=CheckpointHooks(store, "run", compute_pipeline_fingerprint(config)),
        session_state_url=f"{one.scratch}/views",
    )
    result = runner.run(load_checkpoint_for_resume(store, "run", config))
    expected = "success" if one.step == "whole" else "failure"
    if result.status.value != expected:
        raise RuntimeError(f"{one} ended as {result.status}: {result.failed_components}")


def hash_of(frame: Any) -> str:
    return hashlib.sha256(repr(sorted(map(tuple, frame.collect()))).encode()).hexdigest()


def views(spark: SparkSession) -> list[str]:
    return [row["viewName"] for row in spark.sql("SHOW VIEWS").collect()]


if __name__ == "__main__":
    main()
