"""What a component took of a real Spark: rows, bytes, tasks, shuffle, spill, and what may make it slow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.observing.cost_suspicion import suspicion_of
from airflow_provider.runner.record.progress_record import SparkUsage
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def usage_of(run: SparkRun, *names: str) -> list[SparkUsage]:
    result = run.attempt()
    found = {part.component_name: part.usage for part in result.component_results}
    return [usage for name in names if (usage := found[name]) is not None]


def test_each_component_gets_what_its_own_jobs_took(spark: SparkSession, tmp_path: Path) -> None:
    """Also one that only defines a view, which costs nothing, and the one that then computes it."""
    run = SparkRun(spark, None, "write", "define", "count")
    run.does("write", lambda s: s.range(1000).repartition(4).write.parquet(str(tmp_path / "data")))
    run.does("define", lambda s: s.read.parquet(str(tmp_path / "data")).createOrReplaceTempView("data"))
    run.does("count", lambda s: s.sql("SELECT id % 7 AS g, count(*) FROM data GROUP BY id % 7").collect())
    wrote, defined, counted = usage_of(run, "write", "define", "count")

    assert (wrote.costs.output_rows, wrote.costs.failed_tasks) == (1000, 0)
    assert wrote.costs.output_bytes
    assert wrote.costs.tasks
    assert wrote.costs.tasks >= 4
    assert defined.costs.output_rows == 0
    assert (counted.costs.input_rows, counted.costs.output_rows) == (1000, 0)
    assert counted.costs.shuffle_write_bytes
    assert counted.costs.shuffle_read_bytes == counted.costs.shuffle_write_bytes
    assert counted.costs.peak_memory_bytes
    assert counted.costs.cpu_seconds is not None
    assert counted.sql is not None
    assert wrote.sql is not None
    assert counted.sql > wrote.sql
    assert counted.longest is None  # too short to be worth a look


def test_a_component_that_failed_has_its_costs_too(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "a")

    def fail(session: SparkSession) -> None:
        session.range(500).selectExpr("sum(id)").collect()
        raise ValueError("no")

    run.does("a", fail)
    [usage] = usage_of(run, "a")
    assert usage.costs.tasks


def test_skewed_work_is_suspected(spark: SparkSession) -> None:
    """One of eight tasks does nearly all: the figures of the slowest task and of the one in the middle are there."""
    run = SparkRun(spark, None, "skewed", "alone")

    def slow(seconds: float) -> Any:
        def work(rows: Any) -> Any:
            import time

            for row in rows:
                time.sleep(seconds if row["id"] == 0 else 0.02)
            yield 1

        return work

    run.does("skewed", lambda s: s.range(0, 8, 1, 8).rdd.mapPartitions(slow(5.5)).count())
    run.does("alone", lambda s: s.range(0, 1, 1, 1).rdd.mapPartitions(slow(5.5)).count())
    skewed, alone = usage_of(run, "skewed", "alone")
    assert skewed.longest is not None
    assert alone.longest is not None
    assert (skewed.longest.tasks, alone.longest.tasks) == (8, 1)
    assert skewed.longest.slowest_seconds is not None
    assert skewed.longest.slowest_seconds > 5
    assert skewed.longest.median_seconds is not None
    assert skewed.longest.median_seconds < 2
    kinds = [found and found.kind for usage in (skewed, alone) for found in [suspicion_of(usage, 10.5)]]
    assert kinds == ["skew", "one_partition"]
    assert suspicion_of(skewed, 5.9) is None  # short
    assert skewed.ran_python
    assert suspicion_of(None, 100.0) is None
