"""What may make a component slow, from what Spark noted of it: one sentence that says what to do."""

from __future__ import annotations

from airflow_provider.runner.observing.report import duration
from airflow_provider.runner.record.progress_record import CostSuspicion, SparkUsage
from airflow_provider.runner.session_state.saved.files import readable_size

_LONG_SECONDS = 10.0  # of a component; what takes less is worth no word
_SKEWED = 5.0  # times the median
_PART_OF_WALL = 0.3
_MUCH_SPILLED = 2**30
_LITTLE_JVM = 0.3  # of the time that tasks ran


def suspicion_of(usage: SparkUsage | None, seconds: float) -> CostSuspicion | None:
    """Return what may make a component slow, None if nothing is known that does.

    :param usage: what it took of Spark
    :param seconds: how long it ran
    """
    if usage is None or seconds < _LONG_SECONDS:
        return None
    return _skew(usage, seconds) or _one_partition(usage, seconds) or _spill(usage) or _python(usage, seconds)


def _skew(usage: SparkUsage, seconds: float) -> CostSuspicion | None:
    stage = usage.longest
    if stage is None or stage.slowest_seconds is None or stage.median_seconds is None or stage.tasks < 2:
        return None
    behind = stage.slowest_seconds - stage.median_seconds
    if stage.slowest_seconds < _SKEWED * stage.median_seconds or behind < _PART_OF_WALL * seconds:
        return None
    return CostSuspicion(
        "skew",
        f"one task of its longest stage took {duration(stage.slowest_seconds)}, most took "
        f"{duration(stage.median_seconds)}: the data is skewed. Spread the frequent keys, or filter them out before "
        "the join or the grouping",
    )


def _one_partition(usage: SparkUsage, seconds: float) -> CostSuspicion | None:
    stage = usage.longest
    if stage is None or stage.tasks != 1 or stage.run_seconds < 0.5 * seconds:
        return None
    return CostSuspicion(
        "one_partition",
        f"one task did {duration(stage.run_seconds)} of its work alone: the data is in one partition. Call "
        "repartition() before the costly step, and leave out coalesce(1) and windows without PARTITION BY",
    )


def _spill(usage: SparkUsage) -> CostSuspicion | None:
    spilled = usage.costs.spilled_bytes
    if spilled is None or spilled < _MUCH_SPILLED:
        return None
    return CostSuspicion(
        "spill",
        f"it wrote {readable_size(spilled)} to disk because its tasks had too little memory: raise "
        "spark.sql.shuffle.partitions, so that each task gets less, or spark.executor.memory",
    )


def _python(usage: SparkUsage, seconds: float) -> CostSuspicion | None:
    costs = usage.costs
    if not usage.ran_python or costs.cpu_seconds is None or costs.run_seconds is None:
        return None
    if costs.run_seconds < seconds or costs.cpu_seconds > _LITTLE_JVM * costs.run_seconds:
        return None
    return CostSuspicion(
        "python",
        f"its tasks ran for {duration(costs.run_seconds)}, of which Spark itself worked for "
        f"{duration(costs.cpu_seconds)}: Python functions take the rest. Use Spark's own functions, or pandas UDFs, "
        "which get many rows at once",
    )
