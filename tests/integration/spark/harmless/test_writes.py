"""Invariant 11: components that write with Spark, or change a catalog."""

from __future__ import annotations

import pytest

from airflow_provider.runner import ComponentConfig
from tests.integration.spark.harmless.case import ACTS, NOTHING, Case, judge, saved
from tests.integration.spark.harmless.world import World, new_table_rows, table_rows, target_rows
from tests.samples.harness.spark_attempts import SparkRun

TARGET = {"target": "{target}", "count": target_rows, "effects": 5}
TABLE = {"table": "{table}", "count": table_rows, "effects": 5}


def fill(world: World) -> None:
    world.spark.sql(f"INSERT INTO {world.table} SELECT * FROM range(5)")


def tables(world: World) -> int:
    return world.spark.sql(f"SHOW TABLES IN {world.database}").count()


def columns(world: World) -> int:
    return len(world.spark.table(world.table).columns)


CASES = [
    saved("writes.write_parquet", "wrote", **TARGET),
    saved("writes.write_and_read_back", "wrote", **TARGET),
    saved("writes.insert_into", "wrote", **TABLE),
    saved("writes.save_as_table", "wrote", **TABLE),
    saved("writes.insert", "wrote", **TABLE),
    saved("writes.insert_with_lazy_sql", "wrote", **TABLE),
    saved("writes.create_table_as", "wrote", table="{no_table}", count=new_table_rows, effects=5),
    saved("writes.truncate", "truncate", table="{table}", before=fill, count=table_rows, effects=0),
    saved("writes.drop_a_table", "drop", table="{table}", before=fill, count=tables, effects=0),
    saved("writes.rename_a_table", "alter", table="{table}", before=fill, count=tables),
    saved("writes.add_a_column", "alter", table="{table}", count=columns, effects=2),
    saved("writes.overwrite_a_directory", "wrote", **TARGET),
    saved("writes.save_as_text_file", "outside", target="{target}"),
    saved("writes.stream", "stream", source="{parquet}", checkpoints="{checkpoints}", **TARGET),
    Case(
        "airflow_provider.components.RunSql",
        NOTHING,
        ("left no view",),
        config={"sql": "INSERT INTO {table} SELECT * FROM range(5)"},
        count=table_rows,
        effects=5,
        view=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_writes_is_done_once(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)


def test_a_merge_without_a_format_for_it_fails_and_nothing_is_recorded(world: World) -> None:
    """No format that comes with Spark takes ``MERGE``; one that does writes in a SQL execution like any other."""
    step = ComponentConfig(name="it", class_path=f"{ACTS}.writes.merge", config={"table": world.table})
    run = SparkRun(world.spark, world.tmp / "state", step, "later")
    [(failed, error)] = run.attempt().failed_components
    assert failed == "it"
    assert "MERGE" in str(error)
    checkpoint = run.store.load("run-1")
    assert checkpoint is not None
    assert checkpoint.completed_components == []
