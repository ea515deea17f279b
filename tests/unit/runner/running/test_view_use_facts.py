"""What config, code and records tell of views before a pipeline runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner import CheckpointState, PipelineConfig, SimplePipelineRunner
from airflow_provider.runner.observing.log import LoggingHooks
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.running.view_use_facts import undeclared_dependencies

READY = "airflow_provider.components"


def reads_orders(spark: Any, input_view: str = "") -> None:
    spark.table("orders").count()


def does_nothing(spark: Any, **config: Any) -> None:
    pass


def component(name: str, kind: str = "", *depends_on: str, **config: Any) -> dict[str, Any]:
    path = f"{READY}.{kind}" if kind[:1].isupper() else f"{__name__}.{kind or 'does_nothing'}"
    return {"name": name, "class_path": path, "config": config, "depends_on": list(depends_on)}


def pipeline(*components: Mapping[str, Any], **fields: Any) -> PipelineConfig:
    return PipelineConfig.model_validate({"name": "p", "components": list(components), **fields})


LOAD = component("load", "ReadData", path="/in", format="json", output_view="Orders")


@pytest.mark.parametrize(
    "reader",
    [
        component("r", "RunSql", sql="SELECT * FROM orders"),
        component("r", "RunSql", sql="CREATE OR REPLACE TEMP VIEW x AS SELECT * FROM a JOIN `ORDERS`"),
        component("r", "ReadData", table="orders", output_view="x"),
        component("r", "CheckData", input_view="orders"),
        component("r", "WriteData", input_view="orders", table="x"),
        component("r", input_view="orders"),
        component("r", left_input_view="`Orders`"),
    ],
)
def test_a_config_that_reads_a_view(reader: dict[str, Any]) -> None:
    [read] = undeclared_dependencies(pipeline(LOAD, reader)).reads
    assert (read.component, read.view, read.left_by) == ("r", "orders", "load")


@pytest.mark.parametrize(
    "other",
    [
        component("r", "RunSql", sql="WITH orders AS (SELECT 1) SELECT orders FROM orders"),
        component("r", "ReadData", path="/x/orders", format="csv", output_view="x"),
        component("r", "WriteData", input_view="x", table="orders"),
        component("r", title="orders"),
        component("r", "reads_orders"),
    ],
)
def test_a_config_that_reads_something_else(other: dict[str, Any]) -> None:
    assert not undeclared_dependencies(pipeline(LOAD, other)).reads


def test_code_is_read_where_there_is_time_for_it() -> None:
    config = pipeline(LOAD, component("r", "reads_orders"))
    [read] = undeclared_dependencies(config, code=True).reads
    assert (read.component, read.view) == ("r", "orders")


@pytest.mark.parametrize(
    "leaver",
    [
        component("load", "RunSql", sql="SELECT 1", output_view="orders"),
        component("load", "RunSql", sql="-- of today\nCREATE TEMPORARY VIEW `Orders` AS SELECT 1"),
        component("load", "ReadData", path="/in", format="csv", output_view="x", corrupt_records_view="orders"),
        component("load", output_view="orders"),
    ],
)
def test_a_config_that_leaves_a_view(leaver: dict[str, Any]) -> None:
    config = pipeline(leaver, component("r", "CheckData", input_view="orders"))
    assert [read.left_by for read in undeclared_dependencies(config).reads] == ["load"]


def test_the_sql_file_counts_as_it_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "join.sql").write_text("SELECT * FROM {{ params.view }}")
    config = pipeline(LOAD, component("r", "RunSql", sql_file="join.sql")).starting_in(tmp_path)
    assert not undeclared_dependencies(config).reads
    rendered = config.with_texts({"r": {"join.sql": "SELECT * FROM orders"}})
    assert [read.component for read in undeclared_dependencies(rendered).reads] == ["r"]


def recorded(name: str, *views: ViewName) -> CheckpointState:
    left = SessionStateRecord(handling="replay", reason="cheap", left_views=list(views))
    record = ComponentRecord(
        fingerprint="f", completed_at=datetime.now(UTC), duration_seconds=1, attempt=1, session_state=left
    )
    return CheckpointState(
        run_id="r",
        pipeline_name="p",
        pipeline_fingerprint="f",
        completed_components=[name],
        components={name: record},
    )


def test_the_record_of_an_earlier_attempt_tells_what_a_component_left() -> None:
    config = pipeline(component("load"), component("r", "CheckData", input_view="orders"))
    assert not undeclared_dependencies(config).reads
    [read] = undeclared_dependencies(config, recorded("load", ViewName("Orders"))).reads
    assert (read.component, read.view, read.left_by) == ("r", "orders", "load")


def test_a_global_temp_view_is_one_by_its_whole_name() -> None:
    config = pipeline(
        component("load"),
        component("other", "RunSql", sql="SELECT * FROM orders"),
        component("r", "RunSql", sql="SELECT * FROM global_temp.orders"),
    )
    found = undeclared_dependencies(config, recorded("load", ViewName("orders", is_global=True))).reads
    assert [(read.component, read.view) for read in found] == [("r", "global_temp.orders")]


def test_two_that_leave_one_view_are_found() -> None:
    config = pipeline(LOAD, component("b", output_view="orders"), component("c", "", "b", output_view="orders"))
    [left] = undeclared_dependencies(config).lefts
    assert (left.view, left.components) == ("orders", ("load", "b", "c"))


@pytest.mark.parametrize(("width", "warned"), [(1, False), (2, True)])
def test_a_run_side_by_side_warns_before_it_starts(width: int, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Components one after the other have the log that they always had."""
    config = pipeline(
        component("load", output_view="orders"),
        component("r", input_view="orders"),
        component("z", "", "r"),
        max_parallel_components=width,
    )
    runner = SimplePipelineRunner(config, hooks=LoggingHooks(), spark=object())  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        try:
            runner.run()
        except Exception:  # a session that is none cannot be copied
            assert warned
    assert any("reads view 'orders', which component 'load' leaves" in line for line in caplog.messages) is warned
