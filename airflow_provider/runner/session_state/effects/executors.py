"""What a component let Spark do, judged from what Spark has noted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider.runner.record.progress_record import LongestStage, SparkCosts, SparkUsage
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.effects.spark_plan import ExecutedPlan


def spark_effects(found: Mapping[str, Any], *, catalog_in_memory: bool = False) -> SparkEffects:
    """Return what was done in a classic session.

    :param found: what ``SessionHistory.java`` tells
    :param catalog_in_memory: whether views and databases of the catalog go with the process, like temp views
    """
    executions = [ExecutedPlan(*told) for told in found["plans"]]
    if catalog_in_memory:
        executions = [execution for execution in executions if not execution.changes_names_only]
    no_sql, no_jobs = _unknown_sql(found, executions), found["forgotten_jobs"]
    wrote = next((f"wrote data ({e.wrote})" for e in executions if e.wrote), None)
    certain = no_sql is None
    if no_sql is not None:
        wrote = f"{no_sql}, so it may have written"
    elif wrote is None and found["output"]:
        wrote = "wrote files outside of SQL"
    elif wrote is None and no_jobs:
        wrote, certain = "ran more jobs than Spark remembers, so it may have written", False
    java = [e.java for e in executions if e.java]
    if found["streams"]:
        java.append("has a streaming query running")
    ran_python = bool(found["outside_sql"]) or any(e.python and e.ran for e in executions)
    return SparkEffects(
        wrote=wrote,
        certain=certain,
        variables=no_sql is not None or any(e.touches_variables for e in executions),
        targets=tuple(dict.fromkeys(target for e in executions for target in e.targets)),
        outside_sql=tuple(found["outside_sql"]),
        ran_python=ran_python,
        java=tuple(dict.fromkeys(java)),
        brought_java=next((e.brought_java for e in executions if e.brought_java), ""),
        added=tuple(dict.fromkeys(e.added for e in executions if e.added)),
        declared=_declared(executions) if no_sql is None else (),
        varying=tuple(dict.fromkeys(e.varying for e in executions if e.varying)),
        cpu_seconds=float(found["cpu_seconds"]),
        task_seconds=float(found["task_seconds"]),
        usage=_usage(found, ran_python=ran_python),
        complete=no_sql is None and not no_jobs,
        computed=no_sql is not None or no_jobs or bool(found["outside_sql"]) or any(e.ran for e in executions),
    )


_SUMS = (
    "tasks",
    "failed_tasks",
    "input_rows",
    "input_bytes",
    "output_rows",
    "output_bytes",
    "shuffle_read_bytes",
    "shuffle_write_bytes",
    "spilled_bytes",
)
"""Fields of the costs, in the order in which ``SessionHistory.java`` adds them up."""


def _usage(found: Mapping[str, Any], *, ran_python: bool) -> SparkUsage:
    costs = found["costs"]
    peak = costs.get("peak", 0)
    longest = costs.get("longest")
    first_run = found["first_run"]
    return SparkUsage(
        SparkCosts(
            round(float(found["cpu_seconds"]), 2),
            round(float(found["task_seconds"]), 2),
            **dict(zip(_SUMS, costs["sums"], strict=True)),
            peak_memory_bytes=peak if peak >= 0 else None,
        ),
        _longest(*longest) if longest is not None else None,
        ran_python,
        first_run if first_run >= 0 else None,
    )


def _longest(tasks: int, run: int, cpu: int, slowest: int, median: int) -> LongestStage:
    """Return the figures of a stage, from milliseconds; -1 stands for what is not known."""
    return LongestStage(
        tasks, run / 1e3, cpu / 1e3, slowest / 1e3 if slowest >= 0 else None, median / 1e3 if median >= 0 else None
    )


def _declared(executions: Sequence[ExecutedPlan]) -> tuple[str, ...]:
    """Return the session variables that were declared; empty if something was done to others."""
    found = dict.fromkeys(e.declares for e in executions if e.declares)
    touching = [e for e in executions if e.touches_variables]
    own = all(e.declares or (e.sets and all(name in found for name in e.sets)) for e in touching)
    return tuple(found) if own else ()


def _unknown_sql(found: Mapping[str, Any], executions: Sequence[ExecutedPlan]) -> str | None:
    """Return why not all SQL is known, None if it is."""
    if not found["settled"]:
        return "Spark is behind with its records"
    if found["forgotten_sql"]:
        return "ran more SQL than Spark remembers"
    if not all(execution.is_readable for execution in executions):
        return "ran SQL that spark.sql.ui.explainMode 'codegen' does not describe"
    return None


def reasons_for_doubt(effects: SparkEffects) -> tuple[str, ...]:
    """Return what keeps a component from being known to be harmless, of what it let Spark do.

    That Python code ran on executors is not among it: whether that does harm follows from reading that code.
    """
    reasons = [effects.wrote] if effects.wrote else []
    reasons += [f"ran a job outside SQL ({name})" for name in effects.outside_sql]
    return (*reasons, *effects.java)
