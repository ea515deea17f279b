"""What saving session state costs and what it gives, compared in one run.

    python benchmarks/session_state.py [--rows 10000000] [--rounds 3] [--folder DIR]

Each measurement is a process of its own. The variants take turns, and what counts is the median of the ratios within
a round: this is robust against a machine that is sometimes slower. Times are of the pipeline, without the start of
Spark unless it says so.

1. ``lazy``: read, clean, join, aggregate, write, where all but the last only define views. Plain Spark without this
   package, ``auto``, ``save``, and plain Spark that writes each view with ``df.write.parquet`` and reads it back.
2. ``resume``: the same job is made to fail before its last component, then resumed in a new process.
3. ``fan-out``: a costly view that three later components read, its component with ``session_state: save`` or not.
4. ``eager``: six components that compute and write, and a small last one, resumed before that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", nargs=4, metavar=("JOB", "VARIANT", "STEP", "SCRATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folder, *options.one)))
        return
    folder = options.folder or Path(tempfile.mkdtemp(prefix="session-state-"))
    try:
        compare(folder, options.rows, options.rounds)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def compare(folder: Path, rows: int, rounds: int) -> None:
    generate(folder, rows)
    lazy: dict[str, list[dict[str, float]]] = {}
    fan_out: dict[str, list[dict[str, float]]] = {}
    eager: dict[str, list[dict[str, float]]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for variant in ("plain", "auto", "save", "parquet"):
            lazy.setdefault(variant, []).append(run(folder, "lazy", variant))
        for variant in ("auto", "save"):
            lazy.setdefault(f"resume {variant}", []).append(run(folder, "lazy", variant, resume=True))
        for variant in ("replay", "save"):
            fan_out.setdefault(variant, []).append(run(folder, "fan-out", variant))
        eager.setdefault("whole", []).append(run(folder, "eager", "auto"))
        eager.setdefault("resumed", []).append(run(folder, "eager", "auto", resume=True))

    print(f"\n{rows:,} rows, {rounds} rounds; medians, and medians of the ratios within a round\n")
    report("lazy job", lazy, "plain")
    report("fan-out of a costly view", fan_out, "replay")
    report("eager job", eager, "whole")
    claim("auto against plain Spark on a lazy job", ratio(lazy, "auto", "plain"), 1.05)
    claim("save against writing the same views with df.write.parquet", ratio(lazy, "save", "parquet"), 1.0)
    claim("resume with auto against the uninterrupted run", ratio(lazy, "resume auto", "auto"), 1.0)
    claim("a costly view read three times: saved against not saved", ratio(fan_out, "save", "replay"), 1.0)
    claim("resume after the last but one eager component, without the start", ratio(eager, "resumed", "whole"), 0.10)


def report(title: str, times: dict[str, list[dict[str, float]]], base: str) -> None:
    print(f"{title:<28} {'pipeline':>10} {'with start':>11} {'ratio to ' + base:>16}")
    for variant, measured in times.items():
        seconds = statistics.median(m["pipeline"] for m in measured)
        whole = statistics.median(m["with_start"] for m in measured)
        print(f"  {variant:<26} {seconds:>8.1f} s {whole:>9.1f} s {ratio(times, variant, base):>16.2f}")
    print()


def ratio(times: dict[str, list[dict[str, float]]], one: str, other: str) -> float:
    return statistics.median(a["pipeline"] / b["pipeline"] for a, b in zip(times[one], times[other], strict=True))


def claim(text: str, found: float, limit: float) -> None:
    print(f"{'holds ' if found <= limit else 'FAILS '} {text}: {found:.2f} (aim: at most {limit:.2f})")


def run(folder: Path, job: str, variant: str, resume: bool = False) -> dict[str, float]:
    """Run a job in a process of its own; with ``resume``, let it fail before its last step first."""
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        if resume:
            process(folder, job, variant, "fail", scratch)
        return process(folder, job, variant, "whole", scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def process(folder: Path, job: str, variant: str, step: str, scratch: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--folder", str(folder), "--one", job, variant, step, str(scratch)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


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
    from airflow_provider.runner.running.spark_session import open_session

    conf = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "8"}
    return open_session(conf | {"spark.driver.memory": "3g"}, "benchmark")


# The steps of the jobs, as components: plain functions.


def read(spark: SparkSession, folder: str) -> None:
    spark.read.parquet(f"{folder}/items").createOrReplaceTempView("items")
    spark.read.parquet(f"{folder}/orders").createOrReplaceTempView("orders")


def clean(spark: SparkSession) -> None:
    spark.sql("SELECT * FROM items WHERE flag IS NOT NULL AND quantity > 0").createOrReplaceTempView("clean")


def join(spark: SparkSession) -> None:
    query = "SELECT c.*, o.nation, price * (1 - discount) AS net FROM clean c JOIN orders o USING (order_id)"
    spark.sql(query).createOrReplaceTempView("joined")


def aggregate(spark: SparkSession) -> None:
    query = "SELECT nation, flag, sum(net) AS net, count(*) AS items FROM joined GROUP BY nation, flag"
    spark.sql(query).createOrReplaceTempView("totals")


def write(spark: SparkSession, target: str, view: str) -> None:
    if os.environ.get("BENCHMARK_FAIL"):
        raise RuntimeError("as the benchmark asked for")
    spark.table(view).write.mode("overwrite").parquet(target)


def costly(spark: SparkSession) -> None:
    # Every row must be ranked before one can be left out, so Spark cannot prune the work for a reader of one column.
    query = """SELECT part_id % 1000 AS part, flag, price, quantity, discount,
        percent_rank() OVER (PARTITION BY part_id % 1000 ORDER BY price, order_id) AS place FROM items"""
    spark.sql(f"SELECT * FROM ({query}) WHERE place > 0.95").createOrReplaceTempView("costly")


def summarise(spark: SparkSession, target: str, column: str) -> None:
    query = f"SELECT flag, avg({column}) AS mean, count(*) AS n FROM costly GROUP BY flag"
    spark.sql(query).write.mode("overwrite").parquet(target)


def eager(spark: SparkSession, folder: str, target: str, column: str) -> None:
    frame = spark.read.parquet(f"{folder}/items").groupBy("order_id", column).count()
    frame.write.mode("overwrite").parquet(target)


def few(spark: SparkSession, folder: str) -> None:
    spark.read.parquet(f"{folder}/orders").limit(1000).createOrReplaceTempView("few")


def steps(job: str, folder: Path, scratch: Path) -> list[tuple[str, Callable[..., None], dict[str, Any]]]:
    if job == "lazy":
        return [
            ("read", read, {"folder": str(folder)}),
            ("clean", clean, {}),
            ("join", join, {}),
            ("aggregate", aggregate, {}),
            ("write", write, {"target": f"{scratch}/out", "view": "totals"}),
        ]
    if job == "fan-out":
        return [
            ("read", read, {"folder": str(folder)}),
            ("costly", costly, {}),
            *(
                (f"use_{column}", summarise, {"target": f"{scratch}/{column}", "column": column})
                for column in ("price", "quantity", "discount")
            ),
        ]
    return [
        *(
            (f"make_{column}", eager, {"folder": str(folder), "target": f"{scratch}/{column}", "column": column})
            for column in ("price", "quantity", "discount", "flag", "shipped", "part_id")
        ),
        ("few", few, {"folder": str(folder)}),
        ("write", write, {"target": f"{scratch}/out", "view": "few"}),
    ]


def measure(folder: Path, job: str, variant: str, step: str, scratch: str) -> dict[str, float]:
    """Run one variant of a job in this process and return its times in seconds."""
    from airflow_provider.runner import (
        CheckpointHooks,
        LocalCheckpointStore,
        SimplePipelineRunner,
        compute_pipeline_fingerprint,
        load_checkpoint_for_resume,
        load_pipeline_config,
    )

    sys.path.insert(0, str(Path(__file__).parent))
    began = time.monotonic()
    spark = open_spark()
    spark.range(10).count()  # the first job warms Spark up, for every variant alike
    started = time.monotonic()
    work = steps(job, folder, Path(scratch))
    if variant in ("plain", "parquet"):
        for number, (_, function, config) in enumerate(work):
            before = set(views(spark))
            function(spark, **config)
            for view in sorted(set(views(spark)) - before) if variant == "parquet" else ():
                target = f"{scratch}/views/{number}-{view}"
                spark.table(view).write.parquet(target)
                spark.read.parquet(target).createOrReplaceTempView(view)
    else:
        os.environ["BENCHMARK_FAIL"] = "1" if step == "fail" else ""
        components = [
            {
                "name": name,
                "class_path": f"session_state.{function.__name__}",
                "config": config,
                "depends_on": [work[number - 1][0]] if number else [],
            }
            for number, (name, function, config) in enumerate(work)
        ]
        if job == "fan-out":
            # Only the costly view is worth saving; the author says so at its component.
            next(c for c in components if c["name"] == "costly")["session_state"] = variant
            variant = "auto"
        config = load_pipeline_config({"name": job, "session_state": variant, "components": components})
        store = LocalCheckpointStore(f"{scratch}/checkpoints")
        runner = SimplePipelineRunner(
            config,
            spark=spark,
            hooks=CheckpointHooks(store, "run", compute_pipeline_fingerprint(config)),
            session_state_url=f"{scratch}/views",
        )
        result = runner.run(load_checkpoint_for_resume(store, "run", config))
        expected = "failure" if step == "fail" else "success"
        if result.status.value != expected:
            raise RuntimeError(f"{job} {variant} {step} ended as {result.status}: {result.failed_components}")
    ended = time.monotonic()
    spark.stop()
    return {"pipeline": ended - started, "with_start": ended - began}


def views(spark: SparkSession) -> list[str]:
    return [row["viewName"] for row in spark.sql("SHOW VIEWS").collect()]


if __name__ == "__main__":
    main()
