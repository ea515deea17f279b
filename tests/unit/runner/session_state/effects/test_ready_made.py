"""What is known of the components that come with this package."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider.components.check import CheckData
from airflow_provider.components.read import ReadData
from airflow_provider.components.sql import RunSql
from airflow_provider.components.write import WriteData
from airflow_provider.runner.session_state.effects.ready_made import acts, is_query, is_ready_made


class Mine(ReadData):
    """An author's own."""


def test_ready_made_components_are_known_by_what_they_do(tmp_path: Path) -> None:
    assert [is_ready_made(c) for c in (ReadData, CheckData, RunSql, WriteData, Mine)] == [True] * 4 + [False]
    assert acts(ReadData, {}, tmp_path) is None
    assert acts(CheckData, {}, tmp_path) is None
    assert acts(WriteData, {}, tmp_path) == "writes data"
    assert acts(RunSql, {"sql": "SELECT 1"}, tmp_path) is None
    assert acts(RunSql, {"sql": "INSERT INTO t SELECT 1"}, tmp_path) == "runs a statement that is no query"


def test_a_statement_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "asks.sql").write_text("SELECT 1;")
    (tmp_path / "acts.sql").write_text("DROP TABLE t;")
    assert acts(RunSql, {"sql_file": "asks.sql"}, tmp_path) is None
    assert acts(RunSql, {"sql_file": "acts.sql"}, tmp_path) == "runs a statement that is no query"
    assert acts(RunSql, {"sql_file": "missing.sql"}, tmp_path) == "runs a statement that cannot be read"


@pytest.mark.parametrize(
    ("statement", "query"),
    [
        ("SELECT 1", True),
        ("  (select 1) union (select 2)", True),
        ("-- INSERT\nWITH a AS (SELECT 1) SELECT * FROM a", True),
        ("SELECT 'DROP TABLE t', `delete`", True),
        ("FROM t SELECT x", True),
        ("VALUES (1)", True),
        ("SELECT replace(x, 'a', 'b') FROM t", True),
        ("INSERT INTO t SELECT 1", False),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", False),
        ("FROM t INSERT INTO u SELECT x", False),
        ("/* SELECT */ DROP TABLE t", False),
        ("CREATE TABLE t AS SELECT 1", False),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", False),
        ("SELECT reflect('java.lang.System', 'exit', 1)", False),
        ("BEGIN SELECT 1; END", False),
        ("", False),
    ],
)
def test_a_query_only_asks(statement: str, query: bool) -> None:
    assert is_query(statement) is query
