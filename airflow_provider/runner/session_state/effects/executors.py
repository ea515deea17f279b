"""What a component let Spark do, judged from what Spark has noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.session_state.effects.spark_plan import Executed
from airflow_provider.runner.session_state.snapshot import Effects


def effects_of(found: Mapping[str, Any]) -> Effects:
    """Return what was done in a classic session.

    :param found: what ``SessionHistory.java`` tells
    """
    executions = [Executed(*told) for told in found["plans"]]
    unknown = _unknown(found)
    wrote = next((f"wrote data ({e.wrote})" for e in executions if e.wrote), None)
    if wrote is None and found["output"]:
        wrote = "wrote files outside of SQL"
    java = [e.java for e in executions if e.java]
    if found["streams"]:
        java.append("has a streaming query running")
    return Effects(
        wrote=wrote or (f"{unknown}, so it may have written" if unknown else None),
        certain=wrote is not None or unknown is None,
        variables=any(e.touches_variables for e in executions) or bool(unknown and "jobs" not in unknown),
        targets=tuple(dict.fromkeys(target for e in executions for target in e.targets)),
        outside_sql=tuple(found["outside_sql"]),
        ran_python=bool(found["outside_sql"]) or any(e.python and e.ran for e in executions),
        java=tuple(dict.fromkeys(java)),
        cpu_seconds=float(found["cpu_seconds"]),
        task_seconds=float(found["task_seconds"]),
        complete=unknown is None,
    )


def _unknown(found: Mapping[str, Any]) -> str | None:
    """Return why Spark's notes are not all there, None if they are."""
    if not found["settled"]:
        return "Spark is behind with its records"
    if found["forgotten_sql"]:
        return "ran more SQL than Spark remembers"
    return "ran more jobs than Spark remembers" if found["forgotten_jobs"] else None


def missing(effects: Effects) -> tuple[str, ...]:
    """Return what keeps a component from being known to be harmless, of what it let Spark do.

    That Python code ran on executors is not among it: whether that does harm follows from reading that code.
    """
    reasons = [effects.wrote] if effects.wrote else []
    reasons += [f"ran a job outside SQL ({name})" for name in effects.outside_sql]
    return (*reasons, *effects.java)
