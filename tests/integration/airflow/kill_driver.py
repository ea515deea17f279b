"""Runs one operator as Airflow's task process does, so that a test can kill it.

Arguments: a folder, the component that the pipeline runs second, and whether there is a supervisor ("yes"). The folder
gets checkpoints and the file ``started`` when that component runs. Prints how ``execute`` ended.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.timeout import timeout

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import LocalCheckpointStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDER = Path(sys.argv[1])


def first(spark: SparkSession) -> None:
    spark.range(3).count()


def endless_job(spark: SparkSession) -> None:
    (FOLDER / "started").touch()
    spark.range(10**13).selectExpr("sum(hash(id))").collect()


def stubborn(spark: SparkSession) -> None:
    (FOLDER / "started").touch()
    with contextlib.suppress(BaseException):
        time.sleep(60)


class CommsDecoder:
    """What tells the operator that it has a supervisor."""


def main() -> None:
    if sys.argv[3] == "yes":
        task_runner.SUPERVISOR_COMMS = CommsDecoder()
    limit = timedelta(seconds=int(sys.argv[4])) if len(sys.argv) > 4 else None
    operator = PySparkPipelineOperator(
        task_id="task",
        conn_id=None,
        spark_conf={"spark.master": "local[2]", "spark.ui.enabled": False},
        checkpoint_store=LocalCheckpointStore(FOLDER / "checkpoints"),
        execution_timeout=limit,
        pipeline={
            "name": "long",
            "components": [
                {"name": name, "class_path": f"__main__.{function}"}
                for name, function in (("first", "first"), ("second", sys.argv[2]), ("third", "first"))
            ],
        },
    )
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    ti = SimpleNamespace(dag_id="dag", task_id="task", map_index=-1, try_number=1, max_tries=1)
    try:
        with timeout(limit.total_seconds()) if limit else contextlib.nullcontext():
            operator.execute({"ti": ti, "run_id": "run"})
    except BaseException as error:
        print(*[f"> {line}" for line in f"{type(error).__name__}: {error}".splitlines()], sep="\n", flush=True)
    else:
        print("> green", flush=True)


if __name__ == "__main__":
    main()
