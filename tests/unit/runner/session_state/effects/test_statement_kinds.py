"""What the text of a statement tells. In doubt it tells nothing."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.effects.statement_kinds import classify_statement, is_nondeterministic


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
    assert classify_statement(statement).asks is query


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY VIEW v AS SELECT 1",
        "create or replace global temp view v\nas with a as (select 1) select * from a",
        "CREATE OR REPLACE TEMP VIEW v (id INT COMMENT 'drop') USING csv OPTIONS (path '/in', header 'true')",
        "CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x + 1",
        "CREATE OR REPLACE TEMPORARY FUNCTION `insert`(x INT)\n  RETURNS INT\n  RETURN x",
        "DECLARE d DATE DEFAULT DATE'2026-01-01'",
        "DECLARE OR REPLACE VARIABLE d = 1",
        "SET VAR d = 2",
        "SET VARIABLE (a, b) = (SELECT 1, 2)",
        "DROP TEMPORARY VARIABLE IF EXISTS d",
        "SET",
        "SET -v",
        "SET my.day",
        "SET my.day=2026-01-01; ",
        "SET `my.day` = x",
        "set spark.sql.ansi.enabled = false",
        "SET my.text = drop table t",
        "SET TIME ZONE 'UTC'",
        "SET CATALOG c",
        "RESET",
        "RESET my.day",
        "USE db",
        "USE NAMESPACE a.b",
        "CACHE TABLE t",
        "CACHE LAZY TABLE t OPTIONS ('storageLevel' 'DISK_ONLY') AS SELECT 1",
        "UNCACHE TABLE IF EXISTS t",
        "CLEAR CACHE",
        "REFRESH TABLE t",
        "REFRESH '/in/insert'",
        "ADD FILE '/a/b.txt'",
        "ADD ARCHIVE /a/b.zip",
        "DROP TEMPORARY FUNCTION IF EXISTS f",
        "-- DROP TABLE t\n/* a /* nested */ INSERT */ SET my.x = 1",
    ],
)
def test_a_statement_that_only_changes_the_session_is_known_by_its_text(statement: str) -> None:
    found = classify_statement(statement)
    assert (found.of_spark, found.in_session, found.asks) == (True, True, False)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW v AS SELECT 1",
        "CREATE TEMPORARY VIEW v AS SELECT reflect('java.lang.System', 'exit', 1)",
        "CREATE TEMPORARY VIEW v AS INSERT INTO t SELECT 1",
        "CREATE FUNCTION f(x INT) RETURNS INT RETURN x",
        "CREATE TEMPORARY FUNCTION f AS 'org.example.F' USING JAR '/f.jar'",
        "DROP VIEW v",
        "DROP FUNCTION f",
        "DROP TABLE t",
        "ALTER VIEW v AS SELECT 1",
        "SET VAR x = (SELECT java_method('java.lang.System', 'exit', 1))",
        "CACHE TABLE t AS SELECT try_reflect('a', 'b')",
        "SET ROLE admin",
        "ADD JAR '/a.jar'",
        "BEGIN DECLARE x INT; END",
        "BEGIN INSERT INTO t VALUES (1); END",
        "EXECUTE IMMEDIATE 'SET my.x = 1'",
        "/* SET my.x = 1 */ INSERT INTO t VALUES (1)",
        "/* a /* SET my.x = 1 */ SET my.x = 1",
        "'SET' INSERT INTO t VALUES (1)",
        "TRUNCATE TABLE t",
        "CALL system.expire()",
        "OPTIMIZE t",
    ],
)
def test_nothing_else_is_taken_for_one(statement: str) -> None:
    found = classify_statement(statement)
    assert not found.in_session
    assert not found.asks


@pytest.mark.parametrize("statement", ["OPTIMIZE t", "VACUUM t", "CALL system.expire()", "GRANT SELECT ON t TO u", "x"])
def test_a_statement_of_an_extension_is_none_of_spark(statement: str) -> None:
    """What Spark notes of it need not tell all that it does."""
    assert not classify_statement(statement).of_spark


@pytest.mark.parametrize(
    ("text", "varies"),
    [
        ("rand()", True),
        ("1 + RAND ( 5 )", True),
        ("uuid()", True),
        ("current_date", True),
        ("date_add(now(), 1)", True),
        ("unix_timestamp()", True),
        ("unix_timestamp('2026-01-01')", False),
        ("'rand()'", False),
        ("`current_date`", False),
        ("brand(1)", False),
        ("1 -- rand()", False),
    ],
)
def test_what_comes_out_differently_each_time_is_known_by_its_name(text: str, varies: bool) -> None:
    assert is_nondeterministic(text) is varies
    assert classify_statement(f"DECLARE x = {text}").varies is varies


def test_what_only_changes_the_session_may_read_data() -> None:
    """What a variable or a function gets from there another run would not get."""
    read = ("SET VAR a = (SELECT max(x) FROM t)", "DECLARE a = (TABLE t)", "SET VAR (a, b) = (FROM t)")
    assert [classify_statement(s).reads for s in read] == [True] * 3
    alone = ("DECLARE a INT DEFAULT 1", "SET VAR a = 'FROM t'", "CREATE TEMP FUNCTION f(x INT) RETURNS INT RETURN x")
    assert [classify_statement(s).reads for s in alone] == [False] * 3


def test_it_is_known_what_is_given_to_the_session() -> None:
    assert [classify_statement(s).sets_variable for s in ("SET VAR a = 1", "SET a = 1", "DECLARE a INT")] == [
        True,
        False,
        True,
    ]
    assert [classify_statement(s).adds for s in ("ADD FILE a", "ADD FILES a b", "ADD ARCHIVE a", "SET a = 1")] == [
        True,
        True,
        True,
        False,
    ]
