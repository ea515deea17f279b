"""Runs a graph with one component at a time and with four side by side, and compares what comes of it."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import LeftByBothError
from airflow_provider.runner import InMemoryCheckpointStore, PipelineConfig, PipelineResult, PipelineResultStatus
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.reliability.random_graphs.graph_author import KEYS, Graph
from tests.reliability.random_graphs.graph_steps import FAILS, SEEN, MadeToFail, taking_turns
from tests.reliability.random_pipelines.random_run import Listener
from tests.samples.harness.active_session import make_active

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MOST_ATTEMPTS = 20


@dataclass
class Outcome:
    """What came of a graph.

    :param seen: component to what it saw when it ran
    :param end: what is in the session and the tables at the end
    :param conflicts: the pairs that leave the same
    :param said: what was warned of
    :param error: what stopped it, None if it came to its end
    """

    seen: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    conflicts: set[frozenset[str]] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    error: str | None = None
    counts: Counter[str] = field(default_factory=Counter)


class GraphJudge:
    """Compares.

    :param spark: any session
    :param directory: for saved views
    """

    def __init__(self, spark: SparkSession, directory: Path) -> None:
        self._spark = spark
        self._directory = directory
        self._numbers = itertools.count()
        self.counts: Counter[str] = Counter()

    def differences(self, graph: Graph, parallel: int = 4) -> list[str]:
        """Return what differs with several components side by side."""
        alone, together = self._outcome(graph, 1), self._outcome(graph, parallel)
        self.counts += together.counts
        expected = graph.conflicts
        if expected:
            self.counts["conflicts"] += 1
            found = [] if together.conflicts else [f"no error although {expected} leave the same; {together.error}"]
            found += [f"{set(pair)} are said to leave the same" for pair in together.conflicts - expected]
            if (
                alone.error is None
                and any(graph.depends_on.values())
                and not any("both leave" in s for s in alone.said)
            ):
                found.append("one at a time: no warning of what two leave")
            return found
        found = [
            f"{name} fails: {how.error}" for name, how in (("alone", alone), ("side by side", together)) if how.error
        ]
        if found:
            return found
        for what in sorted({*alone.seen, *together.seen}):
            if alone.seen.get(what) != together.seen.get(what):
                found.append(f"{what} saw {together.seen.get(what)}, alone {alone.seen.get(what)}")
        for what in sorted({*alone.end, *together.end}):
            if alone.end.get(what) != together.end.get(what):
                found.append(f"{what} at the end: {together.end.get(what)}, alone {alone.end.get(what)}")
        return found

    def _outcome(self, graph: Graph, parallel: int) -> Outcome:
        number = next(self._numbers)
        database = f"g{os.getpid()}_{number}"
        self._spark.sql(f"CREATE DATABASE {database}")
        SEEN.clear()
        FAILS.clear()
        FAILS.update(graph.fails)
        config = PipelineConfig.model_validate(graph.config(database, parallel))
        try:
            return self._attempts(graph, config, database, parallel)
        finally:
            self._spark.catalog.clearCache()
            self._spark.sql(f"DROP DATABASE {database} CASCADE")

    def _attempts(self, graph: Graph, config: PipelineConfig, database: str, parallel: int) -> Outcome:
        outcome, store = Outcome(), InMemoryCheckpointStore()
        state = self._directory / database
        for attempt in range(_MOST_ATTEMPTS):
            session = self._spark.newSession()
            make_active(session)
            for key in ("my.local",):
                session.sparkContext.setLocalProperty(key, None)  # type: ignore[arg-type]  # a new process has none
            turns = taking_turns(f"{graph.seed} {attempt}") if parallel > 1 else nullcontext()
            with Listener(outcome.said), turns:
                result = run_attempt(
                    AttemptSpec(
                        config,
                        store,
                        RunKey((), "run", config.name),
                        spark=session,
                        session_state_url=str(state),
                        keep_session_state=True,
                    )
                )
            outcome.counts.update(f"{each.action}" for each in result.component_results)
            outcome.counts["attempts"] += 1
            if result.status is PipelineResultStatus.SUCCESS:
                outcome.seen = {name: set(_without(database, seen)) for name, seen in SEEN.items()}
                outcome.end = self._end(graph, session, database)
                return outcome
            if errors := [error for _, error in result.failed_components if not isinstance(error, MadeToFail)]:
                outcome.conflicts = {
                    frozenset(error.components) for error in errors if isinstance(error, LeftByBothError)
                }
                outcome.error = f"attempt {attempt + 1}: {self._told(result)}"
                return outcome
        outcome.error = f"not at its end after {_MOST_ATTEMPTS} attempts"
        return outcome

    @staticmethod
    def _told(result: PipelineResult) -> str:
        return "; ".join(
            f"{name}: {type(error).__name__}: {str(error)[:300]}" for name, error in result.failed_components
        )

    def _end(self, graph: Graph, session: SparkSession, database: str) -> dict[str, Any]:
        """Return what is there at the end. After a failure a session has only what somebody needed that still ran."""
        found = self._tables(session, database)
        if graph.fails:
            return found
        found |= {key: session.conf.get(key, None) for key in KEYS}
        found["database"] = session.catalog.currentDatabase().replace(database, "{db}")
        found["local"] = session.sparkContext.getLocalProperty("my.local")
        for view in sorted(row.viewName for row in session.sql("SHOW VIEWS").collect()):
            found[f"view {view}"] = session.table(view).selectExpr("count(*)", "sum(id)").first()[:]
        for name in sorted(
            {left.name for each in graph.left.values() for left in each.values() if left.what == "function"}
        ):
            found[f"function {name}"] = session.sql(f"SELECT {name}(1)").first()[0]
        for name in sorted(
            {left.name for each in graph.left.values() for left in each.values() if left.what == "variable"}
        ):
            found[f"variable {name}"] = session.sql(f"SELECT {name}").first()[0]
        return found

    @staticmethod
    def _tables(session: SparkSession, database: str) -> dict[str, Any]:
        tables = [row.tableName for row in session.sql(f"SHOW TABLES IN {database}").collect() if not row.isTemporary]
        return {f"table {table}": session.table(f"{database}.{table}").count() for table in tables}


def _without(database: str, seen: Any) -> Any:
    """Return what was seen with another name for the database, which differs in each run."""
    if isinstance(seen, (list, tuple)):
        return tuple(_without(database, each) for each in seen)
    return "{db}" if seen == database else seen
