"""``@task.pyspark_pipeline`` when the DAG file is parsed; what it runs is in the integration tests."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider.decorators.task_decorator import pyspark_pipeline_task


def test_the_argument_pipeline_is_refused_because_the_function_returns_it() -> None:
    """The error names the function and the remedy."""

    @pyspark_pipeline_task(pipeline="p.yaml")
    def build() -> Any: ...

    with DAG("d"), pytest.raises(TypeError, match="on 'build': remove the argument 'pipeline'"):
        build()


def test_the_operators_parameters_reach_a_decorated_task() -> None:
    """By name, or from the DAG's ``default_args``."""

    @pyspark_pipeline_task(session_state="save", retention_days=3)
    def build() -> Any: ...

    with DAG("d", default_args={"on_clear": "resume"}):
        operator = build().operator
    assert (operator.session_state, operator.retention_days, operator.on_clear) == ("save", 3, "resume")
