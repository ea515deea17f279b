"""One DAG per way in which an attempt ends badly, as somebody may meet it at 3 a.m."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

if "CONNECT_CONNECTION" in os.environ:
    os.environ["AIRFLOW_CONN_SERVER"] = os.environ["CONNECT_CONNECTION"]
    os.environ["AIRFLOW_CONN_DOOMED"] = os.environ["DOOMED_CONNECTION"]
    for name, host in (("CLUSTER", os.environ["CLUSTER_MASTER"]), ("SUBMIT", "local[2]")):
        os.environ[f"AIRFLOW_CONN_{name}"] = json.dumps({"conn_type": "spark", "host": host})

LOCAL = {"spark.master": "local[2]", "spark.ui.enabled": False, "spark.sql.shuffle.partitions": 2}


def orders(spark: SparkSession) -> None:
    spark.range(10).selectExpr("id", "id * 10 AS amount").createOrReplaceTempView("orders")


def customers(spark: SparkSession) -> None:
    spark.range(10).createOrReplaceTempView("customers")


def killed(spark: SparkSession) -> None:
    os.kill(spark._sc._gateway.proc.pid, signal.SIGKILL)
    spark.range(5).count()


def greedy(spark: SparkSession) -> None:
    jvm = spark._sc._jvm
    held = jvm.java.util.ArrayList()
    while True:
        held.add(jvm.java.nio.ByteBuffer.allocate(1 << 26))


def collects(spark: SparkSession) -> None:
    spark.range(60_000_000).selectExpr("id", "uuid() AS word").collect()


def _kill_executor(batches: Any) -> Any:
    daemon = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[1]
    executor = Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(executor), signal.SIGKILL)
    yield from batches


def loses_executors(spark: SparkSession) -> None:
    spark.table("orders").mapInPandas(_kill_executor, "id long, amount long").count()


def kills_server(spark: SparkSession) -> None:
    os.killpg(int(os.environ["DOOMED_PID"]), signal.SIGKILL)
    time.sleep(1)
    spark.table("orders").count()


def killed_by_master(spark: SparkSession) -> None:
    """As somebody does it in the master's UI."""
    application = spark.sparkContext.applicationId
    url = f"{os.environ['CLUSTER_UI']}/app/kill/?id={application}&terminate=true"
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30).close()
    time.sleep(5)
    spark.table("orders").count()


def clean(frame: DataFrame) -> DataFrame:
    return frame.where("amount > 0").select("id", "amuont")


def wrong_column(spark: SparkSession) -> None:
    clean(spark.table("orders")).createOrReplaceTempView("clean")


def rate(amount: int) -> float:
    return 100 / (amount - 30)


def bug(spark: SparkSession) -> None:
    spark.udf.register("rate", rate, "double")
    spark.sql("SELECT sum(rate(amount)) FROM orders").collect()


def plain_bug(spark: SparkSession) -> None:
    totals = {"a": 1}
    print(totals["b"])


def report(spark: SparkSession) -> None:
    spark.table("totals").show()


def totals(spark: SparkSession) -> None:
    spark.sql("SELECT sum(amount) FROM orders").createOrReplaceTempView("totals")


def step(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "class_path": f"failing.{name}", **more}


def sql(name: str, statement: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "class_path": "airflow_provider.components.RunSql", "config": {"sql": statement, **config}}


def dag(dag_id: str, *components: dict[str, Any], operator: Any = PySparkPipelineOperator, **arguments: Any) -> None:
    with DAG(
        dag_id, schedule=None, start_date=datetime(2026, 1, 1), params={"day": None, "n": "many", "folder": ""}
    ) as made:
        operator(
            task_id="work",
            **arguments
            if operator is PySparkPipelineSubmitOperator
            else {"conn_id": None, "spark_conf": LOCAL} | arguments,
            pipeline={"name": "shop", "components": list(components)},
        )
    globals()[f"dag_{dag_id}"] = made


ORDERS = step("orders")

dag("jvm_killed", ORDERS, step("killed"), step("customers"))
dag("out_of_memory", ORDERS, step("collects"), spark_conf={**LOCAL, "spark.driver.memory": "512m"})
dag(
    "executor_lost",
    ORDERS,
    step("loses_executors"),
    spark_conf={
        **LOCAL,
        "spark.master": "local-cluster[1,1,1024]",
        "spark.executor.memory": "512m",
        "spark.task.maxFailures": 2,
    },
)
dag("server_killed", ORDERS, step("kills_server"), conn_id="doomed", spark_conf={})
dag("undefined_template", ORDERS, sql("load", "SELECT * FROM orders WHERE day = '{{ data_day }}'"), retries=2)
dag("failing_filter", ORDERS, sql("load", "SELECT {{ params.n | int | batch }}"), retries=2)
dag("renders_to_none", ORDERS, sql("load", "{{ params.day }}"), retries=2)
dag("wrong_sql", ORDERS, sql("load", "SELECT id,\n       amount\nFORM orders\nWHERE amount > 0"))
dag("wrong_column", ORDERS, step("wrong_column"))
dag("missing_view", ORDERS, step("report"), step("totals"))
dag("missing_near", ORDERS, sql("load", "SELECT * FROM ordres"))
dag("bug", ORDERS, step("bug"), step("customers"))
dag("plain_bug", ORDERS, step("plain_bug"))
LONG = sql("counts", "CREATE TABLE counted AS SELECT sum(hash(id)) AS n FROM range(10000000000000)")
LIMIT = {"execution_timeout": timedelta(seconds=60)}
ON_CLUSTER = {"spark.ui.enabled": False, "spark.driver.host": "127.0.0.1"}

dag("too_long", sql("orders", "SELECT 1 AS id", output_view="orders"), LONG, **LIMIT)
dag(
    "too_long_on_server",
    sql("orders", "SELECT 1 AS id", output_view="orders"),
    LONG,
    conn_id="server",
    spark_conf={},
    **LIMIT,
)
dag(
    "too_long_submitted",
    sql("orders", "SELECT 1 AS id", output_view="orders"),
    LONG,
    operator=PySparkPipelineSubmitOperator,
    conn_id="submit",
    conf={"spark.ui.enabled": False},
    checkpoint_url="{{ params.folder }}/checkpoints",
    **LIMIT,
)
dag("application_killed", ORDERS, step("killed_by_master"), conn_id="cluster", spark_conf=ON_CLUSTER)
dag("no_master", ORDERS, spark_conf={**ON_CLUSTER, "spark.master": "spark://127.0.0.1:9"})
