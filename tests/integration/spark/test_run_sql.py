"""RunSql on a real Spark: which texts are one statement, and which arguments they take."""

from __future__ import annotations

import datetime
import decimal
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.components import RunSql
from airflow_provider.errors import SqlStatementError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def sql(session: SparkSession, base_dir: Path = Path(), **config: Any) -> None:
    component = RunSql.from_config(config)
    component.base_dir = base_dir
    component.set_spark_session(session)
    component.run()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_runs_whatever_editor_wrote_it(session: SparkSession, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "q.sql").write_text("SELECT 'é' AS a; -- done\r\n", encoding=encoding)
    sql(session, tmp_path, sql_file="q.sql", output_view="v")
    assert session.table("v").collect() == [("é",)]


@pytest.mark.parametrize("statement", ["SET my.name = x; -- set it", "/* a; */ SET my.name = x ;"])
def test_a_comment_behind_a_statement_is_no_part_of_it(session: SparkSession, statement: str) -> None:
    sql(session, sql=statement)
    assert session.conf.get("my.name") == "x"


@pytest.mark.parametrize("statement", ["SELECT 1; SELECT 2", "CREATE TEMP VIEW made AS SELECT 1;\nSELECT ';';\n-- end"])
def test_several_statements_are_refused_before_the_first_runs(
    session: SparkSession, tmp_path: Path, statement: str
) -> None:
    (tmp_path / "q.sql").write_text(statement)
    with pytest.raises(
        SqlStatementError, match=r"file '.*q\.sql' contains 2 statements, but a component runs one: write"
    ):
        sql(session, tmp_path, sql_file="q.sql")
    assert not session.catalog.tableExists("made")


def test_a_script_is_one_statement(session: SparkSession) -> None:
    sql(session, sql="BEGIN DECLARE x INT DEFAULT 1; SET x = x + 1; SELECT x AS x; END;", output_view="v")
    assert session.table("v").collect() == [(2,)]


@pytest.mark.parametrize("statement", ["-- nothing yet\n", " ; "])
def test_a_text_without_a_statement_is_refused(session: SparkSession, statement: str) -> None:
    with pytest.raises(SqlStatementError, match="'sql' contains no statement"):
        sql(session, sql=statement)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2024-01-01", "string"),
        (3, "int"),
        (None, "void"),
        (True, "boolean"),
        (datetime.date(2024, 1, 2), "date"),
        (decimal.Decimal("1.50"), "decimal(3,2)"),
        (["a", "b"], "array<string>"),
        (("a", "b"), "array<string>"),
        ([[1], [2]], "array<array<int>>"),
        ({"a": 1, "b": 2}, "map<string,int>"),
        ([{"a": {"b": 1}}], "array<map<string,map<string,int>>>"),
    ],
    ids=str,
)
def test_an_argument_may_be_of_any_type_that_a_config_has(session: SparkSession, value: Any, kind: str) -> None:
    sql(session, sql="SELECT :value AS value", args={"value": value}, output_view="v")
    assert session.table("v").dtypes == [("value", kind)]
    expected = list(value) if isinstance(value, tuple) else value
    assert session.table("v").collect()[0]["value"] == expected


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "SELECT 1 AS a WHERE 'x' = ':day'",
            "does not use the argument 'day': ':day' in quotes is text; remove the quotes",
        ),
        ("SELECT 1 AS a -- :day", "does not use the argument 'day': it does not contain :day"),
    ],
)
def test_an_unused_argument_is_warned_of(
    session: SparkSession, caplog: pytest.LogCaptureFixture, statement: str, told: str
) -> None:
    with caplog.at_level(logging.WARNING):
        sql(session, sql=statement, args={"day": "x"}, output_view="v")
    assert told in caplog.text


def test_a_misspelt_parameter_and_a_list_after_in_fail_with_their_names(session: SparkSession) -> None:
    with pytest.raises(Exception, match=r"UNBOUND_SQL_PARAMETER.*daay"):
        sql(session, sql="SELECT :daay", args={"day": 1})
    with pytest.raises(Exception, match="DATATYPE_MISMATCH") as caught:
        sql(session, sql="SELECT 'a' IN (:shops)", args={"shops": ["a"]})
    assert "array_contains(:shops, x)" in caught.value.__notes__[0]


def test_a_view_that_hides_metadata_gets_the_remedy(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1\n")
    session.read.csv(str(tmp_path)).createOrReplaceTempView("raw")
    with pytest.raises(Exception, match="UNRESOLVED_COLUMN") as caught:
        sql(session, sql="SELECT *, _metadata.file_name AS file FROM raw", output_view="v")
    assert caught.value.__notes__ == [
        "remedy: a view hides _metadata; select it where the files are read, with select of ReadData"
    ]


def test_a_view_of_a_command_without_a_result_is_warned_of(
    session: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sql(session, sql="CREATE OR REPLACE TEMP VIEW other AS SELECT 1", output_view="v")
    assert "the statement has no result, so view 'v' has no columns and no rows; remove output_view" in caplog.text
