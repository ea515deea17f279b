"""Ways to write a pipeline, and the operator's options. The journal is a parameter: every test has its own."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, task

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import ComponentConfig, PipelineConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": 1}
CHECKPOINTS = Path(os.environ["AIRFLOW_HOME"]) / "elsewhere"


def note(spark: SparkSession, line: str, journal: str, failures: int = 0) -> None:
    """Append the line to the journal and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    if Path(journal).read_text().splitlines().count(line) <= failures:
        raise ConnectionError("the service is not up yet")


class Note:
    """The same as a class."""

    def __init__(self, line: str, journal: str) -> None:
        self.line, self.journal = line, journal

    def run(self) -> None:
        note(None, self.line, self.journal)


def tell_settings(spark: SparkSession, journal: str, keys: list[str]) -> None:
    """Append the values of Spark properties to the journal."""
    for key in keys:
        note(spark, f"{key}={spark.conf.get(key, 'unset')}", journal)


JOURNAL = "{{ params.journal }}"


def chain(**failures: int) -> dict[str, Any]:
    """Functions of this file as components, each with the number of times that it fails."""
    names = list(failures)
    return {
        "name": "chain",
        "components": [
            {
                "name": name,
                "class_path": note,
                "config": {"line": name, "journal": JOURNAL, "failures": failures[name]},
                "depends_on": names[names.index(name) - 1 : names.index(name)],
            }
            for name in names
        ],
    }


def dag(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        params={"journal": "", "restart_from": None, "rows": 3},
        default_args={"retry_delay": timedelta(0)},
    )


with dag("functions"):
    PySparkPipelineOperator(
        task_id="work",
        pipeline=PipelineConfig(
            name="functions",
            components=[
                ComponentConfig(name="a", class_path=note, config={"line": "a", "journal": JOURNAL}),
                ComponentConfig(name="b", class_path=Note, config={"line": "b", "journal": JOURNAL}, depends_on=["a"]),
                ComponentConfig(
                    name="c",
                    class_path=note,
                    config={"line": "c", "journal": JOURNAL, "failures": 1},
                    depends_on=["b"],
                ),
            ],
        ),
        retries=1,
        spark_conf=LOCAL,
    )

with dag("functions_in_a_dict"):
    PySparkPipelineOperator(task_id="work", pipeline=chain(a=0, b=1), retries=1, spark_conf=LOCAL)

with dag("decorated"):

    @task
    def shops() -> list[str]:
        return ["oslo", "rome"]

    @task.pyspark_pipeline(retries=1, spark_conf=LOCAL)
    def per_shop(names: list[str], params: dict[str, Any] | None = None) -> dict[str, Any]:
        built = chain(**dict.fromkeys(names, 0), last=1)
        built["components"][0]["config"]["journal"] = params["journal"]
        return built

    @task.pyspark_pipeline(spark_conf=LOCAL)
    def as_config() -> PipelineConfig:
        component = ComponentConfig(name="x", class_path=note, config={"line": "x", "journal": JOURNAL})
        return PipelineConfig(name="built", components=[component])

    per_shop(shops()) >> as_config()

with dag("decorated_wrong"):

    @task.pyspark_pipeline(retries=2, spark_conf=LOCAL)
    def returns_nothing() -> None: ...

    returns_nothing()

with dag("decorated_and_mapped"):

    @task.pyspark_pipeline(spark_conf=LOCAL)
    def one(name: str) -> dict[str, Any]:
        return chain(**{name: 0})

    one.expand(name=["p", "q"])

with dag("unstable_template"):
    unstable = chain(a=0, b=1)
    unstable["components"][0]["config"]["line"] = "a{{ ti.try_number }}"
    PySparkPipelineOperator(task_id="work", pipeline=unstable, retries=1, spark_conf=LOCAL)

with dag("asked_at_the_trigger"):
    PySparkPipelineOperator(task_id="work", pipeline=chain(a=0, b=1), retries=1, spark_conf=LOCAL)

with dag("with_outlet"):
    PySparkPipelineOperator(task_id="work", pipeline=chain(a=0), outlets=[Asset("x://made")], spark_conf=LOCAL)

with dag("elsewhere"):
    PySparkPipelineOperator(
        task_id="directory",
        pipeline=chain(a=0, b=1),
        retries=1,
        spark_conf=LOCAL,
        checkpoint_url=f"{CHECKPOINTS}/{{{{ dag.dag_id }}}}",
    )
    PySparkPipelineOperator(
        task_id="object_storage",
        pipeline=chain(c=0, d=1),
        retries=1,
        spark_conf=LOCAL,
        checkpoint_url=f"file://{CHECKPOINTS}/objects",
    )

with dag("kept_for_ever"):
    PySparkPipelineOperator(task_id="work", pipeline=chain(a=0), retention_days=0, spark_conf=LOCAL)

with dag("lineage"):
    PySparkPipelineOperator(
        task_id="work",
        pipeline={
            "name": "settings",
            "components": [
                {
                    "name": "tell",
                    "class_path": tell_settings,
                    "config": {
                        "journal": JOURNAL,
                        "keys": ["spark.openlineage.parentJobName", "spark.openlineage.parentJobNamespace"],
                    },
                }
            ],
        },
        openlineage_inject_parent_job_info=True,
        spark_conf=LOCAL,
    )

with dag("leaves_views"):
    PySparkPipelineOperator(
        task_id="work",
        pipeline={
            "name": "saves",
            "session_state": "save",
            "components": [
                {
                    "name": "numbers",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {"sql": "SELECT id FROM range(10)", "output_view": "numbers"},
                },
                *chain(stops=1000)["components"],
            ],
        },
        session_state_retention_days=14,
        spark_conf=LOCAL,
    )

with dag("shown"):
    PySparkPipelineOperator(task_id="file", pipeline="shown.yaml", spark_conf=LOCAL)

    @task.pyspark_pipeline(spark_conf=LOCAL)
    def built() -> dict[str, Any]:
        return chain(a=0)

    built()

with dag("twins"):
    for name in ("one", "two"):
        PySparkPipelineOperator(
            task_id=name,
            pipeline="shown.yaml",
            retries=1,
            spark_conf=LOCAL,
            checkpoint_url=f"{CHECKPOINTS}/twins",
            session_state_url=f"{CHECKPOINTS}/twins-views",
        )
