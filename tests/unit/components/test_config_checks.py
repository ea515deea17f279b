"""What a ready-made component's config gets wrong and needs no data to be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.operators.pipeline.source import with_policies
from airflow_provider.runner import load_pipeline_config
from airflow_provider.runner.config.config_file import read_config_file
from airflow_provider.runner.config.config_loader import config_warnings

READY = "airflow_provider.components"


def pipeline(kind: str, **config: Any) -> dict[str, Any]:
    return {"name": "p", "components": [{"name": "a", "class_path": f"{READY}.{kind}", "config": config}]}


def problems(kind: str, **config: Any) -> list[ConfigProblem]:
    try:
        load_pipeline_config(pipeline(kind, **config))
    except PipelineConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("name", ["v", "my_view", "V2", "2nd", "_x", "`my-view`", "` a `", "`a.b`", "`größe`"])
def test_a_name_that_spark_takes_is_no_problem(name: str) -> None:
    assert problems("RunSql", sql="SELECT 1", output_view=name) == []
    assert problems("CheckData", input_view=name, min_rows=1) == []
    assert problems("CheckData", input_view=f"cat.db.{name}", min_rows=1) == []


@pytest.mark.parametrize(
    "name", ["my-view", "a b", "a/b", "12", "2e3", "v;", "`a", "a`b", "-", "a:b", "{v}", "größe", "SELECT 1"]
)
@pytest.mark.parametrize("kind", ["RunSql", "ReadData"])
def test_a_name_that_spark_does_not_take_is_one_problem(name: str, kind: str) -> None:
    config = {"sql": "SELECT 1"} if kind == "RunSql" else {"path": "x"}
    (problem,) = problems(kind, output_view=name, **config)
    assert problem.field == "config.output_view"
    assert "not a valid view name" in problem.message


@pytest.mark.parametrize("name", ["db.v", "global_temp.v", "cat.db.v", "`a`.b"])
def test_a_temp_view_takes_no_database(name: str) -> None:
    (problem,) = problems("RunSql", sql="SELECT 1", output_view=name)
    assert "a temp view belongs to no database" in problem.message


@pytest.mark.parametrize(
    ("kind", "field", "config"),
    [
        ("CheckData", "input_view", {"min_rows": 1}),
        ("WriteData", "input_view", {"path": "x"}),
        ("WriteData", "table", {"input_view": "v"}),
        ("ReadData", "table", {"output_view": "v"}),
    ],
)
def test_what_is_read_or_written_by_name_needs_a_name(kind: str, field: str, config: dict[str, Any]) -> None:
    (problem,) = problems(kind, **{**config, field: "my-table"})
    assert problem.field == f"config.{field}"
    assert problems(kind, **{**config, field: "`my-table`"}) == []
    assert problems(kind, **{**config, field: "db.orders"}) == []


@pytest.mark.parametrize(
    "sql", ["load.sql", "sql/load.sql", "/data/load.SQL", "./x.hql", " load.sql\n", "s3://b/x.sql"]
)
def test_a_file_name_in_place_of_a_statement_names_the_field_for_files(sql: str) -> None:
    (problem,) = problems("RunSql", sql=sql)
    assert problem.field == "config.sql"
    assert "is a file name; write it as sql_file" in problem.message


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM db.sql", "DROP TABLE x.sql", "TABLE t", "SELECT 'load.sql'", "SHOW TABLES"]
)
def test_a_statement_is_no_file(sql: str) -> None:
    assert problems("RunSql", sql=sql) == []


@pytest.mark.parametrize("sql", [" ", ";", "-- nothing\n", "/* nothing */ ;"])
def test_an_empty_statement_is_a_problem(sql: str) -> None:
    (problem,) = problems("RunSql", sql=sql)
    assert problem.message == "contains no statement"


def test_a_missing_file_is_reported_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        f"name: p\ncomponents: [{{name: a, class_path: {READY}.RunSql, config: {{sql_file: sql/x.sql}}}}]",
        encoding="utf-8",
    )
    with pytest.raises(PipelineConfigError, match=f"the file '{tmp_path}/sql/x.sql' does not exist"):
        load_pipeline_config(file)
    (tmp_path / "sql" / "x.sql").mkdir(parents=True)
    with pytest.raises(PipelineConfigError, match="is a directory; name a file in it"):
        load_pipeline_config(file)
    (tmp_path / "sql" / "x.sql").rmdir()
    (tmp_path / "sql" / "x.sql").write_text("SELECT 1")
    load_pipeline_config(file)


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("ReadData", {"output_view": "v", "path": "['a', 'b']"}, "config.path"),
        ("ReadData", {"output_view": "v", "path": '["a"]'}, "config.path"),
        ("WriteData", {"input_view": "v", "path": "x", "partition_by": "['a']"}, "config.partition_by"),
        ("CheckData", {"input_view": "v", "not_null": "[]"}, "config.not_null"),
        ("RunSql", {"sql": "SELECT 1", "args": "{'a': 1}"}, "config.args"),
        ("ReadData", {"output_view": "v", "options": "{'a': 1}"}, "config.options"),
    ],
)
def test_a_list_or_mapping_that_a_template_made_text_is_reported_as_that(
    kind: str, config: dict[str, Any], field: str
) -> None:
    (problem,) = problems(kind, **config)
    assert problem.field == field
    assert "render_template_as_native_obj=True" in problem.message


@pytest.mark.parametrize("path", ["part[0-9]*.csv", "[ab].csv", "{a,b}/x", "s3://b/[2026]/"])
def test_a_pattern_is_no_list(path: str) -> None:
    assert problems("ReadData", output_view="v", path=path) == []


@pytest.mark.parametrize(
    ("kind", "config", "told"),
    [
        (
            "ReadData",
            {"output_view": "v", "path": "x", "options": {"a": {"b": 1}}},
            "field 'config.options.a': expected text, got a mapping",
        ),
        (
            "ReadData",
            {"output_view": "v", "path": "x", "options": {"a": None}},
            "field 'config.options.a': has no value; give it one, or remove it",
        ),
        (
            "ReadData",
            {"output_view": "v", "path": {"a": 1}},
            "field 'config.path': expected text or a list, got a mapping",
        ),
        (
            "ReadData",
            {"output_view": "v", "path": ["a", {"b": 1}]},
            "field 'config.path.1': expected text, got a mapping",
        ),
        (
            "ReadData",
            {"output_view": {"a": 1}, "path": "x"},
            "field 'config.output_view': expected text, got a mapping",
        ),
        ("RunSql", {"sql": ["SELECT 1"]}, "field 'config.sql': expected text, got a list"),
        (
            "CheckData",
            {"input_view": "v", "min_rows": "many"},
            "field 'config.min_rows': expected a whole number, got text",
        ),
        ("CheckData", {"input_view": "v", "unique": "id"}, "field 'config.unique': expected a list, got text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_problem_in_the_authors_words(
    kind: str, config: dict[str, Any], told: str
) -> None:
    (problem,) = problems(kind, **config)
    assert str(problem) == f"component 'a', {told}"


FOLDED = {
    "a condition": "SELECT * FROM range(5)  -- all of them\n        WHERE id > 3",
    "a column": "SELECT a, -- first\n        b FROM t",
    "a word": "SELECT a -- first\n        AS x",
    "the middle of three": "SELECT a\n        FROM t -- all\n        LIMIT 3",
}
NOT_FOLDED = {
    "at the end": "SELECT a\n        FROM t -- all of them, from where they are",
    "in a string": "SELECT '-- x'\n        FROM t WHERE a = '--'",
    "in a name": "SELECT `a--b`\n        FROM t",
    "in a comment": "SELECT a /* -- x */\n        FROM t",
    "a line of its own": "SELECT a -- x\n\n        FROM t",
}


@pytest.mark.parametrize("style", [">", ">-", '"', ""])
@pytest.mark.parametrize(
    ("sql", "warned"),
    [*((sql, True) for sql in FOLDED.values()), *((sql, False) for sql in NOT_FOLDED.values())],
    ids=[*FOLDED, *NOT_FOLDED],
)
def test_a_comment_in_a_folded_statement_is_a_warning(style: str, sql: str, tmp_path: Path, *, warned: bool) -> None:
    value = f'"{sql}"' if style == '"' else sql if not style else f"{style}\n        {sql}"
    if style == "" and ("'" in sql or "`" in sql):
        value = f"x {sql}"
    file = tmp_path / "p.yaml"
    file.write_text(
        f"name: p\ncomponents:\n  - name: a\n    class_path: {READY}.RunSql\n    config:\n      sql: {value}\n",
        encoding="utf-8",
    )
    found = [warning.field for warning in config_warnings(load_pipeline_config(file))]
    assert found == (["config.sql"] if warned else [])


def test_a_statement_that_keeps_its_lines_is_no_warning(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    for sql in FOLDED.values():
        component = f"  - name: a\n    class_path: {READY}.RunSql\n    config:\n      sql: |\n        {sql}\n"
        file.write_text(f"name: p\ncomponents:\n{component}")
        assert config_warnings(load_pipeline_config(file)) == []


@pytest.mark.parametrize(
    ("sql", "warned"),
    [
        ("SELECT * FROM t -- all WHERE id > 3", True),
        ("select * from t -- all where id > 3", True),
        ("select * from t -- these group by id", True),
        ("select * from t -- these limit 10", True),
        ("select a -- first, b from t where x = 1", True),
        ("SELECT 1 -- from where we are", False),
        ("SELECT * FROM t -- WHERE a = 1", False),
        ("select * from t --where a = 1", False),
        ("SELECT a FROM t -- JOIN comes later", False),
        ("SELECT a FROM t JOIN u -- OR and AND are the same here", False),
        ("select 1 -- from the start", False),
        ("select 1 -- where it begins and ends", False),
        ("SELECT '--' FROM t WHERE a = 1", False),
        ('SELECT "-- WHERE a = 1" FROM t', False),
        ("SELECT 'it''s -- WHERE a = 1' FROM t", False),
        ("SELECT 1 - -1 AS a FROM t WHERE b = 2", False),
        ("SELECT a -- x\nFROM t -- y\nWHERE a = 1", False),
        ("/* -- */ SELECT a FROM t", False),
    ],
)
def test_a_statement_on_one_line_is_a_warning_if_sql_follows_the_comment(sql: str, *, warned: bool) -> None:
    assert bool(config_warnings(load_pipeline_config(pipeline("RunSql", sql=sql)))) is warned


def test_a_folded_statement_is_known_as_that_after_airflow_has_rendered_it(tmp_path: Path) -> None:
    """Airflow makes new text of every text."""
    file = tmp_path / "p.yaml"
    sql = "SELECT {{ a }}, -- first\n        b FROM t"
    component = f"  - name: a\n    class_path: {READY}.RunSql\n    config:\n      sql: >\n        {sql}\n"
    file.write_text(f"name: p\ncomponents:\n{component}")
    written = read_config_file(file)
    component_there = {**written["components"][0], "config": {"sql": "SELECT 1, -- first b FROM t"}}
    content = {**written, "components": [component_there]}
    config = with_policies(RenderedPipeline("p.yaml", written, content, str(file)), {})
    assert [warning.field for warning in config_warnings(config)] == ["config.sql"]


def test_validate_prints_warnings_and_still_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        f"name: p\ncomponents:\n  - name: a\n    class_path: {READY}.RunSql\n    config:\n"
        "      sql: >\n        SELECT 1 -- one\n        WHERE true\n"
        f"  - name: b\n    class_path: {READY}.CheckData\n"
        "    config: {input_view: v, conditions: {c: 'a > 1 -- why AND b > 2'}}\n"
    )
    assert run_command_line(["validate", str(file)]) == 0
    out = capsys.readouterr().out
    assert "warning: component 'a', field 'config.sql': after '--' the rest of the line is a comment" in out
    assert "warning: component 'b', field 'config.conditions.c'" in out
