"""The link beside the task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider.operators.links import SPARK_UI_KEY, SparkUI, spark_ui
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator


def test_airflows_ui_knows_the_link_of_a_serialized_task() -> None:
    """The UI has no DAG file: it reads the address from XCom, under the key that the DAG was serialized with."""
    with DAG("d") as dag:
        PySparkPipelineOperator(task_id="t", pipeline="pipeline.yaml")

    task = DagSerialization.from_json(DagSerialization.to_json(dag)).get_task("t")

    assert task.extra_links == ["Spark UI"]
    assert task.operator_extra_link_dict["Spark UI"].xcom_key == SPARK_UI_KEY


def session(url: str | None = "http://10.0.0.7:4041") -> Any:
    """What a classic session tells of itself."""
    context = SimpleNamespace(applicationId="app-1", uiWebUrl=url)
    return SimpleNamespace(_jsparkSession=None, sparkContext=context)


HISTORY = "http://history:18080/history/app-1/jobs/"


@pytest.mark.parametrize(
    ("url", "template", "history", "running", "ended"),
    [
        ("http://10.0.0.7:4041", "", "", "http://10.0.0.7:4041", ""),
        ("http://10.0.0.7:4041", "", "http://history:18080/", HISTORY, HISTORY),
        ("http://10.0.0.7:4041", "https://p/{host}/{port}/", "", "https://p/10.0.0.7/4041/", ""),
        ("http://[fd00::7]:4041", "https://p/{host}", "", "https://p/fd00::7", ""),
        (None, "https://yarn/proxy/{application_id}/", "http://history:18080", "https://yarn/proxy/app-1/", HISTORY),
        (None, "https://p/{host}/{port}/", "", "", ""),
        (None, "", "", "", ""),
    ],
)
def test_the_link_follows_the_template_and_ends_at_the_history_server_or_nowhere(
    url: str | None, template: str, history: str, running: str, ended: str
) -> None:
    """Never to the worker's inner address if a template says better; in the end to the History Server or nowhere."""
    assert spark_ui(session(url), template, history) == SparkUI(running, ended)


@pytest.mark.parametrize("template", ["https://p/{hots}", "https://p/{0}", "https://p/{", "https://p/{host.x}"])
def test_an_invalid_spark_ui_url_gives_a_warning_and_sparks_own_address(
    template: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning names the setting, what it holds and what it may hold; the task goes on."""
    assert spark_ui(session(), template, "").running == "http://10.0.0.7:4041"
    (said,) = caplog.messages
    assert said.startswith(f"invalid [pyspark_pipeline] spark_ui_url {template!r}: allowed placeholders are {{host}}")


def test_a_spark_connect_session_has_no_link() -> None:
    """The server does not tell its client where its UI is."""
    assert spark_ui(object(), "https://p/{application_id}", "http://history:18080") == SparkUI()
