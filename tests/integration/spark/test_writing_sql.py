"""`RunSql`, as far as it writes: what is still needed is never destroyed, and a table that a kill left is healed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.components.directory import token_of
from airflow_provider.components.statements import EmptiedTable, Statement, read_statement
from airflow_provider.errors import WriteRefusedError
from airflow_provider.runner.config.context import ComponentContext
from tests.integration.spark.test_writing_paths import content, ids, read, refused, run, sql, step
from tests.integration.spark.test_writing_tables import KEY, days, killed, place, rows, table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["days", "table"]  # fixtures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT 1", Statement()),
        ("INSERT INTO t SELECT * FROM u", Statement()),
        ("this is no sql, drop it", Statement()),
        (
            "INSERT OVERWRITE t SELECT * FROM a.u WHERE id IN (SELECT id FROM x)",
            Statement((EmptiedTable("`t`"),), reads=("`a`.`u`", "`x`")),
        ),
        (
            "INSERT OVERWRITE t PARTITION (day = 1, hour) SELECT * FROM u",
            Statement((EmptiedTable("`t`", (("day", "1"),)),), reads=("`u`",)),
        ),
        (
            "WITH q AS (SELECT * FROM u) INSERT OVERWRITE t SELECT * FROM q",
            Statement((EmptiedTable("`t`"),), reads=("`q`", "`u`")),
        ),
        ("INSERT OVERWRITE DIRECTORY '/x' USING csv SELECT * FROM u", Statement(directories=("/x",), reads=("`u`",))),
        ("DROP TABLE IF EXISTS a.t", Statement((EmptiedTable("`a`.`t`", drops=True),))),
        ("TRUNCATE TABLE t", Statement((EmptiedTable("`t`", drops=True),))),
        ("CREATE TABLE t AS SELECT * FROM u", Statement(makes=("`t`",), reads=("`u`",))),
        ("CREATE TABLE t USING orc LOCATION '/x' AS SELECT 1 AS id", Statement()),
        ("CREATE TEMPORARY VIEW t AS SELECT 1 AS id", Statement()),
    ],
)
def test_what_a_statement_writes(session: SparkSession, text: str, found: Statement) -> None:
    assert read_statement(session, text) == found


@pytest.mark.parametrize("below", ["", "/day=1", "/.."])
def test_a_directory_is_not_emptied_before_it_is_read(session: SparkSession, tmp_path: Path, below: str) -> None:
    path = tmp_path / "lake" / "orders"
    session.range(3).selectExpr("id", "id AS day").write.partitionBy("day").parquet(str(path))
    text = f"INSERT OVERWRITE DIRECTORY '{path}{below if below == '/..' else ''}' USING parquet SELECT id FROM v"
    said = refused(session, tmp_path, read(f"{path}{below if below != '/..' else ''}"), sql(text, name="write"))
    for named in ("component 'write'", "'v' (left by component 'read v')"):
        assert named in said


def test_another_directory_is_emptied(session: SparkSession, tmp_path: Path) -> None:
    for name in ("in", "out"):
        session.range(3).write.parquet(str(tmp_path / name))
    text = f"INSERT OVERWRITE DIRECTORY '{tmp_path}/out' USING parquet SELECT id FROM v WHERE id > 0"
    run(session, read(tmp_path / "in"), sql(text, name="write"))
    assert ids(session, tmp_path / "out") == [1, 2]


def test_a_table_is_not_emptied_before_a_part_of_it_is_read(session: SparkSession, days: str) -> None:
    path = place(session, days)
    before = content(path)
    steps = [read(path / "day=1"), sql(f"INSERT OVERWRITE {days} SELECT id, 1 AS day FROM v", name="write")]
    with pytest.raises(WriteRefusedError, match="left by component 'read v'"):
        run(session, *steps)
    assert content(path) == before


def test_one_partition_is_made_of_another(session: SparkSession, days: str) -> None:
    path = place(session, days)
    run(
        session,
        read(path / "day=1"),
        sql(f"INSERT OVERWRITE {days} PARTITION (day = 2) SELECT id FROM v", name="write"),
    )
    assert rows(session, days) == [(0, 0), (1, 1), (1, 2)]


def test_a_table_is_not_dropped_that_a_view_reads_which_is_still_needed(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    steps = [
        step("read", "ReadData", table=table, where="id > 0", output_view="v"),
        sql(f"DROP TABLE {table}", name="drop"),
        sql(f"CREATE TABLE {table} AS SELECT * FROM v", name="create"),
    ]
    with pytest.raises(WriteRefusedError) as caught:
        run(session, *steps)
    for named in ("component 'drop'", "view 'v' (left by component 'read')", "component 'create'"):
        assert named in str(caught.value)
    assert session.table(table).count() == 3


def test_a_table_that_nobody_needs_is_dropped_and_made_anew(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    run(
        session,
        sql(f"DROP TABLE IF EXISTS {table}", name="drop"),
        sql(f"CREATE TABLE {table} AS SELECT 7 AS id", name="create"),
    )
    assert rows(session, table) == [(7,)]


def test_a_view_of_a_table_finds_what_an_insert_put_there_as_in_plain_spark(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    run(
        session,
        step("read", "ReadData", table=table, output_view="v"),
        sql(f"INSERT OVERWRITE {table} VALUES (7)", name="insert"),
        step("check", "CheckData", input_view="v", min_rows=1, max_rows=1),
    )


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE {} AS SELECT 7 AS id", "CREATE TABLE IF NOT EXISTS default.{} AS SELECT 7 AS id"]
)
def test_a_table_that_a_killed_attempt_of_this_run_began_is_made(
    session: SparkSession, table: str, statement: str
) -> None:
    killed(session, table, token_of(ComponentContext("create", "p", run=repr(("", KEY)))))
    run(session, sql(statement.format(table), name="create"))
    assert rows(session, table) == [(7,)]
    assert not list(place(session, table).parent.glob(f".{table}*"))


def test_a_cte_may_have_the_name_of_nothing(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    text = f"WITH q AS (SELECT 7 AS id) INSERT OVERWRITE {table} SELECT * FROM q"
    run(session, sql(text, name="insert"))
    assert rows(session, table) == [(7,)]
