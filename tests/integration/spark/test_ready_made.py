"""The ready-made components on a real Spark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.errors import DataCheckError, DataReadError, PipelineConfigError
from airflow_provider.runner import ComponentConfig, PipelineConfig, SimplePipelineRunner, load_pipeline_config

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run(session: SparkSession, kind: str, **config: Any) -> None:
    """Run one ready-made component in a pipeline; raise what it raised."""
    component = ComponentConfig(name="c", class_path=f"airflow_provider.components.{kind}", config=config)
    result = SimplePipelineRunner(PipelineConfig(name="p", components=[component]), spark=session).run()
    for _, error in result.failed_components:
        raise error


def rows(session: SparkSession, view: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in session.table(view).collect())


@pytest.fixture
def people(session: SparkSession) -> str:
    """A view of three people."""
    session.sql(
        "SELECT * FROM VALUES (1, 'ann', 'x'), (2, 'bob', 'y'), (3, 'cy', 'x') AS t(id, name, team)"
    ).createOrReplaceTempView("people")
    return "people"


@pytest.fixture
def table(session: SparkSession) -> Any:
    """The name of a table that is dropped after the test: tables are shared by all sessions."""
    name = f"t_{uuid4().hex}"
    yield name
    session.sql(f"DROP TABLE IF EXISTS {name}")


# ReadData


def test_read_takes_options_and_a_schema(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id;name\n1;ann\n2;bob\n")
    run(
        session,
        "ReadData",
        path=str(tmp_path / "in.csv"),
        format="csv",
        options={"header": True, "sep": ";"},
        schema="id INT, name STRING",
        output_view="v",
    )
    assert rows(session, "v") == [(1, "ann"), (2, "bob")]
    assert session.table("v").dtypes == [("id", "int"), ("name", "string")]


def test_read_takes_a_list_of_paths_and_a_condition(session: SparkSession, tmp_path: Path) -> None:
    for name in ("a", "b"):
        session.range(3).write.json(str(tmp_path / name))
    paths = [str(tmp_path / name) for name in ("a", "b")]
    run(session, "ReadData", path=paths, format="json", where="id > 0", output_view="v")
    assert rows(session, "v") == [(1,), (1,), (2,), (2,)]


def test_read_takes_parquet_by_default(session: SparkSession, tmp_path: Path) -> None:
    session.range(2).write.parquet(str(tmp_path / "in"))
    run(session, "ReadData", path=str(tmp_path / "in"), output_view="v")
    assert rows(session, "v") == [(0,), (1,)]


def test_read_data_can_read_a_table_instead_of_a_path(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    run(session, "ReadData", table=table, where="id < 2", output_view="v")
    assert rows(session, "v") == [(0,), (1,)]


def test_read_needs_no_path_for_a_format_that_has_none(session: SparkSession) -> None:
    """Formats such as ``jdbc`` take everything from their options."""
    with pytest.raises(Exception, match=r"(?i)dbtable|query"):
        run(session, "ReadData", format="jdbc", options={"url": "jdbc:none:x"}, output_view="v")


def test_read_of_a_missing_path_fails(session: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(DataReadError, match="there is no file or directory"):
        run(session, "ReadData", path=str(tmp_path / "no"), output_view="v")


def test_reading_again_replaces_the_view(session: SparkSession, people: str, tmp_path: Path) -> None:
    """At-least-once: a component that runs again must not fail because of its first try."""
    session.range(1).write.parquet(str(tmp_path / "in"))
    for _ in range(2):
        run(session, "ReadData", path=str(tmp_path / "in"), output_view=people)
    assert rows(session, people) == [(0,)]


# RunSql


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM people WHERE id > 1",
        "SELECT id FROM people WHERE id > 1;",
        "\n  SELECT id FROM people WHERE id > 1 ;\n\n",
        "-- those above one; not the others\nSELECT id FROM people WHERE id > 1;",
    ],
)
def test_sql_leaves_its_result_as_a_view(session: SparkSession, people: str, statement: str) -> None:
    run(session, "RunSql", sql=statement, output_view="v")
    assert rows(session, "v") == [(2,), (3,)]


def test_sql_keeps_a_semicolon_inside_a_text(session: SparkSession) -> None:
    run(session, "RunSql", sql="SELECT ';' AS a, 'x;'", output_view="v")
    assert rows(session, "v") == [(";", "x;")]


def test_sql_takes_named_parameters_as_values_and_never_as_text(session: SparkSession, people: str) -> None:
    run(
        session,
        "RunSql",
        sql="SELECT id FROM people WHERE name = :name OR id = :id",
        args={"name": "ann' OR '1' = '1", "id": 2},
        output_view="v",
    )
    assert rows(session, "v") == [(2,)]


def test_sql_is_run_for_its_effect_without_an_output_view(session: SparkSession, people: str, table: str) -> None:
    run(session, "RunSql", sql=f"CREATE TABLE {table} AS SELECT * FROM people")
    assert session.table(table).count() == 3


def test_sql_from_a_file_is_found_next_to_the_pipeline_file(
    session: SparkSession, people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "names.sql").write_text("SELECT upper(name) || ' é' AS name\nFROM people;\n", encoding="utf-8")
    (tmp_path / "p.yaml").write_text(
        "name: p\ncomponents:\n  - name: c\n    class_path: airflow_provider.components.RunSql\n"
        "    config: {sql_file: sql/names.sql, output_view: v}\n"
    )
    monkeypatch.chdir("/")
    SimplePipelineRunner(load_pipeline_config(tmp_path / "p.yaml"), spark=session).run()
    assert rows(session, "v") == [("ANN é",), ("BOB é",), ("CY é",)]


def test_a_missing_file_of_sql_is_a_problem_before_anything_runs(session: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(PipelineConfigError, match=r"no\.sql' does not exist"):
        run(session, "RunSql", sql_file=str(tmp_path / "no.sql"))


# WriteData


@pytest.mark.parametrize(("mode", "expected"), [("overwrite", 3), ("append", 6), ("ignore", 3)])
def test_write_twice_does_what_the_mode_says(
    session: SparkSession, people: str, tmp_path: Path, mode: str, expected: int
) -> None:
    for _ in range(2):
        run(session, "WriteData", input_view=people, path=str(tmp_path / "out"), mode=mode)
    assert session.read.parquet(str(tmp_path / "out")).count() == expected


@pytest.mark.parametrize("mode", ["error", "errorifexists"])
def test_write_refuses_to_overwrite_with_mode_error(
    session: SparkSession, people: str, tmp_path: Path, mode: str
) -> None:
    run(session, "WriteData", input_view=people, path=str(tmp_path / "out"), mode=mode)
    with pytest.raises(Exception, match="PATH_ALREADY_EXISTS"):
        run(session, "WriteData", input_view=people, path=str(tmp_path / "out"), mode=mode)


def test_write_overwrites_by_default(session: SparkSession, people: str, tmp_path: Path) -> None:
    """The default can be repeated safely."""
    for _ in range(2):
        run(session, "WriteData", input_view=people, path=str(tmp_path / "out"))
    assert session.read.parquet(str(tmp_path / "out")).count() == 3


def test_write_partitions_and_takes_options(session: SparkSession, people: str, tmp_path: Path) -> None:
    run(
        session,
        "WriteData",
        input_view=people,
        path=str(tmp_path / "out"),
        format="csv",
        partition_by=["team"],
        options={"header": True},
    )
    assert {path.name for path in (tmp_path / "out").glob("team=*")} == {"team=x", "team=y"}
    (part,) = (tmp_path / "out" / "team=y").glob("*.csv")
    assert part.read_text() == "id,name\n2,bob\n"


def test_write_data_can_save_a_table(session: SparkSession, people: str, table: str) -> None:
    for _ in range(2):
        run(session, "WriteData", input_view=people, table=table, partition_by=["team"])
    assert rows(session, table) == [(1, "ann", "x"), (2, "bob", "y"), (3, "cy", "x")]


# CheckData


@pytest.fixture
def odd(session: SparkSession) -> str:
    """A view with nulls, doubles and names that need quoting. ``a.b`` is a column, ``s.f`` a field of a struct."""
    session.sql(
        """
        SELECT id, name, id AS `with space`, name AS `a.b`, id AS `back``tick`, named_struct('f', name) AS s
        FROM VALUES (1, 'ann'), (2, 'bob'), (2, 'bob'), (3, NULL), (NULL, NULL) AS t(id, name)
        """
    ).createOrReplaceTempView("odd")
    return "odd"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"min_rows": 6}, "5 rows, expected at least 6"),
        ({"max_rows": 4}, "5 rows, expected at most 4"),
        ({"not_null": ["name"]}, "column 'name' is null in 2 of 5 rows"),
        ({"not_null": ["id", "name"]}, "column 'id' is null in 1 of 5 rows; column 'name' is null in 2 of 5 rows"),
        ({"not_null": ["with space"]}, "column 'with space' is null in 1 of 5 rows"),
        ({"not_null": ["`a.b`"]}, "column '`a.b`' is null in 2 of 5 rows"),
        ({"not_null": ["back`tick"]}, "column 'back`tick' is null in 1 of 5 rows"),
        ({"not_null": ["s.f"]}, "column 's.f' is null in 2 of 5 rows"),
        ({"unique": ["id"]}, "id: 1 values occur more than once"),
        ({"unique": ["id", "name"]}, "id, name: 1 values occur more than once"),
        ({"unique": ["with space", "`a.b`", "back`tick", "s.f"]}, "with space, `a.b`, back`tick, s.f: 1 values occur "),
        ({"conditions": {"positive": "id > 1"}}, "'positive' (id > 1) does not hold in 2 of 5 rows"),
        ({"conditions": {"named": "name IS NOT NULL"}}, "'named' (name IS NOT NULL) does not hold in 2 of 5 rows"),
        (
            {"min_rows": 6, "not_null": ["id"], "unique": ["id"], "conditions": {"low": "id < 3", "any": "true"}},
            "5 rows, expected at least 6; column 'id' is null in 1 of 5 rows; "
            "'low' (id < 3) does not hold in 2 of 5 rows; id: 1 values occur more than once",
        ),
    ],
    ids=str,
)
def test_a_check_that_does_not_hold_fails_with_the_counts(
    session: SparkSession, odd: str, rule: dict[str, Any], message: str
) -> None:
    """A row for which a condition is null does not meet it."""
    with pytest.raises(DataCheckError) as caught:
        run(session, "CheckData", input_view=odd, **rule)
    assert str(caught.value).startswith(f"view 'odd': {message}")


@pytest.mark.parametrize(
    "rule",
    [
        {"min_rows": 3, "max_rows": 3},
        {"not_null": ["id", "name", "team"]},
        {"unique": ["id"]},
        {"unique": ["team", "name"]},
        {"conditions": {"low": "id < 4", "known team": "team IN ('x', 'y')"}},
        {"min_rows": 1, "not_null": ["id"], "unique": ["id"], "conditions": {"low": "id < 4"}},
    ],
    ids=str,
)
def test_a_check_that_holds_passes(session: SparkSession, people: str, rule: dict[str, Any]) -> None:
    run(session, "CheckData", input_view=people, **rule)


def test_rows_with_a_null_in_the_key_do_not_count_for_uniqueness(session: SparkSession) -> None:
    session.sql("SELECT * FROM VALUES (NULL, 1), (NULL, 1), (1, 1) AS t(a, b)").createOrReplaceTempView("v")
    run(session, "CheckData", input_view="v", unique=["a", "b"])


def test_a_key_column_called_rows_or_count_is_no_problem(session: SparkSession) -> None:
    session.sql("SELECT * FROM VALUES (1, 1), (1, 2) AS t(rows, count)").createOrReplaceTempView("v")
    run(session, "CheckData", input_view="v", unique=["rows", "count"])
    with pytest.raises(DataCheckError, match="rows: 1 values occur more than once"):
        run(session, "CheckData", input_view="v", unique=["rows"])


def test_empty_data_meets_every_rule_but_a_minimum_of_rows(session: SparkSession, people: str) -> None:
    session.table(people).where("false").createOrReplaceTempView("none")
    run(
        session,
        "CheckData",
        input_view="none",
        min_rows=0,
        max_rows=0,
        not_null=["id"],
        unique=["id"],
        conditions={"x": "id > 0"},
    )
    with pytest.raises(DataCheckError, match="view 'none': 0 rows, expected at least 1"):
        run(session, "CheckData", input_view="none", min_rows=1)


def test_a_check_of_an_unknown_column_fails_and_names_it(session: SparkSession, people: str) -> None:
    with pytest.raises(Exception, match="nmae"):
        run(session, "CheckData", input_view=people, not_null=["nmae"])
