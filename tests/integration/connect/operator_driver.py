"""One attempt of the operator, as Airflow's task process runs it, so that a test can kill it.

Arguments: a folder, the number of the attempt, what the component ``middle`` does, and the connection ("none" for Spark
in this process). The folder gets checkpoints and views, the file ``rows`` with the result, and ``started-N`` when
``middle`` has replaced a view in attempt N. Each log line of the package is printed after ``# ``, the last line is
how ``execute`` ended, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import LocalCheckpointStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDER = Path(sys.argv[1])
ATTEMPT = int(sys.argv[2])
DO = sys.argv[3]
CONNECTION = None if sys.argv[4] == "none" else sys.argv[4]


def register(spark: SparkSession) -> None:
    spark.udf.register("plus1", lambda number: number + 1, "long")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")


def shop(spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    spark.sql("USE shop")


def middle(spark: SparkSession) -> None:
    if DO == "work":
        spark.table("totals").withColumnRenamed("rows", "count").createOrReplaceTempView("counted")
        return
    for view in ("totals", "random"):
        spark.range(1).createOrReplaceTempView(view)
    spark.sql("USE default")
    (FOLDER / f"started-{ATTEMPT}").touch()
    if DO == "fail":
        raise RuntimeError("as the test asked for")
    if DO == "query":
        spark.range(10**13).selectExpr("sum(hash(id))").collect()
    while not (FOLDER / "go").exists():
        time.sleep(0.1)
    with contextlib.suppress(Exception):  # a zombie goes on, and takes no notice of errors
        spark.range(2).createOrReplaceTempView("totals")
        (FOLDER / "zombie-used-spark").touch()


def result(spark: SparkSession) -> None:
    rows = spark.sql(
        "SELECT part, plus1(count) AS more, current_timezone() AS zone, current_database() AS home, "
        "abs((SELECT sum(chance) FROM random) - (SELECT sum(chance) FROM totals)) < 1e-9 AS fits FROM counted"
    )
    (FOLDER / "rows").write_text(json.dumps([row.asDict() for row in rows.orderBy("part").collect()]))


def sql(name: str, statement: str, view: str | None = None) -> dict[str, Any]:
    config = {"sql": statement} | ({"output_view": view} if view else {})
    return {"name": name, "class_path": "airflow_provider.components.RunSql", "config": config}


PIPELINE = {
    "name": "connect",
    "components": [
        {"name": "register", "class_path": "__main__.register", "session_state": "replay"},
        sql("random", "SELECT id, id % 3 AS part, rand() AS chance FROM range(30)", "random"),
        {"name": "shop", "class_path": "__main__.shop", "session_state": "replay"},
        sql("totals", "SELECT part, count(*) AS rows, sum(chance) AS chance FROM random GROUP BY part", "totals"),
        {"name": "middle", "class_path": "__main__.middle"},
        {"name": "result", "class_path": "__main__.result"},
    ],
}


class Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print(f"# {record.levelname} {record.getMessage()}", flush=True)


def main() -> None:
    logging.getLogger("airflow_provider").addHandler(Printer())
    logging.getLogger("airflow_provider").setLevel(logging.INFO)
    operator = PySparkPipelineOperator(
        task_id="task",
        conn_id=CONNECTION,
        spark_conf={"spark.sql.shuffle.partitions": 3} | ({} if CONNECTION else {"spark.master": "local[2]"}),
        checkpoint_store=LocalCheckpointStore(FOLDER / "checkpoints"),
        session_state_url=str(FOLDER / "views"),
        pipeline=PIPELINE,
    )
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    ti = SimpleNamespace(dag_id="dag", task_id="task", map_index=-1, try_number=ATTEMPT, max_tries=9)
    ti.xcom_push = lambda **_: None
    try:
        summary = operator.execute({"ti": ti, "run_id": "run"})
        ended: dict[str, Any] = {"components": {part["name"]: part for part in summary["components"]}}
    except BaseException as error:
        ended = {"error": type(error).__name__, "message": str(error)}
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    print(json.dumps(ended | {"children": children}), flush=True)


if __name__ == "__main__":
    main()
