"""Session state comes back in Spark Connect too: a real server, and a new client session for each attempt."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Spark Connect server from the installed pyspark."""
    folder = tmp_path_factory.mktemp("connect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-submit", "--master", "local[2]", "--name", "connect"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for key, value in {
        "spark.connect.grpc.binding.port": port,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.warehouse.dir": folder / "warehouse",
    }.items():
        command += ["--conf", f"{key}={value}"]
    environment = {**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*map(str, command), "spark-internal"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 120
    while b"Spark Connect server started" not in (folder / "log").read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text()[-3000:])
        time.sleep(0.2)
    yield f"sc://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def attempt(server: str, folder: Path, end: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "driver.py", server, folder, end],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_new_client_finds_views_settings_database_and_functions_again(server: str, tmp_path: Path) -> None:
    """Views are saved, settings and the current database are put back, a temp function is registered again."""
    first = attempt(server, tmp_path, "fail")
    assert first["status"] == "failure"

    second = attempt(server, tmp_path, "succeed")

    assert second["status"] == "success"
    replayed = [name for name, action in second["actions"].items() if action == "REPLAY"]
    ran = [name for name, action in second["actions"].items() if action == "RUN"]
    assert (replayed, ran) == (["register"], ["gate", "result"])
    assert [(row["part"], row["more"], row["zone"], row["home"]) for row in second["rows"]] == [
        (part, 11, "Asia/Tokyo", "shop") for part in range(3)
    ]
    # The totals were made of the same random numbers that the view holds now.
    assert all(abs(row["difference"]) < 1e-9 for row in second["rows"])
