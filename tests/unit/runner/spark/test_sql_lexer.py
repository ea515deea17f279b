"""The parts of a text of SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner.spark.sql_lexer import mask_sql, sql_tokens


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("SELECT 1 -- one", "SELECT 1  "),
        ("SELECT '-- no' -- yes", "SELECT ''  "),
        ("SELECT /* a /* b */ c */ 1", "SELECT   1"),
        ("SELECT 1 /* never closed", "SELECT 1  "),
        ('SELECT `a -- b`, "c /* d"', "SELECT q, ''"),
        ("SELECT 'it''s', r'\\'", "SELECT '''', ''"),
        ("SELECT 'a\\'b' FROM t", "SELECT '' FROM t"),
        ("-- first\\\nstill\nSELECT 1", " \nSELECT 1"),
        ("SELECT what's left", "SELECT what's left"),
    ],
)
def test_a_mask_hides_comments_and_what_stands_in_quotes(sql: str, masked: str) -> None:
    assert mask_sql(sql, texts="''", names="q") == masked


@given(st.lists(st.sampled_from(["'", '"', "`", "--", "/*", "*/", "\\", "\n", ";", " ", "r", "x"])).map("".join))
def test_the_parts_of_any_text_are_the_whole_text(sql: str) -> None:
    """Nothing is lost or doubled, and each part knows where it begins."""
    tokens = list(sql_tokens(sql))
    assert "".join(token.text for token in tokens) == sql
    assert all(sql.startswith(token.text, token.start) and token.text for token in tokens)
