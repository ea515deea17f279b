"""``render_template_as_native_obj``: text without a template stays text, and a template becomes what can be meant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider.operators.pipeline.native_values import text_where_meant
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

PARAMS = {"n": 3, "version": "1.10", "day": "20260131", "yes": "True", "map": {"a": 1}, "code": "1e5", "many": "1_000"}
SQL = "airflow_provider.components.RunSql"
READ = "airflow_provider.components.ReadData"


def step(spark: Any, anything: Any = None, word: str = "", words: list[str] | None = None, count: int = 0) -> None: ...


def task(pipeline: Any = "p.yaml", *, native: bool = True, **options: Any) -> PySparkPipelineOperator:
    with DAG("d", start_date=datetime(2026, 1, 1), schedule=None, render_template_as_native_obj=native):
        return PySparkPipelineOperator(task_id="t", pipeline=pipeline, **options)


def rendered(pipeline: Any, **options: Any) -> Any:
    operator = task(pipeline, **options)
    operator.render_template_fields({"params": PARAMS})  # type: ignore[typeddict-item]
    return operator.pipeline.content


def config(values: dict[str, Any], class_path: Any = step) -> Any:
    content = {"name": "p", "components": [{"name": "a", "class_path": class_path, "config": values}]}
    return rendered(content)["components"][0]["config"]


@pytest.mark.parametrize(
    "text",
    ["1.10", "True", "None", "1e5", "007", "(1, 2)", "[1]", "{'a': 1}", "'quoted'", "0x10", "1_000", "a\n", " 1"],
)
def test_text_that_holds_no_template_stays_as_it_is(text: str) -> None:
    """At any depth, for any component, and in the operator's own fields."""
    values = {"anything": text, "words": [text, {"deep": text}]}
    assert config(values) == values
    assert config({"sql": "SELECT :x", "args": {"x": text}}, SQL)["args"] == {"x": text}
    operator = task(spark_conf={"my.x": text}, conn_id=text)
    operator.render_template_fields({"params": PARAMS})  # type: ignore[typeddict-item]
    assert (operator.spark_conf, operator.conn_id) == ({"my.x": text}, text)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ params.n }}", 3),
        ("{{ [params.n, 'x'] }}", [3, "x"]),
        ("{{ params.map }}", {"a": 1}),
        ("{{ params.version }}", 1.1),
        ("{{ params.yes }}", True),
        ("a{{ params.n }}", "a3"),
        ("{{ none }}", None),
        ("{# nothing #}", None),
    ],
)
def test_a_template_becomes_a_value_as_airflow_makes_it(template: str, value: Any) -> None:
    """Where the component takes anything."""
    assert config({"anything": template})["anything"] == value


@pytest.mark.parametrize(
    ("values", "class_path", "found"),
    [
        ({"word": "{{ params.version }}"}, step, {"word": "1.10"}),
        ({"word": "{{ params.day }}_1"}, step, {"word": "20260131_1"}),
        ({"words": ["{{ params.day }}"]}, step, {"words": ["20260131"]}),
        ({"count": "{{ params.n }}"}, step, {"count": 3}),
        ({"sql": "{{ params.code }}"}, SQL, {"sql": "1e5"}),
        ({"output_view": "{{ params.many }}"}, SQL, {"output_view": "1_000"}),
        ({"path": "{{ params.day }}"}, READ, {"path": "20260131"}),
        ({"path": ["{{ params.day }}", "{{ params.version }}"]}, READ, {"path": ["20260131", "1.10"]}),
        (
            {"options": {"header": "{{ params.yes }}", "rows": "{{ params.n }}"}},
            READ,
            {"options": {"header": True, "rows": "3"}},
        ),
    ],
)
def test_where_only_text_is_taken_a_template_stays_text(
    values: dict[str, Any], class_path: Any, found: dict[str, Any]
) -> None:
    more = {"output_view": "v", "format": "csv"} if class_path == READ else {}
    assert config(values | more, class_path) == found | more


def test_names_versions_tags_and_spark_properties_are_text() -> None:
    content = {
        "name": "{{ params.day }}",
        "version": "{{ params.version }}",
        "tags": {"release": "{{ params.version }}"},
        "spark": {"spark_conf": {"my.version": "{{ params.version }}"}, "executor_cores": "{{ params.n }}"},
        "components": [{"name": "{{ params.day }}", "class_path": step, "depends_on": ["{{ params.many }}"]}],
    }
    found = rendered(content)
    (component,) = found.pop("components")
    assert found == {
        "name": "20260131",
        "version": "1.10",
        "tags": {"release": "1.10"},
        "spark": {"spark_conf": {"my.version": "1.10"}, "executor_cores": 3},
    }
    assert (component["name"], component["depends_on"]) == ("20260131", ["1_000"])


def test_spark_properties_of_the_operator_are_text_and_a_whole_mapping_is_one() -> None:
    """The operator's other fields as well; in ``restart_from`` and a function's arguments a number is one."""
    operator = task(
        spark_conf={"my.version": "{{ params.version }}", "my.flag": "{{ params.yes }}"}, conn_id="{{ params.day }}"
    )
    operator.render_template_fields({"params": PARAMS})  # type: ignore[typeddict-item]
    assert operator.spark_conf == {"my.version": "1.10", "my.flag": True}
    assert operator.conn_id == "20260131"
    whole = task(spark_conf="{{ params.map }}")
    whole.render_template_fields({"params": PARAMS})  # type: ignore[typeddict-item]
    assert whole.spark_conf == {"a": 1}


def test_what_is_no_template_is_left_alone() -> None:
    """Numbers that the author wrote as numbers."""
    written = {"name": "p", "version": 1.1, "components": [{"name": 7}]}
    assert text_where_meant(written, written, str) == written


def test_without_native_objects_everything_is_text_as_before() -> None:
    content = {"name": "p", "components": [{"name": "a", "class_path": step, "config": {"anything": "{{ params.n }}"}}]}
    operator = task(content, native=False)
    operator.render_template_fields({"params": PARAMS})  # type: ignore[typeddict-item]
    assert operator.pipeline.content["components"][0]["config"] == {"anything": "3"}
