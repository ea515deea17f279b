"""The plugin: what Airflow finds, and what it must not pay for."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from airflow_provider import __version__
from airflow_provider.decorators.task_decorator import _PySparkPipelineDecoratedOperator
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from airflow_provider.plugins import spark_pipeline_tab
from airflow_provider.plugins.spark_pipeline_tab import NAME, OPERATORS, SparkPipelinePlugin
from airflow_provider.plugins.tab_files import STATIC


def test_airflow_finds_the_plugin_by_its_entry_point() -> None:
    (found,) = [one for one in entry_points(group="airflow.plugins") if one.name == "pyspark_pipeline"]
    assert found.load() is SparkPipelinePlugin


def test_there_is_a_tab_for_tasks_and_one_for_runs_each_at_an_address_of_its_own() -> None:
    tabs = SparkPipelinePlugin.react_apps
    assert [tab["destination"] for tab in tabs] == ["task_instance", "dag_run"]
    assert {tab["name"] for tab in tabs} == {NAME}
    assert len({tab["url_route"] for tab in tabs}) == 2


def test_the_module_leaves_its_component_under_the_name_of_the_tab() -> None:
    assert f'globalThis["{NAME}"] =' in (STATIC / "tab.js").read_text(encoding="utf-8")


def test_the_tab_is_for_the_operators_as_airflow_names_them() -> None:
    """A name that no task has would hide the tab on Airflow 3.4."""
    classes = (PySparkPipelineOperator, PySparkPipelineSubmitOperator, _PySparkPipelineDecoratedOperator)
    assert {getattr(one, "custom_operator_name", None) or one.__name__ for one in classes} == set(OPERATORS)
    assert SparkPipelinePlugin.react_apps[0]["applies_to"] == {"operator_name": list(OPERATORS)}


def test_the_files_are_where_the_tab_says() -> None:
    (app,) = SparkPipelinePlugin.fastapi_apps
    for tab in SparkPipelinePlugin.react_apps:
        assert tab["bundle_url"] == f"{app['url_prefix']}/tab.js"
    assert __version__ in app["url_prefix"]


@pytest.mark.parametrize(
    ("base_url", "begins"),
    [("http://host:8080", "/pyspark"), ("https://host/airflow/", "/airflow/pyspark"), ("/airflow", "/airflow/pyspark")],
)
def test_the_address_follows_the_base_url_of_airflow(
    monkeypatch: pytest.MonkeyPatch, base_url: str, begins: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert spark_pipeline_tab._bundle_url().startswith(begins)


def test_importing_the_plugin_imports_no_web_framework_and_no_spark() -> None:
    """Airflow imports plugins in every process that runs a task."""
    script = (
        "import sys; import airflow.sdk, airflow.sdk.plugins_manager; before = set(sys.modules);"
        "import airflow_provider.plugins.spark_pipeline_tab;"
        "print(sorted(name for name in set(sys.modules) - before if name.split('.')[0] in "
        "('fastapi', 'starlette', 'pyspark', 'pandas', 'sqlalchemy')))"
    )
    done: Any = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
