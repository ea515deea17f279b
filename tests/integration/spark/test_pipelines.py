"""Pipelines of every kind of component on a real Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)
from tests.conftest import Script
from tests.samples.components.peer import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLES = "tests.samples.components.basic"
PEER = "pyspark_pipeline_framework.examples.batch"


def step(name: str, class_path: str, *depends_on: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "class_path": class_path, "depends_on": list(depends_on), "config": config}


def run(session: SparkSession, *steps: dict[str, Any]) -> PipelineResult:
    result = SimplePipelineRunner(load_pipeline_config({"name": "p", "components": list(steps)}), spark=session).run()
    for _, error in result.failed_components:
        raise error
    return result


@pytest.fixture
def tables(session: SparkSession) -> Iterator[tuple[str, str]]:
    """Names of two tables that are dropped after the test."""
    names = (f"t_{uuid4().hex}", f"t_{uuid4().hex}")
    yield names
    for name in names:
        session.sql(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture(autouse=True)
def _no_events() -> Iterator[None]:
    EVENTS.clear()
    yield
    EVENTS.clear()


def test_the_example_components_of_the_peer_package_run_unchanged(
    session: SparkSession, tables: tuple[str, str]
) -> None:
    """DESIGN.md: classes written for ``pyspark-pipeline-framework`` need no change."""
    source, target = tables
    session.range(5).write.saveAsTable(source)
    result = run(
        session,
        step("write", f"{PEER}.WriteTable", "double", input_view="doubled", output_table=target),
        step("read", f"{PEER}.ReadTable", table_name=source, output_view="raw", filter_condition="id > 2"),
        step("double", f"{PEER}.SqlTransform", "read", sql="SELECT id * 2 AS id FROM raw", output_view="doubled"),
    )
    assert result.completed_components == ["read", "double", "write"]
    assert sorted(row.id for row in session.table(target).collect()) == [6, 8]


@pytest.mark.parametrize("fail", [False, True], ids=["success", "failure"])
def test_a_resource_of_the_peer_package_is_opened_and_closed(session: SparkSession, fail: bool) -> None:
    session.range(4).createOrReplaceTempView("v")
    count = step("count", "tests.samples.components.peer.CountWithConnection", view="v", fail=fail)
    if fail:
        with pytest.raises(RuntimeError, match="the connection broke"):
            run(session, count)
    else:
        run(session, count)
    assert EVENTS == ["open", "counted 4", "close"]


def test_functions_plain_classes_and_classes_without_config_share_one_session(
    session: SparkSession, script: Script
) -> None:
    result = run(
        session,
        step("function", f"{SAMPLES}.range_view", output_view="f", rows=2),
        step("plain class", f"{SAMPLES}.Plain", output_view="c"),
        step("no config", f"{SAMPLES}.NoConfig"),
        step(
            "together",
            "airflow_provider.components.RunSql",
            "function",
            "plain class",
            sql="SELECT (SELECT count(*) FROM f) * 10 + (SELECT count(*) FROM c) AS n",
            output_view="both",
        ),
    )
    assert result.status is PipelineResultStatus.SUCCESS
    assert script.calls == ["NoConfig"]
    assert [row.n for row in session.table("both").collect()] == [23]


def test_a_pipeline_of_ready_made_components_reads_transforms_checks_and_writes(
    session: SparkSession, tables: tuple[str, str]
) -> None:
    source, target = tables
    session.range(6).write.saveAsTable(source)
    ready = "airflow_provider.components"
    run(
        session,
        step("read", f"{ready}.ReadData", table=source, where="id < 4", output_view="raw"),
        step("sum", f"{ready}.RunSql", "read", sql="SELECT sum(id) AS total FROM raw;", output_view="total"),
        step("check", f"{ready}.CheckData", "sum", input_view="total", min_rows=1, max_rows=1, not_null=["total"]),
        step("write", f"{ready}.WriteData", "check", input_view="total", table=target),
    )
    assert [row.total for row in session.table(target).collect()] == [6]


def test_a_check_that_fails_stops_the_pipeline_and_the_next_attempt_goes_on_with_it(
    session: SparkSession, tables: tuple[str, str]
) -> None:
    """Invariants 1, 2 and 6: the bad rows go no further, and the mended run ends like one that never failed."""
    source, target = tables
    session.range(3).write.saveAsTable(source)
    ready = "airflow_provider.components"
    config = load_pipeline_config(
        {
            "name": "p",
            "components": [
                step("prepare", f"{ready}.RunSql", sql=f"INSERT INTO {source} VALUES (10)"),
                step("check", f"{ready}.CheckData", "prepare", input_view=source, min_rows=5),
                step("write", f"{ready}.WriteData", "check", input_view=source, table=target),
            ],
        }
    )
    store = InMemoryCheckpointStore()

    def attempt() -> PipelineResult:
        hooks = CheckpointHooks(store, "run-1", compute_pipeline_fingerprint(config))
        completed = load_checkpoint_for_resume(store, "run-1", config)
        return SimplePipelineRunner(config, hooks=hooks, spark=session).run(completed_components=completed)

    first = attempt()
    assert [(name, str(error)) for name, error in first.failed_components] == [
        ("check", f"view {source!r}: 4 rows, expected at least 5")
    ]
    assert not session.catalog.tableExists(target)
    session.sql(f"INSERT INTO {source} VALUES (11)")
    assert attempt().status is PipelineResultStatus.SUCCESS
    assert sorted(row.id for row in session.table(target).collect()) == [0, 1, 2, 10, 11]


def test_an_active_session_is_used_when_none_is_given(session: SparkSession) -> None:
    """In a notebook there is one already."""
    from pyspark.sql import SparkSession

    config = load_pipeline_config(
        {"name": "p", "components": [step("a", f"{SAMPLES}.range_view", output_view="from_notebook", rows=2)]}
    )
    assert SimplePipelineRunner(config).run().status is PipelineResultStatus.SUCCESS
    active = SparkSession.getActiveSession()
    assert active is not None
    assert active.table("from_notebook").count() == 2
    active.catalog.dropTempView("from_notebook")
