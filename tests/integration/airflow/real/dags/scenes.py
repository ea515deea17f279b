"""The DAGs of the scenes. Every run has a folder of its own, a parameter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, TaskGroup, get_current_context, task

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

FOLDER = "{{ params.folder }}"


def chain(*names: str, folder: str = FOLDER) -> dict[str, Any]:
    """A pipeline of components that follow each other and use no Spark."""
    return {
        "name": "chain",
        "components": [
            {
                "name": name,
                "class_path": "acts.act",
                "depends_on": [before] if before else [],
                "config": {"name": name, "folder": folder, "after": before},
            }
            for before, name in zip(("", *names), names, strict=False)
        ],
    }


def spark() -> dict[str, Any]:
    """A pipeline whose components leave views for each other."""
    steps = [
        ("numbers", "transformation", []),
        ("totals", "transformation", ["numbers"]),
        ("publish", "sink", ["totals"]),
    ]
    return {
        "name": "spark",
        "session_state": "save",
        "components": [
            {
                "name": name,
                "class_path": f"acts.{name}",
                "component_type": kind,
                "depends_on": depends_on,
                "config": {"name": name, "folder": FOLDER},
            }
            for name, kind, depends_on in steps
        ],
    }


def side_by_side(**fields: Any) -> dict[str, Any]:
    """A pipeline of three parts that run at once, and what joins them.

    :param fields: further fields of part b
    """
    parts = ["a", "b", "c"]
    return {
        "name": "side_by_side",
        "components": [
            *(
                {
                    "name": name,
                    "class_path": "acts.part",
                    "config": {"name": name, "folder": FOLDER},
                    **(fields if name == "b" else {}),
                }
                for name in parts
            ),
            {
                "name": "join",
                "class_path": "acts.join",
                "depends_on": parts,
                "config": {"name": "join", "folder": FOLDER, "parts": parts},
            },
        ],
    }


def dag(dag_id: str, options: dict[str, Any] | None = None, **params: Any) -> DAG:
    return DAG(
        dag_id,
        **{"schedule": None, "start_date": datetime(2026, 1, 1), "catchup": False, **(options or {})},
        params={"folder": "", "by_day": False, **params},
        default_args={
            "retry_delay": timedelta(0),
            "conn_id": None,
            "spark_conf": {"spark.master": "local[1]", "spark.ui.enabled": False, "spark.sql.shuffle.partitions": 1},
        },
    )


with dag("chain"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"))

with dag("chain_retried"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"), retries=1)

with dag("chain_in_a_directory"):
    PySparkPipelineOperator(
        task_id="work", pipeline=chain("a", "b", "c", "d"), checkpoint_url=f"{FOLDER}/checkpoints", retries=1
    )

with dag("chain_cleared_afresh"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c"), on_clear="restart")

with dag("chain_kept_elsewhere"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"), checkpoint_url=f"{FOLDER}/checkpoints")

with dag("chain_resumed"):
    PySparkPipelineOperator(
        task_id="work",
        pipeline=chain("a", "b", "c", "d"),
        checkpoint_url=f"{FOLDER}/checkpoints",
        on_clear="resume",
    )

with dag("chain_resumed_in_vain"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"), on_clear="resume")

with dag("chain_cleared_by_command"):
    PySparkPipelineOperator(task_id="work", pipeline=chain("a", "b", "c", "d"))

with dag("spark"):
    PySparkPipelineOperator(task_id="work", pipeline=spark(), retries=2)

with dag("spark_kept"):
    PySparkPipelineOperator(task_id="work", pipeline=spark(), keep_session_state_hours=1)

with dag("mapped"):
    PySparkPipelineOperator.partial(task_id="work", retries=1, max_active_tis_per_dag=4).expand(
        pipeline=[chain("a", "b", "c", folder=f"{FOLDER}/{index}") for index in range(4)]
    )

with dag("mapped_kwargs"):
    PySparkPipelineOperator.partial(task_id="work", retries=1).expand_kwargs(
        [{"pipeline": "chain.yaml"}, {"pipeline": chain("a", "b", folder=f"{FOLDER}/1"), "on_config_change": "fail"}]
    )

with dag("grouped", {"max_active_runs": 2}), TaskGroup("nightly"), TaskGroup("sales"):
    PySparkPipelineOperator(
        task_id="work", pipeline="chain.yaml", retries=1, checkpoint_url="{{ params.folder }}/../shared"
    )

with dag("one_after_another", {"max_active_runs": 2}):
    PySparkPipelineOperator(task_id="work", pipeline="chain.yaml", depends_on_past=True)

with dag("daily", {"schedule": "@daily", "end_date": datetime(2026, 1, 3), "max_active_runs": 2}):
    PySparkPipelineOperator(task_id="work", pipeline="chain.yaml", retries=1)

with dag("restart", restart_from=""):
    PySparkPipelineOperator(
        task_id="work", pipeline=chain("a", "b", "c", "d"), restart_from="{{ params.restart_from }}"
    )


@task(task_id="work")
def record_a_thousand() -> None:
    """The first attempt records a thousand components with three saved views each; the next one takes that over."""
    from airflow_provider.runner.record.run_key import RunKey
    from airflow_provider.stores.task_state import TaskStateCheckpointStore
    from tests.samples.harness.records import Recorder, completed, saved_views

    context = get_current_context()
    instance = context["ti"]
    key = RunKey((instance.dag_id, instance.task_id, str(instance.map_index)), instance.run_id, "thousand")
    recorder = Recorder(TaskStateCheckpointStore(context["task_state_store"]), key)
    recorder.start()
    if recorder.taken.recorded is None:
        for number in range(1000):
            name = f"component {number}"
            recorder.add(completed(name, session_state=saved_views(name, 3)))


with dag("thousand"):
    record_a_thousand()

with dag("side_by_side", parallel="3"):
    PySparkPipelineOperator(
        task_id="work", pipeline=side_by_side(), max_parallel_components="{{ params.parallel }}", retries=1
    )

with dag("side_by_side_in_time"):
    PySparkPipelineOperator(
        task_id="work", pipeline=side_by_side(timeout_seconds=2), max_parallel_components="auto", retries=1
    )
