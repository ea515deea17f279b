"""A wrong pipeline in a DAG file is an import error, as far as it is wrong whatever its templates come to."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from airflow_provider.runner import PipelineConfig, load_pipeline_config

SQL = "airflow_provider.components.RunSql"


def step(spark: Any, path: str) -> None: ...


def pipeline(*components: Any, **more: Any) -> dict[str, Any]:
    return {"name": "p", "components": [{"name": "a", "class_path": "nowhere.a"}, *components], **more}


def task(content: Any, **more: Any) -> PySparkPipelineOperator:
    return PySparkPipelineOperator(task_id="t", pipeline=content, **more)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pipeline({"name": "b", "class_path": SQL, "config": {"sq": "x"}}), "component 'b', field 'config.sq'"),
        (pipeline({"name": "b", "class_path": "n.b", "depends_on": ["z"]}), "unknown component 'z'"),
        (pipeline({"name": "b", "class_path": step, "config": {"pth": "x"}}), "component 'b', field 'config.pth'"),
        (pipeline({"name": "b"}, on_clear="never"), "component 'b', field 'class_path': is missing"),
        ({}, "field 'components': is missing"),
        (pipeline({"name": "{{ ds }}", "class_path": "n.b", "retry": {"max": 1}}), "field 'retry.max'"),
    ],
)
def test_what_is_wrong_for_certain_is_an_import_error(content: Any, problem: str) -> None:
    """With the words of ``validate``, which are those of the run as well."""
    with pytest.raises(PipelineConfigError) as caught:
        task(content)
    assert problem in str(caught.value)
    with pytest.raises(PipelineConfigError) as told:
        load_pipeline_config(content)
    assert set(caught.value.problems) <= set(told.value.problems)


@pytest.mark.parametrize(
    "content",
    [
        pipeline(),
        pipeline({"name": "b", "class_path": "n.b", "enabled": "{{ params.on }}"}),
        pipeline({"name": "b", "class_path": "n.b", "depends_on": ["{{ params.before }}"]}),
        pipeline({"name": "{{ ds }}", "class_path": "n.b"}, restart_from="z"),
        pipeline({"name": "b", "class_path": "n.b", "retry": {"max_attempts": "{{ params.n }}"}}),
        pipeline({"name": "b", "class_path": "{{ params.path }}"}),
        pipeline({"name": "b", "class_path": SQL, "config": "{{ params.config }}"}),
        {"name": "p", "components": "{{ params.components }}"},
        PipelineConfig(name="p", components=[{"name": "a", "class_path": "nowhere.a"}]),
        "no such file.yaml",
        "{{ params.file }}",
    ],
)
def test_what_only_the_run_can_know_is_left_to_it(content: Any) -> None:
    """Modules that are not there, files, and whatever a template may come to."""
    task(content)


def test_the_check_imports_no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """The DAG processor may not even have it."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    task(pipeline({"name": "b", "class_path": SQL, "config": {"sql": "SELECT 1"}}))


def test_a_file_is_checked_if_that_is_asked_for(tmp_path: Path) -> None:
    """Also whether its components can be imported; not for a driver, which has modules of its own."""
    file = tmp_path / "p.yaml"
    file.write_text("name: p\ncomponents:\n  - {name: a, class_path: nowhere.a}\n")
    with pytest.raises(PipelineConfigError) as caught:
        task(str(file), validate_when_parsed=True)
    with pytest.raises(PipelineConfigError) as told:
        load_pipeline_config(file)
    assert str(caught.value) == str(told.value)

    submit = {"task_id": "t", "checkpoint_url": "s3a://b/c", "validate_when_parsed": True}
    PySparkPipelineSubmitOperator(pipeline=str(file), **submit)
    file.write_text("name: p\ncomponents: []\n")
    with pytest.raises(PipelineConfigError, match="field 'components'"):
        PySparkPipelineSubmitOperator(pipeline=str(file), **submit)


def test_the_result_of_another_task_is_left_alone() -> None:
    """Nobody knows it yet, nor what is made of it inside a pipeline."""
    with DAG("d") as dag:

        @dag.task
        def other() -> str:
            return "x"

        PySparkPipelineOperator(task_id="whole", pipeline=other())
        task(pipeline({"name": "b", "class_path": SQL, "config": {"sql": other()}}))


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


@logged
def decorated(spark: Any, path: str) -> None: ...


def made_of_text(**config: Any) -> dict[str, Any]:
    return pipeline({"name": "b", "class_path": SQL, "config": config})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (made_of_text(sql="load.sql"), "field 'config.sql': is a file name; write it as sql_file"),
        (
            made_of_text(sql="SELECT 1", output_view="my-view"),
            "field 'config.output_view': is not a valid view name",
        ),
        (made_of_text(sql="SELECT 1", args="{'a': 1}"), "field 'config.args': expected a mapping, got text"),
        (pipeline(spark={"spark_conf": {"spark.x": None}}), "field 'spark.spark_conf.spark.x': has no value"),
        (pipeline(version=1.1), "field 'version': expected text, got decimal number 1.1; put it in quotes"),
        (pipeline({"name": "b", "class_path": decorated, "config": {"pth": "x"}}), "did you mean 'path'?"),
    ],
)
def test_what_no_template_can_mend_is_an_import_error(content: Any, problem: str) -> None:
    with pytest.raises(PipelineConfigError) as caught:
        task(content)
    (only,) = caught.value.problems
    assert problem in str(only)


@pytest.mark.parametrize(
    "content",
    [
        made_of_text(sql="{{ params.folder }}/load.sql"),
        made_of_text(sql="{{ params.sql }}", output_view="{{ params.view }}"),
        made_of_text(sql="SELECT 1", output_view="daily_{{ ds_nodash }}"),
        made_of_text(sql_file="sql/{{ params.name }}.sql"),
        made_of_text(sql_file="nowhere.sql"),
        made_of_text(sql="SELECT 1", args="{{ params.args }}"),
        pipeline(spark={"spark_conf": {"spark.x": "{{ params.x }}"}}),
        pipeline({"name": "b", "class_path": decorated, "config": {"path": "x"}}),
        pipeline(**{"x-shared": {"a": 1}}),
    ],
)
def test_a_template_or_a_file_that_may_still_be_right_is_no_import_error(content: Any) -> None:
    """Where the DAG file is parsed, the files of a pipeline in it need not be."""
    task(content)


def test_a_missing_file_of_sql_is_an_import_error_only_where_files_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"name: p\ncomponents:\n  - {{name: a, class_path: {SQL}, config: {{sql_file: nowhere.sql}}}}\n")
    task(str(file))
    with pytest.raises(PipelineConfigError, match=f"the file '{tmp_path}/nowhere.sql' does not exist"):
        task(str(file), validate_when_parsed=True)
    submit = {"task_id": "t", "checkpoint_url": "s3a://b/c", "validate_when_parsed": True}
    PySparkPipelineSubmitOperator(pipeline=str(file), **submit)
