"""On a Spark Connect server a component's time limit interrupts its operations, and its session stays good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")

ROOT = Path(__file__).parents[3]

CODE = """
import time
from pyspark.sql import SparkSession
from airflow_provider.launch.spark_connect import ConnectSpark
from airflow_provider.runner import ComponentConfig, PipelineConfig, SimplePipelineRunner

TRIES = []
TWICE = {"max_attempts": 2, "initial_delay_seconds": 0}

def slow(spark, **config):
    TRIES.append((SparkSession.getActiveSession() is spark, sorted(spark.getTags() - {"of the author"})))
    if len(TRIES) == 1:
        spark.range(10**13).selectExpr("sum(id * 7 % 3)").collect()
    spark.range(4).createOrReplaceTempView("rows")
    spark.addTag("added")

def after(spark, **config):
    print(">", spark.table("rows").count(), sorted(spark.getTags()), SparkSession.getActiveSession() is spark)

config = PipelineConfig(name="p", components=[
    ComponentConfig(name="slow", class_path=slow, timeout_seconds=8, retry=TWICE),
    ComponentConfig(name="after", class_path=after, depends_on=["slow"]),
])
with ConnectSpark("server", None, {}, run="r") as opened:
    session = opened.open()
    session.range(1).count()
    session.addTag("of the author")
    began = time.monotonic()
    result = SimplePipelineRunner(config, spark=session).run()
    print(">", result.status.value, result.component_results[0].retries, time.monotonic() - began < 30)
    print(">", [active for active, tags in TRIES], [len(tags) for active, tags in TRIES])
"""


def test_a_time_limit_interrupts_the_operations_of_the_component(server: ConnectServer, tmp_path: Path) -> None:
    """And what the client keeps for a thread, tags and the active session, goes there and back."""
    (tmp_path / "timed.py").write_text(CODE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "timed.py"],
        cwd=tmp_path,
        env={
            **{key: value for key, value in os.environ.items() if key not in ("SPARK_REMOTE", "MASTER")},
            "AIRFLOW_CONN_SERVER": server.connection(),
            "AIRFLOW_HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    lines = [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]
    assert lines == [
        "4 ['added', 'of the author'] True",
        "success 1 True",
        "[True, True] [1, 1]",
    ], done.stderr[-3000:]
