"""Pipelines that write in a Spark Connect session. Arguments: the server, a folder. Prints what came of each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import PipelineConfig, SimplePipelineRunner

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def step(name: str, kind: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "class_path": f"airflow_provider.components.{kind}", "config": config}


def run(spark: SparkSession, *steps: dict[str, Any]) -> str:
    chained = [{**step, "depends_on": [steps[n - 1]["name"]] if n else []} for n, step in enumerate(steps)]
    result = SimplePipelineRunner(
        PipelineConfig.model_validate({"name": "p", "components": chained}), spark=spark
    ).run()
    return "; ".join(str(error) for _, error in result.failed_components) or "done"


def main() -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(sys.argv[1]).create()
    path = Path(sys.argv[2], "orders")
    spark.range(3).write.parquet(str(path))
    read = step("read", "ReadData", path=str(path), output_view="v")
    seven = step("seven", "RunSql", sql="SELECT 7L AS id, 1 AS day", output_view="w")
    write = step("write", "WriteData", input_view="v", path=f"{path}/")
    told = {
        "own input": run(spark, read, write),
        "child": run(spark, read, step("write", "WriteData", input_view="v", path=str(path.parent))),
        "needed": run(
            spark,
            read,
            seven,
            {**write, "config": {**write["config"], "input_view": "w"}},
            step("later", "CheckData", input_view="v", min_rows=1),
        ),
        "inside": run(
            spark,
            seven,
            step("write", "WriteData", input_view="w", path=str(path.parent)),
            step("later", "ReadData", path=str(path), output_view="x"),
        ),
        "rows": spark.read.parquet(str(path)).count(),
        "elsewhere": run(spark, read, step("write", "WriteData", input_view="v", path=f"{path}2")),
        "append": run(spark, read, step("write", "WriteData", input_view="v", path=str(path), mode="append")),
        "rows then": spark.read.parquet(str(path)).count(),
        "table": run(spark, seven, step("write", "WriteData", input_view="w", table="days", partition_by=["day"])),
        "partitions": run(
            spark,
            step("eight", "RunSql", sql="SELECT 2 AS day, 8L AS id", output_view="w"),
            step("write", "WriteData", input_view="w", table="days", mode="overwrite_partitions"),
        ),
        "lost": run(spark, seven, step("write", "WriteData", input_view="w", table="days", partition_by=["day"])),
        "own table": run(
            spark,
            step("read", "ReadData", table="days", output_view="v"),
            step("write", "WriteData", input_view="v", table="days", partition_by=["day"], replace_table=True),
        ),
        "table rows": sorted([*row] for row in spark.table("days").collect()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
