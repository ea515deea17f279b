"""The link beside the task."""

from __future__ import annotations

from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider.operators.links import SPARK_UI_KEY
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator


def test_airflows_ui_knows_the_link_of_a_serialized_task() -> None:
    """The UI has no DAG file: it reads the address from XCom, under the key that the DAG was serialized with."""
    with DAG("d") as dag:
        PySparkPipelineOperator(task_id="t", pipeline="pipeline.yaml")

    task = DagSerialization.from_json(DagSerialization.to_json(dag)).get_task("t")

    assert task.extra_links == ["Spark UI"]
    assert task.operator_extra_link_dict["Spark UI"].xcom_key == SPARK_UI_KEY
