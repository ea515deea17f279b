"""What components side by side gain and cost, in one run of one process.

    python benchmarks/parallel.py [--rounds 5] [--quick]

- four components that wait two seconds each, and one that joins them, over the critical path;
- twelve components of a real-looking graph with 1, 2 and 4 at once, and with threads by hand in one session;
- what the engine takes per component: 50 and 300 of them, with none and with 200 views in the session.

Each figure is a median over the rounds, and each ratio one of neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import PipelineConfig, PipelineResultStatus, SimplePipelineRunner

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WAIT = 2.0
AIMS = {"critical path": 1.15, "milliseconds per component": 40.0}


def wait_and_leave(spark: Any, *, view: str, seconds: float) -> None:
    """A component that waits for something else than Spark, as for a service, and leaves a view."""
    time.sleep(seconds)
    spark.range(10).createOrReplaceTempView(view)


def join(spark: Any, *, views: Sequence[str]) -> None:
    rows = spark.sql(" UNION ALL ".join(f"SELECT * FROM {view}" for view in views)).count()
    if rows != 10 * len(views):
        raise ValueError(f"{rows} rows")


def work(spark: Any, *, view: str, reads: Sequence[str], seconds: float, rows: int) -> None:
    """A component that waits a little, computes a little in one partition, and leaves a view."""
    time.sleep(seconds)
    frame = spark.range(rows, numPartitions=1).selectExpr("id", "sha2(cast(id AS STRING), 256) AS hash")
    for other in reads:
        frame = frame.join(spark.table(other).select("id"), "id", "left_semi")
    frame.selectExpr("max(hash)").collect()
    frame.createOrReplaceTempView(view)


def leave(spark: Any, *, view: str) -> None:
    spark.range(10).createOrReplaceTempView(view)


GRAPH: dict[str, list[str]] = {
    "orders": [],
    "customers": [],
    "clean_orders": ["orders"],
    "clean_customers": ["customers"],
    "daily": ["clean_orders"],
    "returns": ["clean_orders"],
    "segments": ["clean_customers"],
    "joined": ["clean_orders", "clean_customers"],
    "revenue": ["daily", "joined"],
    "churn": ["segments", "returns"],
    "report": ["revenue"],
    "export": ["revenue", "churn"],
}


def fan() -> list[dict[str, Any]]:
    loads = [f"load{number}" for number in range(4)]
    steps: list[dict[str, Any]] = [
        {"name": name, "class_path": _path(wait_and_leave), "config": {"view": name, "seconds": WAIT}} for name in loads
    ]
    return [*steps, {"name": "join", "class_path": _path(join), "config": {"views": loads}, "depends_on": loads}]


def critical_path() -> list[dict[str, Any]]:
    """One of the four, and the same join."""
    load, *_, last = fan()
    return [load, {**last, "config": {"views": [load["name"]] * 4}, "depends_on": [load["name"]]}]


def graph() -> list[dict[str, Any]]:
    return [{"name": n, "class_path": _path(work), "config": _config(n), "depends_on": GRAPH[n]} for n in GRAPH]


def many(number: int) -> list[dict[str, Any]]:
    return [
        {
            "name": f"c{place}",
            "class_path": _path(leave),
            "config": {"view": f"v{place}"},
            "depends_on": [f"c{place - 1}"] if place % 5 else [],
        }
        for place in range(number)
    ]


def _config(name: str) -> dict[str, Any]:
    return {"view": name, "reads": GRAPH[name], "seconds": 0.3, "rows": 200_000}


def _path(function: Callable[..., object]) -> str:
    return f"parallel.{function.__name__}"


def engine(spark: SparkSession, steps: list[dict[str, Any]], parallel: int, views: int = 0) -> float:
    """Run a pipeline in a session of its own; return its seconds."""
    session = spark.newSession()
    for number in range(views):
        session.range(1).createOrReplaceTempView(f"own{number}")
    config = PipelineConfig(name="benchmark", components=steps, max_parallel_components=parallel)
    began = time.perf_counter()
    result = SimplePipelineRunner(config, spark=session).run()
    took = time.perf_counter() - began
    if result.status is not PipelineResultStatus.SUCCESS:
        raise RuntimeError(str(result.failed_components))
    return took


def by_hand(spark: SparkSession, parallel: int) -> float:
    """Run the graph with threads in one session, as authors do by hand: no record, and no name may be used twice."""
    session = spark.newSession()
    began = time.perf_counter()
    with ThreadPoolExecutor(parallel) as pool:
        running: dict[Future[None], str] = {}
        done: set[str] = set()
        while len(done) < len(GRAPH):
            for name in GRAPH:
                if name not in done and name not in running.values() and done.issuperset(GRAPH[name]):
                    running[pool.submit(work, session, **_config(name))] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                future.result()
                done.add(running.pop(future))
    return time.perf_counter() - began


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--quick", action="store_true", help="one round, and no 300 components")
    asked = options.parse_args()
    rounds = 1 if asked.quick else asked.rounds
    from pyspark.sql import SparkSession

    sys.modules["parallel"] = sys.modules["__main__"]
    conf = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.scheduler.mode": "FAIR"}
    spark = SparkSession.builder.master("local[2]").config(map=conf).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    engine(spark, fan()[:1], 1)
    engine(spark, graph(), 4)

    figures: list[tuple[str, float, float | None]] = []
    ratios: list[float] = []
    for _ in range(rounds):
        ratios.append(engine(spark, fan(), 4) / engine(spark, critical_path(), 1))
    figures.append(("fan of four and a join, over its critical path", statistics.median(ratios), AIMS["critical path"]))

    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for label, run in (
            ("1 at a time", lambda: engine(spark, graph(), 1)),
            ("2 at once", lambda: engine(spark, graph(), 2)),
            ("4 at once", lambda: engine(spark, graph(), 4)),
            ("4 threads by hand, nothing recorded", lambda: by_hand(spark, 4)),
        ):
            times.setdefault(label, []).append(run())
    one = statistics.median(times["1 at a time"])
    for label, taken in times.items():
        figures.append((f"twelve components, {label}: seconds", statistics.median(taken), None))
        figures.append((f"twelve components, {label}: over 1 at a time", statistics.median(taken) / one, None))

    for number in (50,) if asked.quick else (50, 300):
        for views in (0, 200):
            costs = []
            for _ in range(rounds):
                alone, together = (engine(spark, many(number), parallel, views) for parallel in (1, 4))
                costs.append((together - alone) / number * 1000)
            label = f"copies for {number} components, {views} views: ms per component"
            figures.append((label, statistics.median(costs), AIMS["milliseconds per component"]))
    for label, value, aim in figures:
        print(f"{label:75} {value:8.2f}" + (f"   aim {aim:g}" if aim is not None else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
