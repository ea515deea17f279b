"""Twelve components with every kind of session state, and the calls of ours around them that a test lets fail."""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.effects import audit_watch
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

HERE = "airflow_provider.runner."
KIND_CALLS = ("capture", "changes", "renamed", "assess", "record")
SEAMS = [
    *(f"{type(kind).__module__}:{type(kind).__name__}.{call}" for kind in kinds.KINDS for call in KIND_CALLS),
    *(
        f"{HERE}session_state.probes.classic_probe:ClassicProbe.{call}"
        for call in (
            "look",
            "effects_since",
            "why_unstable",
            "pin_plan",
            "pin_view",
            "view_facts",
            "plan_reads",
            "mark_saved",
            "unpin",
        )
    ),
    f"{HERE}session_state.probes.jvm_helpers:SessionJvm.contents",
    f"{HERE}session_state.probes.jvm_helpers:SessionJvm.since",
    *(
        f"{HERE}session_state.sources.source_watch:SourceWatch.{call}"
        for call in (
            "begin",
            "collect",
            "refresh_written",
            "load_earlier_sources",
            "changed_components",
            "is_due",
            "replaced_since",
        )
    ),
    *(
        f"{HERE}session_state.evidence:EvidenceCollector.{call}"
        for call in ("with_unchanged_sources", "with_changed_sources", "forget_lazy_code")
    ),
    *(
        f"{HERE}session_state.evidence:{call}"
        for call in ("read_executed", "read_component_code", "judge_code", "module_values", "reasons_for_doubt")
    ),
    f"{HERE}session_state.effects.audit_watch:DriverWatch.__enter__",
    f"{HERE}session_state.effects.audit_watch:DriverWatch.__exit__",
    f"{HERE}session_state.effects.audit_watch:_happened",
    f"{HERE}session_state.statement_guard:SessionGuard._begin",
    f"{HERE}session_state.statement_guard:SessionGuard._noted",
    f"{HERE}session_state.earlier_views:EarlierViews.add",
    f"{HERE}session_state.earlier_views:EarlierViews.add_saved",
    f"{HERE}session_state.earlier_views:EarlierViews.after_component",
    f"{HERE}session_state.saved.saver:ViewSaver.save",
    f"{HERE}running.component_runner:watch_calls",
    f"{HERE}running.component_runner:warn_about_result",
    f"{HERE}running.component_contexts:ComponentContexts.context_of",
    f"{HERE}running.component_contexts:ComponentContexts.completed",
    f"{HERE}observing.progress:ProgressLog.watching",
]
QUIET = {"_begin", "_noted", "_happened", "view_facts", "renamed", "ViewSaver.save"}
"""Calls whose failure is told otherwise, or is of no consequence for anybody."""


def steps(database: str, place: str) -> list[Callable[[SparkSession], object]]:
    """Twelve components, which use every kind of session state, and the last of which tells what is there."""
    table = f"{database}.t"
    return [
        lambda s: s.read.parquet(place).createOrReplaceTempView("r"),
        lambda s: s.sql("CREATE OR REPLACE TEMP VIEW s AS SELECT id * 2 AS id FROM r"),
        lambda s: s.conf.set("spark.sql.shuffle.partitions", "3"),
        lambda s: s.sql("CREATE TEMPORARY FUNCTION twice(x BIGINT) RETURNS BIGINT RETURN 2 * x"),
        lambda s: s.range(3).write.mode("overwrite").saveAsTable(table),
        lambda s: [
            s.range(1).write.mode("append").saveAsTable(table),
            s.sql(f"CREATE OR REPLACE TEMP VIEW w AS SELECT * FROM {table}"),
        ],
        lambda s: s.sql("SELECT id + 1 AS id FROM w").createOrReplaceTempView("x"),
        lambda s: s.sql("CACHE LAZY TABLE s"),
        lambda s: s.sql(f"USE {database}"),
        lambda s: [s.sql("DECLARE OR REPLACE VARIABLE v INT DEFAULT 5"), s.range(2).createOrReplaceTempView("y")],
        lambda s: [s.sql(f"INSERT INTO {table} VALUES (9)"), s.sql("DROP VIEW y")],
        lambda s: None,
    ]


def told(session: SparkSession) -> list[Any]:
    sql = "SELECT 's', twice(id) FROM s UNION ALL SELECT 'w', id FROM w UNION ALL SELECT 'x', id FROM x"
    rows = sorted(tuple(row) for row in session.sql(sql).collect())
    settings = [session.conf.get("spark.sql.shuffle.partitions"), session.catalog.currentDatabase()]
    return [rows, settings, session.sql("SELECT v").first()[0]]


def run_of(make: Make, database: str, tmp_path: Path) -> tuple[SparkRun, list[int]]:
    place = str(tmp_path / "in")
    run = make(*(f"c{number}" for number in range(12)))
    run.session.range(3).write.mode("overwrite").parquet(place)
    ran: list[int] = []

    def does(number: int, step: Callable[[SparkSession], object]) -> Callable[[SparkSession], object]:
        return lambda session: (ran.append(number), step(session))

    for number, step in enumerate(steps(database, place)):
        run.does(f"c{number}", does(number, step))
    return run, ran


def inject(monkeypatch: pytest.MonkeyPatch, seam: str, ran: list[int], after: int = 4) -> list[str]:
    """Let a call raise once, when so many components have begun; return what was raised."""
    module, _, name = seam.partition(":")
    owner: Any = importlib.import_module(module)
    *path, attribute = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, attribute)
    raised: list[str] = []

    @functools.wraps(original)
    def failing(*arguments: Any, **named: Any) -> Any:
        if len(ran) > after and not raised:
            raised.append(seam)
            raise RuntimeError(f"injected into {name}")
        return original(*arguments, **named)

    monkeypatch.setattr(owner, attribute, failing)
    # What watches the driver goes on where its end was made to fail; it would count with what later tests watch.
    monkeypatch.setattr(audit_watch, "_watches", [])
    return raised


def warnings(records: Iterable[logging.LogRecord]) -> list[str]:
    return [r.getMessage() for r in records if r.levelno >= logging.WARNING and r.name.startswith("airflow_pro")]


def told_otherwise(
    records: Iterable[logging.LogRecord], raised: list[list[str]], quiet: Iterable[str] = (), most: int = 1
) -> list[tuple[str, list[str]]]:
    """Return the calls that failed and of which the log has no warning, or too many, with what it has.

    :param quiet: further calls of which it need not have one
    :param most: warnings of one call: where a view is saved that need not be, that is told, too
    """
    found = [
        (seam, [line for line in warnings(records) if f"injected into {seam.partition(':')[2]}" in line])
        for [seam] in filter(None, raised)
    ]
    silent = (*QUIET, *quiet)
    return [(seam, lines) for seam, lines in found if len(lines) > most or (not lines and not seam.endswith(silent))]


def same_answer(found: list[Any], plain: list[Any]) -> bool:
    """Whether all but the name of the current database is as in plain Spark."""
    return [found[0], found[1][0], found[2]] == [plain[0], plain[1][0], plain[2]]


AT_ONCE = 6
RUNS = [SEAMS[start :: -(-len(SEAMS) // AT_ONCE)] for start in range(-(-len(SEAMS) // AT_ONCE))]
