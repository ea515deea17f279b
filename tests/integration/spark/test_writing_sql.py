"""`RunSql`, as far as it writes: what is still needed is never destroyed, and a table that a kill left is healed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.components.destination.directory_swap import run_token
from airflow_provider.components.sql.sql_writes import EmptiedTable, SqlWrites, read_sql_writes
from airflow_provider.errors import WriteRefusedError
from airflow_provider.runner.config.component_context import ComponentContext
from tests.integration.spark.test_writing_paths import content, ids, read, refused, run, sql, step
from tests.integration.spark.test_writing_tables import KEY, days, killed, place, rows, table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["days", "table"]  # fixtures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT 1", SqlWrites()),
        ("INSERT INTO t SELECT * FROM u", SqlWrites()),
        ("this is no sql, drop it", SqlWrites()),
        (
            "INSERT OVERWRITE t SELECT * FROM a.u WHERE id IN (SELECT id FROM x)",
            SqlWrites((EmptiedTable("`t`"),), reads=("`a`.`u`", "`x`")),
        ),
        (
            "INSERT OVERWRITE t PARTITION (day = 1, hour) SELECT * FROM u",
            SqlWrites((EmptiedTable("`t`", (("day", "1"),)),), reads=("`u`",)),
        ),
        (
            "WITH q AS (SELECT * FROM u) INSERT OVERWRITE t SELECT * FROM q",
            SqlWrites((EmptiedTable("`t`"),), reads=("`q`", "`u`")),
        ),
        (
            "INSERT OVERWRITE DIRECTORY '/x' USING csv SELECT * FROM u",
            SqlWrites(directories=("/x",), reads=("`u`",)),
        ),
        ("DROP TABLE IF EXISTS a.t", SqlWrites((EmptiedTable("`a`.`t`", drops=True),))),
        ("TRUNCATE TABLE t", SqlWrites((EmptiedTable("`t`", drops=True),))),
        ("TRUNCATE TABLE t PARTITION (day = 1)", SqlWrites((EmptiedTable("`t`", (("day", "1"),), drops=True),))),
        (
            "ALTER TABLE t DROP PARTITION (day = 1), PARTITION (day = 2)",
            SqlWrites(tuple(EmptiedTable("`t`", (("day", day),), drops=True) for day in "12")),
        ),
        ("LOAD DATA INPATH '/x' OVERWRITE INTO TABLE t", SqlWrites((EmptiedTable("`t`"),))),
        ("LOAD DATA INPATH '/x' INTO TABLE t", SqlWrites()),
        ("DROP DATABASE a CASCADE", SqlWrites(databases=("`a`",))),
        ("DROP SCHEMA a", SqlWrites()),
        ("CREATE TABLE t AS SELECT * FROM u", SqlWrites(makes=("`t`",), reads=("`u`",))),
        ("CREATE TABLE t USING orc LOCATION '/x' AS SELECT 1 AS id", SqlWrites()),
        ("CREATE TEMPORARY VIEW t AS SELECT 1 AS id", SqlWrites()),
    ],
)
def test_the_effects_of_a_statement_are_what_spark_would_do(session: SparkSession, text: str, found: SqlWrites) -> None:
    assert read_sql_writes(session, text) == found


@pytest.mark.parametrize("below", ["", "/day=1", "/.."])
def test_a_directory_is_not_emptied_before_it_is_read(session: SparkSession, tmp_path: Path, below: str) -> None:
    path = tmp_path / "lake" / "orders"
    session.range(3).selectExpr("id", "id AS day").write.partitionBy("day").parquet(str(path))
    text = f"INSERT OVERWRITE DIRECTORY '{path}{below if below == '/..' else ''}' USING parquet SELECT id FROM v"
    said = refused(session, tmp_path, read(f"{path}{below if below != '/..' else ''}"), sql(text, name="write"))
    for named in ("component 'write'", "'v' (left by component 'read v')"):
        assert named in said


def test_a_directory_that_the_run_does_not_need_may_be_emptied(session: SparkSession, tmp_path: Path) -> None:
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


def test_a_table_that_no_component_needs_is_dropped_and_created_again(session: SparkSession, table: str) -> None:
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
    killed(session, table, run_token(ComponentContext("create", "p", run=repr(("", KEY)))))
    run(session, sql(statement.format(table), name="create"))
    assert rows(session, table) == [(7,)]
    assert not list(place(session, table).parent.glob(f".{table}*"))


def test_a_cte_may_have_the_name_of_nothing(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    text = f"WITH q AS (SELECT 7 AS id) INSERT OVERWRITE {table} SELECT * FROM q"
    run(session, sql(text, name="insert"))
    assert rows(session, table) == [(7,)]


def test_a_warning_with_the_remedy_comes_before_a_statement_drops_partitions(
    session: SparkSession, days: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        run(session, sql(f"INSERT OVERWRITE {days} SELECT 7 AS id, 1 AS day", name="insert"))
    assert rows(session, days) == [(7, 1)]
    assert "component 'insert': INSERT OVERWRITE replaces all 3 partitions of table" in caplog.text
    assert "name them (PARTITION (day = …)), or set spark.sql.sources.partitionOverwriteMode to dynamic" in caplog.text
    assert "2 partitions were dropped: day=0, day=2" in caplog.text


@pytest.mark.parametrize("how", ["one partition", "dynamic", "no partitions"])
def test_partitions_that_stay_cause_no_warning(
    session: SparkSession, days: str, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic" if how == "dynamic" else "static")
    name, select = "PARTITION (day = 1)" if how == "one partition" else "", "7 AS id, 1 AS day"
    if how == "no partitions":
        session.sql(f"DROP TABLE {days}")
        session.sql(f"CREATE TABLE {days} (id BIGINT, day BIGINT) USING parquet")
    select = "7 AS id" if how == "one partition" else select
    with caplog.at_level(logging.WARNING):
        run(session, sql(f"INSERT OVERWRITE {days} {name} SELECT {select}", name="insert"))
    assert "partitions" not in caplog.text


def test_a_database_is_not_dropped_with_a_table_that_is_still_needed(session: SparkSession) -> None:
    session.sql("CREATE DATABASE gone")
    try:
        session.range(3).write.saveAsTable("gone.t")
        steps = [
            step("read", "ReadData", table="gone.t", output_view="v"),
            sql("DROP DATABASE gone CASCADE", name="drop"),
            sql("SELECT * FROM v", "w", name="later"),
        ]
        with pytest.raises(WriteRefusedError, match="component 'later' still needs it"):
            run(session, *steps)
        run(session, *steps[:2])
    finally:
        session.sql("DROP DATABASE IF EXISTS gone CASCADE")


def test_an_old_partition_may_be_dropped_while_the_table_is_in_use(session: SparkSession, days: str) -> None:
    run(
        session,
        step("read", "ReadData", table=days, output_view="v"),
        sql(f"ALTER TABLE {days} DROP PARTITION (day = 0)", name="drop"),
        step("later", "CheckData", input_view="v", min_rows=2, max_rows=2),
    )
