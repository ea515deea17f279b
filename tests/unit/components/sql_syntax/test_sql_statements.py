"""How a text of SQL is taken apart: what is the statement, and which parameters it has."""

from __future__ import annotations

import pytest

from airflow_provider.components.sql_syntax.sql_text import SqlText


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT 1", "SELECT 1"),
        (" SELECT 1 ;\n; -- done; really\n/* and; */\n", "SELECT 1"),
        ("SELECT ';' -- no; end", "SELECT ';' -- no; end"),
        ("SET a.b = c; -- comment", "SET a.b = c"),
        ('-- first; second\nSELECT `a;b`, "x;\\";", r\'\\\';', '-- first; second\nSELECT `a;b`, "x;\\";", r\'\\\''),
        ("/* outer /* inner; */ still; */ SELECT 1;", "/* outer /* inner; */ still; */ SELECT 1"),
        ("ADD FILE /data/*.csv;", "ADD FILE /data/*.csv"),
        ("ADD JAR /a--b.jar", "ADD JAR /a--b.jar"),
    ],
)
def test_only_what_stands_behind_the_statement_is_cut_off(text: str, statement: str) -> None:
    assert SqlText.of(text).statement == statement
    assert len(SqlText.of(text).code) == 1


@pytest.mark.parametrize(
    ("text", "number", "is_script"),
    [
        ("SELECT 1; SELECT 2", 2, False),
        ("SELECT 1;\n-- then\nSELECT ';';\n", 2, False),
        ("-- nothing", 0, False),
        ("/* not; closed", 0, False),
        (" ;; ", 0, False),
        ("BEGIN SELECT 1; SELECT 2; END;", 3, True),
        ("-- x\nmine: begin SELECT 1; END", 2, True),
        ("SELECT begin FROM t; SELECT 2", 2, False),
    ],
)
def test_statements_are_counted_as_spark_would(text: str, number: int, is_script: bool) -> None:
    found = SqlText.of(text)
    assert (len(found.code), found.is_script) == (number, is_script)


def test_parameters_are_those_outside_of_quotes_and_comments() -> None:
    text = "SELECT ':no', \":nor\", a::INT, v:x -- :never\nFROM t WHERE d = :day AND n IN (:a1)"
    assert SqlText.of(text).parameters >= {"day", "a1"}
    assert not SqlText.of(text).parameters & {"no", "nor", "never", "INT"}
