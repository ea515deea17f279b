"""What the text of a statement says of a view."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.needs.sql_view_use import reads_in_sql


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM orders",
        "select 1 from a x, `Orders` o",
        "SELECT * FROM a JOIN orders USING (id)",
        "WITH orders AS (SELECT * FROM orders WHERE id > 1) SELECT * FROM orders",
        "WITH q AS (SELECT * FROM orders), orders AS (SELECT 1) SELECT * FROM q",
        "SELECT * FROM (WITH orders AS (SELECT 1) SELECT * FROM orders) JOIN orders",
        "INSERT INTO TABLE archive SELECT * FROM orders",
        "CREATE OR REPLACE TEMP VIEW orders AS SELECT * FROM orders",
        "SELECT extract(DAY FROM day) FROM orders",
    ],
)
def test_a_statement_that_reads_a_view(statement: str) -> None:
    assert reads_in_sql(statement, "orders")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT orders FROM a",
        "SELECT 'FROM orders' -- FROM orders",
        "SELECT * FROM shop.orders",
        "SELECT * FROM orders.lines",
        "WITH orders AS (SELECT 1) SELECT * FROM orders",
        "WITH a AS (SELECT 1), orders (id) AS (SELECT (1)) SELECT * FROM a, orders",
        "WITH RECURSIVE orders AS (SELECT 1 UNION ALL SELECT * FROM orders) SELECT * FROM orders",
        "SELECT * FROM a WHERE id IS DISTINCT FROM orders",
        "SELECT extract(DAY FROM orders), trim(BOTH ' ' FROM orders) FROM a",
        "INSERT INTO TABLE orders SELECT 1",
        "DELETE FROM orders",
        "DROP VIEW orders",
    ],
)
def test_a_statement_that_does_not(statement: str) -> None:
    """A column, a table of a database, a name that the statement itself defines, what it writes to."""
    assert not reads_in_sql(statement, "orders")
