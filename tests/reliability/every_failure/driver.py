"""One attempt at the torture pipeline, as a process of its own: ``python driver.py <directory> <run id>``.

Prints the outcome as one line of JSON, with all outputs if the run is complete.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import (
    CheckpointHooks,
    LocalCheckpointStore,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_pipeline_config,
)
from tests.reliability.every_failure.steps import pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OUTPUTS = ("sums", "src", "hours", "cost", "on_table", "session", "random_first", "random_second")


def open_spark(directory: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    quick = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    }
    return SparkSession.builder.master("local[2]").appName("torture").config(map=quick).getOrCreate()


def attempt(directory: Path, run_id: str) -> dict[str, Any]:
    """One attempt. What went wrong is in the result."""
    config = load_pipeline_config(pipeline(directory))
    store = LocalCheckpointStore(directory / "checkpoints")
    runner = SimplePipelineRunner(
        config,
        hooks=CheckpointHooks(store, run_id, compute_pipeline_fingerprint(config)),
        spark=lambda: open_spark(directory),
        session_state_url=str(directory / "state"),
    )
    plan = runner.plan(store.load(run_id, config.name))
    result = runner.run(plan=plan)
    return {
        "status": str(result.status),
        "failed": {name: str(error) for name, error in result.failed_components},
        "plan": {decision.component: [str(decision.action), str(decision.reason)] for decision in plan.decisions},
    }


def outputs(spark: SparkSession, directory: Path) -> dict[str, list[str]]:
    """Everything that a complete run wrote, in an order that can be compared."""
    return {name: sorted(map(str, spark.read.parquet(f"{directory}/out/{name}").collect())) for name in OUTPUTS}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("run_id")
    arguments = parser.parse_args()
    outcome = attempt(arguments.directory, arguments.run_id)
    spark = open_spark(arguments.directory)
    if outcome["status"] == "success":
        outcome["outputs"] = outputs(spark, arguments.directory)
    spark.stop()  # its JVM may be there for more than this process
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
