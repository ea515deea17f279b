"""Configs of the ready-made components: what is accepted and what a wrong one is told, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import compute_pipeline_fingerprint, load_pipeline_config

A_FILE = str(Path(__file__).parents[2] / "wheel" / "pipeline.yaml")


def load(kind: str, config: dict[str, Any]) -> str:
    path = f"airflow_provider.components.{kind}"
    pipeline = load_pipeline_config({"name": "p", "components": [{"name": "c", "class_path": path, "config": config}]})
    return compute_pipeline_fingerprint(pipeline)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("ReadData", {"output_view": "v", "path": "p"}),
        ("ReadData", {"output_view": "v", "path": ["p", "q"], "format": "csv", "options": {"header": True, "n": 1}}),
        ("ReadData", {"output_view": "v", "table": "db.t", "where": "x > 1"}),
        ("ReadData", {"output_view": "v", "format": "rate", "options": {"rowsPerSecond": 1}}),
        ("ReadData", {"output_view": "v", "path": "p", "schema": "id INT, name STRING"}),
        ("ReadData", {"output_view": "v", "path": "p", "schema": {"id": "INT"}, "select": ["*"]}),
        ("ReadData", {"output_view": "v", "path": "p", "schema": ["id INT", {"name": "n", "type": "STRING"}]}),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema_file": A_FILE, "select": {"n": "_metadata.file_name"}},
        ),
        ("ReadData", {"output_view": "v", "path": "p", "format": "CSV", "corrupt_records_view": "bad"}),
        ("ReadData", {"output_view": "v", "path": "p", "format": "json", "max_corrupt_records": 0}),
        ("RunSql", {"sql": "SELECT 1"}),
        ("RunSql", {"sql_file": __file__, "output_view": "v", "args": {"day": "2024-01-01", "n": 3}}),
        ("WriteData", {"input_view": "v", "path": "p"}),
        ("WriteData", {"input_view": "v", "table": "t", "mode": "append", "partition_by": ["day"]}),
        ("WriteData", {"input_view": "v", "table": "t", "mode": "insert_into"}),
        ("WriteData", {"input_view": "v", "table": "t", "mode": "overwritePartitions", "replace_table": True}),
        ("WriteData", {"input_view": "v", "path": "p", "mode": "overwrite_partitions", "partition_by": ["day"]}),
        ("WriteData", {"input_view": "v", "path": "p", "replace": "in_place"}),
        ("WriteData", {"input_view": "v", "format": "jdbc", "options": {"url": "u", "dbtable": "t"}}),
        ("CheckData", {"input_view": "v", "min_rows": 0}),
        ("CheckData", {"input_view": "v", "not_nan": ["a"], "not_empty": ["b"]}),
        ("CheckData", {"input_view": "v", "not_null": ["a"], "unique": ["a", "b"], "conditions": {"ok": "a > 0"}}),
    ],
)
def test_a_good_config_is_accepted(kind: str, config: dict[str, Any]) -> None:
    load(kind, config)


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("ReadData", {"path": "p"}, "field 'config.output_view': is missing"),
        ("ReadData", {"output_view": "", "path": "p"}, "field 'config.output_view': is empty"),
        ("ReadData", {"output_view": "v"}, "give 'path' or 'table' (or 'options' for a format that needs neither)"),
        ("ReadData", {"output_view": "v", "path": "p", "table": "t"}, "give 'path' or 'table', not both"),
        ("ReadData", {"output_view": "v", "path": "p", "opts": {}}, "did you mean 'options'?"),
        (
            "ReadData",
            {"output_view": "v", "path": ""},
            "'path' contains no path; a template in it may have rendered to nothing",
        ),
        ("ReadData", {"output_view": "v", "path": []}, "'path' contains no path"),
        ("ReadData", {"output_view": "v", "path": ["a", ""]}, "'path' contains no path"),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema": ""},
            "field 'config.schema': is empty; write {id: INT",
        ),
        ("ReadData", {"output_view": "v", "path": "p", "schema": 7}, "expected a schema, got a whole number"),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema": {"id": 7}},
            "field 'id' has a whole number for a type",
        ),
        ("ReadData", {"output_view": "v", "path": "p", "schema": {"at": {"x": ""}}}, "field 'x' has text for a type"),
        ("ReadData", {"output_view": "v", "path": "p", "schema": {True: "INT"}}, "the field True is a boolean"),
        ("ReadData", {"output_view": "v", "path": "p", "schema": [{"name": "id"}]}, "field 1 needs a name and a type"),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema": ["id INT", 3]},
            "field 2 is a whole number; write 'id INT'",
        ),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema": [{"name": "id", "type": "INT", "null": False}]},
            "field 'id': null is not a known key; choose from name, type, nullable",
        ),
        ("ReadData", {"output_view": "v", "path": "p", "schema": "{"}, "is not valid JSON: line 1"),
        ("ReadData", {"output_view": "v", "path": "p", "schema": '{"a": "INT", "a": "INT"}'}, "'a' occurs twice"),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "schema_file": "s.xlsx"},
            "has an unknown ending; choose from .ddl",
        ),
        ("ReadData", {"output_view": "v", "path": "p", "schema": "a INT", "schema_file": "s.ddl"}, "not both"),
        ("ReadData", {"output_view": "v", "table": "t", "schema": "a INT"}, "a table has its own schema"),
        ("ReadData", {"output_view": "v", "path": "p", "select": "*"}, "expected a list of expressions or a mapping"),
        ("ReadData", {"output_view": "v", "path": "p", "select": []}, "is empty; remove it to select all columns"),
        ("ReadData", {"output_view": "v", "path": "p", "max_corrupt_records": 0}, "only the formats csv, json, xml"),
        (
            "ReadData",
            {"output_view": "v", "table": "t", "corrupt_records_view": "b"},
            "only the formats csv, json, xml",
        ),
        (
            "ReadData",
            {
                "output_view": "v",
                "path": "p",
                "format": "csv",
                "options": {"MODE": "dropMalformed"},
                "max_corrupt_records": 0,
            },
            "with the option mode DROPMALFORMED Spark keeps no corrupt records; remove that option",
        ),
        (
            "ReadData",
            {"output_view": "v", "path": "p", "format": "csv", "corrupt_records_view": "v"},
            "must be different views",
        ),
        ("RunSql", {}, "give either 'sql' or 'sql_file'"),
        ("RunSql", {"sql": "SELECT 1", "sql_file": "x"}, "give either 'sql' or 'sql_file'"),
        ("RunSql", {"sql": ""}, "field 'config.sql': is empty"),
        ("RunSql", {"query": "SELECT 1"}, "field 'config.query': is not a known field"),
        ("WriteData", {"input_view": "v"}, "give either 'path' or 'table'"),
        ("WriteData", {"input_view": "v", "path": "p", "table": "t"}, "give either 'path' or 'table'"),
        ("WriteData", {"input_view": "v", "path": "p", "mode": "upsert"}, "field 'config.mode': must be"),
        ("WriteData", {"input_view": "v", "path": "p", "partition_by": "day"}, "expected a list, got text"),
        ("WriteData", {"input_view": "v", "path": "p", "mode": "insert_into"}, "adds rows to a table"),
        ("WriteData", {"input_view": "v", "path": "p", "mode": "overwrite_partitions"}, "needs 'partition_by'"),
        (
            "WriteData",
            {"input_view": "v", "path": "p", "replace_table": True},
            "'replace_table' applies only to 'table'",
        ),
        ("WriteData", {"input_view": "v", "format": "csv", "options": {"sep": ";"}}, "give either 'path' or 'table'"),
        ("CheckData", {"input_view": "v"}, "nothing to check; give min_rows, max_rows, not_null, unique or conditions"),
        ("CheckData", {"input_view": "v", "not_null": []}, "nothing to check"),
        ("CheckData", {"input_view": "v", "min_rows": -1}, "field 'config.min_rows': must be greater"),
    ],
)
def test_a_wrong_config_is_refused_with_the_remedy(kind: str, config: dict[str, Any], message: str) -> None:
    """Invariant 10: a config error fails at once, before Spark is even opened."""
    with pytest.raises(PipelineConfigError) as caught:
        load(kind, config)
    assert str(caught.value).startswith("pipeline config")
    assert "component 'c', field 'config" in str(caught.value)
    assert message in str(caught.value)


def test_fewest_rows_above_most_rows_is_refused() -> None:
    """Such a check can never hold."""
    with pytest.raises(PipelineConfigError, match="min_rows"):
        load("CheckData", {"input_view": "v", "min_rows": 10, "max_rows": 5})


@pytest.mark.parametrize("field", ["schema", "select"])
def test_the_order_of_columns_counts_for_the_fingerprint(field: str) -> None:
    """Other columns of a CSV file would be read, and a later insert goes by position."""
    config = {"output_view": "v", "path": "p", "format": "csv"}
    one = load("ReadData", {**config, field: {"a": "INT", "b": "INT"}})
    assert one == load("ReadData", {**config, field: {"a": "INT", "b": "INT"}})
    assert one != load("ReadData", {**config, field: {"b": "INT", "a": "INT"}})
    options = load("ReadData", {**config, "options": {"header": True, "sep": ";"}})
    assert options == load("ReadData", {**config, "options": {"sep": ";", "header": True}})
