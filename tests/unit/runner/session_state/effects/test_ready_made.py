"""What is known of the components that come with this package."""

from __future__ import annotations

from pathlib import Path

from airflow_provider.components.checking.check_data import CheckData
from airflow_provider.components.reading.read_data import ReadData
from airflow_provider.components.sql.run_sql import RunSql
from airflow_provider.components.writing.write_data import WriteData
from airflow_provider.runner.session_state.effects.ready_made import declared_side_effect, is_ready_made


class Mine(ReadData):
    """An author's own."""


def test_ready_made_components_are_known_by_what_they_do(tmp_path: Path) -> None:
    assert [is_ready_made(c) for c in (ReadData, CheckData, RunSql, WriteData, Mine)] == [True] * 4 + [False]
    assert declared_side_effect(ReadData, {}, tmp_path) is None
    assert declared_side_effect(CheckData, {}, tmp_path) is None
    assert declared_side_effect(WriteData, {}, tmp_path) == "writes data"
    assert declared_side_effect(RunSql, {"sql": "SELECT 1"}, tmp_path) is None
    assert (
        declared_side_effect(RunSql, {"sql": "INSERT INTO t SELECT 1"}, tmp_path)
        == "runs a statement that is not a query"
    )


def test_a_statement_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "asks.sql").write_text("SELECT 1;")
    (tmp_path / "acts.sql").write_text("DROP TABLE t;")
    (tmp_path / "latin.sql").write_bytes("SELECT 'é'".encode("latin-1"))
    assert declared_side_effect(RunSql, {"sql_file": "asks.sql"}, tmp_path) is None
    assert declared_side_effect(RunSql, {"sql_file": "acts.sql"}, tmp_path) == "runs a statement that is not a query"
    assert declared_side_effect(RunSql, {"sql_file": "latin.sql"}, tmp_path) == "runs a statement that cannot be read"
    assert declared_side_effect(RunSql, {"sql_file": "missing.sql"}, tmp_path) == "runs a statement that cannot be read"


def test_a_statement_that_only_changes_the_session_does_nothing_outside(tmp_path: Path) -> None:
    assert declared_side_effect(RunSql, {"sql": "SET my.day = 2026-01-01"}, tmp_path) is None
