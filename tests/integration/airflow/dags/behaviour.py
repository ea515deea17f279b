"""One small DAG per behaviour that the tests look at. The journal is a parameter: every test has its own."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Context

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import LocalCheckpointStore, PipelineConfig

FOREVER = 1000
STORES = Path(os.environ["AIRFLOW_HOME"]) / "shared-stores"


def pipeline(prefix: str = "", journal: str = "{{ params.journal }}", **failures: int) -> dict[str, Any]:
    """A chain of components ``a``, ``b``, …, each with the number of times that it fails."""
    names = list(failures)
    return {
        "name": "chain",
        "components": [
            {
                "name": name,
                "class_path": "steps.step",
                "config": {"line": prefix + name, "journal": journal, "failures": failures[name]},
                "depends_on": names[names.index(name) - 1 : names.index(name)],
            }
            for name in names
        ],
    }


class OnOlderAirflow(PySparkPipelineOperator):
    """What the operator sees before Airflow 3.3: a context without a task state store."""

    def execute(self, context: Context) -> dict[str, Any]:
        return super().execute({key: value for key, value in context.items() if key != "task_state_store"})


def dag(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        params={"journal": "", "word": "unset"},
        default_args={
            "retry_delay": timedelta(0),
            "spark_conf": {"spark.master": "local[2]", "spark.ui.enabled": False, "spark.sql.shuffle.partitions": 2},
        },
    )


with dag("fails_once"):
    PySparkPipelineOperator(task_id="work", pipeline=pipeline(a=0, b=0, c=1, d=0), retries=1)

with dag("fails_twice"):
    PySparkPipelineOperator(task_id="work", pipeline=pipeline(a=0, b=1, c=0, d=1), retries=2)

with dag("fails_always"):
    PySparkPipelineOperator(task_id="work", pipeline=pipeline(a=0, b=FOREVER, c=0), retries=1)

with dag("wrong_config"):
    PySparkPipelineOperator(task_id="work", pipeline="wrong.yaml", retries=3)

with dag("wrong_template"):
    PySparkPipelineOperator(task_id="work", pipeline="wrong_template.yaml", retries=3)

with dag("no_such_connection"):
    PySparkPipelineOperator(task_id="work", pipeline=pipeline(a=0), conn_id="nowhere", retries=3)

with dag("templates"):
    PySparkPipelineOperator(task_id="file", pipeline="templates.yaml")
    PySparkPipelineOperator(task_id="path", pipeline=Path(__file__).parent / "templates.yaml")
    PySparkPipelineOperator(task_id="dict", pipeline=pipeline("dict {{ params.word }} ", a=0))
    PySparkPipelineOperator(
        task_id="object", pipeline=PipelineConfig.model_validate(pipeline("object {{ params.word }} ", a=0))
    )

with dag("mapped_pipelines"):
    PySparkPipelineOperator.partial(task_id="work", retries=1).expand(
        pipeline=[pipeline("0", a=0, b=0, c=0), pipeline("1", a=0, b=1, c=0), pipeline("2", a=0, b=0, c=0)]
    )

with dag("not_saved"):
    PySparkPipelineOperator(
        task_id="work",
        pipeline={
            "name": "chain",
            "components": [
                {
                    "name": "a",
                    "class_path": "steps.register",
                    "config": {"line": "a", "journal": "{{ params.journal }}"},
                },
                {
                    "name": "b",
                    "class_path": "steps.step",
                    "config": {"line": "b", "journal": "{{ params.journal }}", "failures": 1},
                    "depends_on": ["a"],
                },
            ],
        },
        retries=3,
    )

with dag("mapped_settings"):
    PySparkPipelineOperator.partial(
        task_id="work",
        pipeline={
            "name": "setting",
            "components": [
                {
                    "name": "note",
                    "class_path": "steps.note_setting",
                    "config": {"key": "spark.sql.session.timeZone", "journal": "{{ params.journal }}"},
                }
            ],
        },
        checkpoint_store=LocalCheckpointStore(STORES / "mapped"),
    ).expand(
        spark_conf=[
            {"spark.master": "local[2]", "spark.ui.enabled": False, "spark.sql.session.timeZone": zone}
            for zone in ("Europe/Oslo", "Asia/Tokyo")
        ]
    )

with dag("shared_store"):
    store = LocalCheckpointStore(STORES / "two-tasks")
    first = PySparkPipelineOperator(task_id="first", pipeline=pipeline(a=0, b=0), checkpoint_store=store)
    second = PySparkPipelineOperator(task_id="second", pipeline=pipeline(a=0, b=0), checkpoint_store=store)
    first >> second

with dag("older_airflow"):
    OnOlderAirflow(task_id="work", pipeline=pipeline(a=0, b=1), retries=1)
