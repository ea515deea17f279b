"""The options of ``SparkSubmitOperator`` are listed again in this package; these tests notice when they drift apart."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import pytest
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from airflow_provider.operators.submit.options import SUBMIT_OPTIONS, SubmitOptions
from airflow_provider.operators.submit.submission import Submission

OURS = {"application", "application_args", "java_class"}
"""What the driver decides."""

LEFT_TO_THE_PROVIDER = {"openlineage_inject_parent_job_info", "openlineage_inject_transport_info"}
"""Their defaults are Airflow's configuration."""


def defaults(of: type) -> dict[str, Any]:
    found = signature(of.__init__).parameters.values()
    return {option.name: option.default for option in found if option.kind is Parameter.KEYWORD_ONLY}


def operator(**options: Any) -> PySparkPipelineSubmitOperator:
    return PySparkPipelineSubmitOperator(
        **{"task_id": "t", "pipeline": "pipeline.yaml", "checkpoint_url": "s3a://b/c", **options}
    )


def test_the_options_are_those_of_the_installed_spark_provider() -> None:
    """With the same defaults; without a name the application is called after the pipeline, or DAG and task."""
    theirs = {name: default for name, default in defaults(SparkSubmitOperator).items() if name not in OURS}
    assert defaults(SubmitOptions) == {**theirs, "name": None, **dict.fromkeys(LEFT_TO_THE_PROVIDER)}
    assert set(SUBMIT_OPTIONS) == set(theirs)


def test_the_templated_options_are_those_of_the_installed_spark_provider() -> None:
    """All but what the driver decides."""
    assert set(SubmitOptions.template_fields) == set(SparkSubmitOperator.template_fields) - OURS
    assert set(SubmitOptions.template_fields) < set(PySparkPipelineSubmitOperator.template_fields)


def test_every_option_reaches_the_spark_provider() -> None:
    """Under the name that it has there."""
    given: dict[str, Any] = {name: f"the {name}" for name in SUBMIT_OPTIONS if name != "reconnect_on_retry"}
    reached = vars(Submission(task_id="t", attempt=1, max_tries=1, **operator(**given).submit_options()))
    assert {name: reached.get(name, reached.get(f"_{name}")) for name in given} == given


def test_what_was_not_given_is_left_to_the_spark_provider() -> None:
    """So its defaults hold, also where this package does not know them."""
    reached = vars(Submission(task_id="t", attempt=1, max_tries=1, **operator().submit_options()))
    plain = vars(SparkSubmitOperator(task_id="t"))
    for name in ("durable", *SUBMIT_OPTIONS):
        own = name if name in plain else f"_{name}"
        assert reached.get(own) == plain.get(own), name


def test_the_dags_default_args_reach_the_options() -> None:
    """As with any operator of Airflow's."""
    with DAG("d", default_args={"executor_memory": "3g", "durable": False, "conn_id": "cluster"}):
        given = operator().submit_options()
    assert (given["executor_memory"], given["durable"], given["conn_id"]) == ("3g", False, "cluster")


def test_an_unknown_option_is_refused_when_the_dag_is_parsed() -> None:
    """A typo does not wait for the night."""
    with pytest.raises(TypeError, match="executer_memory"):
        operator(executer_memory="3g")


def test_the_submission_carries_the_operators_name() -> None:
    """Airflow's metrics ``resumable_job.*`` have it as a tag."""
    assert Submission.__name__ == PySparkPipelineSubmitOperator.__name__
