"""One attempt at a pipeline in a Spark Connect session, in a process of its own.

Arguments: the server's address, a folder, and "fail" or "succeed". Prints actions and result as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from airflow_provider.runner import (
    CheckpointHooks,
    LocalCheckpointStore,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FAIL = sys.argv[3] == "fail"


def register(spark: SparkSession) -> None:
    spark.udf.register("plus1", lambda number: number + 1, "long")


def own_session(spark: SparkSession) -> None:
    """A script that was moved into a function."""
    builder = type(spark).builder.remote(sys.argv[1]).appName("load orders")
    builder.config("spark.yarn.queue", "etl").getOrCreate()


def replace(spark: SparkSession) -> None:
    spark.table("totals").withColumnRenamed("rows", "count").createOrReplaceTempView("totals")


def gate(spark: SparkSession) -> None:
    if FAIL:
        raise RuntimeError("as the test asked for")


def sql(name: str, statement: str, view: str | None = None) -> dict[str, object]:
    config = {"sql": statement} | ({"output_view": view} if view else {})
    return {"name": name, "class_path": "airflow_provider.components.RunSql", "config": config}


PIPELINE = {
    "name": "connect",
    "components": [
        # A function cannot be saved, and with Spark Connect nothing is known to be harmless: the author vouches.
        {"name": "register", "class_path": "__main__.register", "session_state": "replay"},
        sql("random", "SELECT id, id % 3 AS part, rand() AS chance FROM range(30)", "random"),
        sql("zone", "SET spark.sql.session.timeZone=Asia/Tokyo"),
        sql("make_database", "CREATE DATABASE IF NOT EXISTS shop"),
        sql("use", "USE shop"),
        {"name": "own_session", "class_path": "__main__.own_session"},
        sql("function", "CREATE TEMPORARY FUNCTION twice(x BIGINT) RETURNS BIGINT RETURN 2 * x"),
        sql("variable", "DECLARE first_day DATE DEFAULT DATE'2026-01-01'"),
        sql("setting", "SET my.day=2026-01-31"),
        sql("totals", "SELECT part, count(*) AS rows, sum(chance) AS chance FROM random GROUP BY part", "totals"),
        {"name": "replace", "class_path": "__main__.replace"},
        {"name": "gate", "class_path": "__main__.gate"},
        sql(
            "result",
            "SELECT part, plus1(count) AS more, current_timezone() AS zone, current_database() AS home, "
            "twice(part) AS twice, string(first_day) AS first_day, '${my.day}' AS day, "
            "(SELECT sum(chance) FROM random) - (SELECT sum(chance) FROM totals) AS difference FROM totals",
            "result",
        ),
    ],
}


def main() -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(sys.argv[1]).create()
    folder = sys.argv[2]
    config = load_pipeline_config(PIPELINE)
    store = LocalCheckpointStore(f"{folder}/checkpoints")
    runner = SimplePipelineRunner(
        config,
        spark=spark,
        hooks=CheckpointHooks(store, "run", compute_pipeline_fingerprint(config)),
        session_state_url=f"{folder}/views",
        keep_session_state=True,
    )
    result = runner.run(load_checkpoint_for_resume(store, "run", config))
    rows = [] if FAIL else [row.asDict() for row in spark.table("result").orderBy("part").collect()]
    actions = {part.component_name: part.action.value for part in result.component_results}
    print(json.dumps({"status": result.status.value, "actions": actions, "rows": rows}))
    spark.stop()


if __name__ == "__main__":
    main()
