"""CheckData on a real Spark: which rows it counts, and what a condition may be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.components import CheckData
from airflow_provider.components.sql_syntax.query_plan import explain_query, parses_text
from airflow_provider.errors import DataCheckError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILES = {
    "csv": "id,n\n1,a\nx,b\n3,c,extra\n4,a\n",
    "json": '{"id": 1, "n": "a"}\n{"id": "x", "n": "b"}\nnothing\n{"id": 4, "n": "a"}\n',
    "xml": "<all>\n<r><id>1</id><n>a</n></r>\n<r><id>x</id><n>b</n></r>\n<r><id>4</id><n>a</n></r>\n</all>\n",
}


def check(session: SparkSession, view: str = "v", **rules: Any) -> None:
    component = CheckData.from_config({"input_view": view, **rules})
    component.set_spark_session(session)
    component.run()


def failure(session: SparkSession, view: str = "v", **rules: Any) -> str:
    with pytest.raises(DataCheckError) as caught:
        check(session, view, **rules)
    return str(caught.value)


@pytest.fixture(params=["csv", "json", "xml"])
def malformed(request: pytest.FixtureRequest, session: SparkSession, tmp_path: Path) -> Any:
    """Registers a view ``v`` of a file with malformed records, read in a given mode."""

    def register(mode: str, schema: str = "id INT, n STRING") -> None:
        file = tmp_path / f"in.{request.param}"
        file.write_text(FILES[request.param])
        reader = session.read.format(request.param).options(header="true", rowTag="r", mode=mode)
        reader.schema(schema).load(str(file)).createOrReplaceTempView("v")

    return register


# Which rows


@pytest.mark.parametrize("mode", ["DROPMALFORMED", "PERMISSIVE"])
@pytest.mark.parametrize(
    "view",
    [
        "SELECT * FROM v",
        "SELECT v.*, t.x, map('k', n) AS m FROM v JOIN (SELECT 'a' AS k, 1 AS x UNION SELECT 'b', 2) t ON v.n = t.k "
        "WHERE n <> 'b' OR id IS NULL",
    ],
)
def test_a_check_sees_the_rows_that_a_reader_of_all_columns_gets(
    session: SparkSession, malformed: Any, mode: str, view: str
) -> None:
    malformed(mode)
    session.sql(f"CREATE OR REPLACE TEMP VIEW w AS {view}")
    rows = session.table("w").collect()
    check(session, "w", min_rows=len(rows), max_rows=len(rows))
    names = [row["n"] for row in rows]
    bad = sum(name == "b" for name in names)
    rule = {"conditions": {"not b": "n IS NULL OR n <> 'b'"}, "min_rows": len(rows)}
    check(session, "w", **rule) if not bad else failure(session, "w", **rule).index(f"{bad} of {len(rows)} rows")
    assert f"; n: {sum(names.count(n) > 1 for n in {*names} - {None})} values" in failure(
        session, "w", unique=["n"], min_rows=9
    )
    check(session, "w", conditions={"all": f"count(*) = {len(rows)} AND count(n) = {len(rows) - names.count(None)}"})


def test_a_record_that_must_not_be_there_fails_the_check_too(session: SparkSession, malformed: Any) -> None:
    malformed("FAILFAST")
    with pytest.raises(Exception, match=r"(?i)malformed|FAILED_READ_FILE"):
        check(session, min_rows=1)


def test_corrupt_records_can_be_asked_for_in_a_condition(session: SparkSession, malformed: Any) -> None:
    malformed("PERMISSIVE", "id INT, n STRING, _corrupt_record STRING")
    corrupt = sum(row["_corrupt_record"] is not None for row in session.table("v").collect())
    assert f"does not hold in {corrupt} of " in failure(session, conditions={"parsed": "_corrupt_record IS NULL"})
    assert "is false for" in failure(session, conditions={"few": "count(_corrupt_record) < 1"})


def test_only_files_of_text_are_read_whole(session: SparkSession, malformed: Any, tmp_path: Path) -> None:
    malformed("PERMISSIVE")
    session.range(2).write.parquet(str(tmp_path / "p"))
    session.read.parquet(str(tmp_path / "p")).createOrReplaceTempView("p")
    assert not parses_text(explain_query(session, "SELECT * FROM p"))
    assert parses_text(explain_query(session, "SELECT * FROM p JOIN v USING (id)"))
    session.conf.set("spark.sql.sources.useV1SourceList", "")
    malformed("PERMISSIVE")
    assert parses_text(explain_query(session, "SELECT * FROM v"))


@pytest.mark.parametrize(("is_text", "told"), [(True, True), (False, False)])
def test_a_random_view_is_warned_of(
    session: SparkSession, caplog: pytest.LogCaptureFixture, is_text: bool, told: bool
) -> None:
    """A view by SQL text draws new numbers for each reader; one by a DataFrame keeps its seed."""
    query = "SELECT id, rand() AS x FROM range(3) WHERE rand() < 2"
    if is_text:
        session.sql(f"CREATE TEMP VIEW v AS {query}")
    else:
        session.sql(query).createOrReplaceTempView("v")
    with caplog.at_level(logging.WARNING):
        check(session, min_rows=1)
    assert ("view 'v' is random" in caplog.text) is told


def test_an_empty_view_that_passes_is_warned_of(session: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    session.sql("SELECT 1 AS id WHERE false").createOrReplaceTempView("v")
    with caplog.at_level(logging.WARNING):
        check(session, max_rows=3)
        check(session, conditions={"low": "id < 0"}, min_rows=0)
        assert "empty" not in caplog.text
        check(session, conditions={"low": "id < 0"})
    assert "view 'v' is empty, so there was nothing to check; set min_rows: 1 if it must hold something" in caplog.text
    assert "'sum' (sum(id) > 0) is null for the 0 rows together" in failure(session, conditions={"sum": "sum(id) > 0"})


# Conditions


@pytest.fixture
def orders(session: SparkSession) -> None:
    """A view ``v`` of orders and one of shops."""
    session.sql(
        "SELECT * FROM VALUES (1, 'a', 1.5D, array(1), 'x'), (2, 'b', double('NaN'), array(), ' \t'), "
        "(3, NULL, NULL, NULL, '') AS t(id, shop, price, tags, note)"
    ).createOrReplaceTempView("v")
    session.sql("SELECT 'a' AS shop UNION ALL SELECT 'b'").createOrReplaceTempView("shops")


@pytest.mark.parametrize(
    "condition",
    [
        "id > 0",
        "id > 0 -- every one",
        "v.id IN (1, 2, 3)",
        "shop IS NULL OR shop IN (SELECT shop FROM shops)",
        "shop IS NULL OR EXISTS (SELECT 1 FROM shops s WHERE s.shop = v.shop)",
        "id <= (SELECT max(id) FROM v)",
        "row_number() OVER (PARTITION BY id ORDER BY shop) = 1",
        "sum(id) > 0",
        "count(*) FILTER (WHERE shop IS NULL) <= 1 AND max(v.id) = 3",
        "count(DISTINCT shop) = (SELECT count(*) FROM shops)",
        "1 = 1",
    ],
)
def test_a_condition_may_be_of_rows_of_all_of_them_or_ask_other_views(
    session: SparkSession, orders: None, condition: str
) -> None:
    check(session, conditions={"it": condition, "id": "id IS NOT NULL", "all": "count(*) = 3"}, unique=["id"])


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("id > 1", "'it' (id > 1) does not hold in 1 of 3 rows"),
        ("shop = 'a'", "'it' (shop = 'a') does not hold in 2 of 3 rows"),
        ("shop IN (SELECT shop FROM shops)", "does not hold in 1 of 3 rows"),
        ("sum(id) > 100", "'it' (sum(id) > 100) is false for the 3 rows together"),
        ("max(nullif(id, id)) > 0", "'it' (max(nullif(id, id)) > 0) is null for the 3 rows together"),
        ("id", "'it' (id) is INT, not a condition; compare it with something"),
        ("'true'", "'it' ('true') is STRING, not a condition"),
        ("sum(id)", "'it' (sum(id)) is BIGINT, not a condition"),
        ("id > 0), (true", "'it' (id > 0), (true) is BOOLEAN, BOOLEAN, not a condition"),
        ("idd > 0", "'it' (idd > 0): [UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("id >", "'it' (id >) cannot be parsed: [PARSE_SYNTAX_ERROR]"),
        ("shop IN ( select 'a' )", "'it' (shop IN ( select 'a' )) does not hold in 2 of 3 rows"),
        ("shop IN (SELECTED 'a')", "'it' (shop IN (SELECTED 'a')) cannot be parsed: [UNSUPPORTED_TYPED_LITERAL]"),
        ("sum(id) > id", "'it' (sum(id) > id): [MISSING_GROUP_BY]"),
        ("CAST(shop AS INT) > 0", "'it' (CAST(shop AS INT) > 0) cannot be computed: [CAST_INVALID_INPUT]"),
        ("sum(CAST(shop AS INT)) > 0", "'it' (sum(CAST(shop AS INT)) > 0) cannot be computed: [CAST_INVALID_INPUT]"),
        ("id > 1 / (id - id)", "cannot be computed: [DIVIDE_BY_ZERO]"),
        ("shop = '{seen}'", "'it' (shop = '{seen}') does not hold in 3 of 3 rows"),
    ],
)
def test_a_condition_that_fails_is_named_beside_all_others(
    session: SparkSession, orders: None, condition: str, told: str
) -> None:
    found = failure(session, conditions={"it": condition, "low": "id < 3"}, min_rows=4)
    assert told in found
    assert "3 rows, expected at least 4" in found
    assert "'low' (id < 3) does not hold in 1 of 3 rows" in found


# Columns


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"not_null": ["note", "price"]}, "column 'price' is null in 1 of 3 rows"),
        ({"not_nan": ["price", "id"]}, "column 'price' is NaN in 1 of 3 rows"),
        ({"not_empty": ["note"]}, "column 'note' is null or empty in 2 of 3 rows"),
        ({"not_empty": ["tags", "id"]}, "column 'tags' is null or empty in 2 of 3 rows"),
        ({"not_empty": ["SHOP"]}, "column 'SHOP' is null or empty in 1 of 3 rows"),
        ({"not_nan": ["shop"]}, "column 'shop' is STRING, which not_nan cannot check"),
        (
            {"not_null": ["idd", "x.y"], "unique": ["idd"], "min_rows": 4},
            "3 rows, expected at least 4; there is no column 'idd' (not_null, unique; did you mean 'id'?), "
            "'x.y' (not_null); the view has 'id', 'shop', 'price', 'tags', 'note'",
        ),
    ],
    ids=str,
)
def test_what_a_column_must_not_hold_is_counted(
    session: SparkSession, orders: None, rule: dict[str, Any], told: str
) -> None:
    assert failure(session, **rule) == f"view 'v': {told}"


@pytest.mark.parametrize(
    "name",
    ["s.f", "S.F", "`s`.`f`", "a.b", "`a.b`", "x{y}", "with space", "back`tick", "`back``tick`", "m.key", "s.`g.h`"],
)
def test_a_column_is_found_by_any_name_that_people_write(session: SparkSession, name: str) -> None:
    session.sql(
        "SELECT named_struct('f', id, 'g.h', id) AS s, id AS `a.b`, id AS `x{y}`, id AS `with space`, "
        "id AS `back``tick`, if(id IS NULL, NULL, map('key', id)) AS m FROM VALUES (1), (1), (NULL) AS t(id)"
    ).createOrReplaceTempView("v")
    assert failure(session, not_null=[name]) == f"view 'v': column {name!r} is null in 1 of 3 rows"
    assert failure(session, unique=[name]) == f"view 'v': {name}: 1 values occur more than once"


def test_a_key_that_cannot_be_compared_is_named_beside_all_others(session: SparkSession) -> None:
    session.sql("SELECT 1 AS id, parse_json('1') AS value").createOrReplaceTempView("v")
    found = failure(session, unique=["id", "value"], min_rows=2)
    assert found.startswith("view 'v': 1 rows, expected at least 2; id, value cannot be compared: [")


def test_a_table_of_a_database_and_a_global_view_can_be_checked(session: SparkSession) -> None:
    session.sql("SELECT 1 AS id").createOrReplaceGlobalTempView("everywhere")
    check(session, "global_temp.everywhere", min_rows=1, conditions={"id": "everywhere.id = 1", "all": "max(id) = 1"})
    session.sql("CREATE OR REPLACE TEMP VIEW `select` AS SELECT 1 AS id")
    check(session, "select", min_rows=1, conditions={"id": "id = 1"})
