"""A pipeline in a loop over tasks, which Airflow has from 3.4 on."""

from __future__ import annotations

from airflow.sdk import task_group
from scenes import FOLDER, chain, dag

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from scripts.local_airflow import RELEASE

if RELEASE >= (3, 4):
    with dag("looped"):

        @task_group
        def again() -> None:
            PySparkPipelineOperator(
                task_id="work",
                pipeline=chain("a", "b", "c", folder=f"{FOLDER}/{{{{ loop.index }}}}"),
                checkpoint_url=f"{FOLDER}/checkpoints",
                retries=1,
            )

        again.loop(max_iterations=2)
