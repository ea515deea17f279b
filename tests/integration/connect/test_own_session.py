"""A component that asks for its session by name, as most jobs do, gets the pipeline's on a server, too."""

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
import os
from pyspark.sql import SparkSession
from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.spark_connect import ConnectSpark

for name, before in (("nothing", None), ("elsewhere", "sc://localhost:1")):
    if before:
        os.environ["SPARK_REMOTE"] = before
    with ConnectSpark("server", None, {}, run="r") as opened:
        session = opened.open()
        session.range(3).createOrReplaceTempView("numbers")
        found = SparkSession.builder.appName("load orders").getOrCreate()
        print(">", name, found is session, found.table("numbers").count(), "etl" in os.environ["SPARK_REMOTE"])
    print(">", name, os.environ.get("SPARK_REMOTE") == before)
os.environ["MASTER"] = "local[1]"
try:
    with ConnectSpark("server", None, {}, run="r") as opened:
        opened.open()
except SparkConfigError as error:
    print(">", "MASTER" in str(error))
"""


def test_getorcreate_in_a_component_gives_the_session_on_the_server(server: ConnectServer, tmp_path: Path) -> None:
    """The environment leads pyspark to it, without user and token, and is as before at the end."""
    connection = server.connection()
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={
            **{key: value for key, value in os.environ.items() if key not in ("SPARK_REMOTE", "MASTER")},
            "AIRFLOW_CONN_SERVER": connection,
            "AIRFLOW_HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    lines = [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]
    assert lines == ["nothing True 3 False", "nothing True", "elsewhere True 3 False", "elsewhere True", "True"], (
        done.stderr[-3000:]
    )
