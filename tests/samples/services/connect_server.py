"""A real Spark Connect server from the installed pyspark, which tests can stop and start again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import pyspark


class ConnectServer:
    """A server on a port of its own.

    :param folder: gets its log and warehouse
    :param conf: further Spark properties
    """

    def __init__(self, folder: Path, conf: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self._conf = conf
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process to kill for a server that dies."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"sc://127.0.0.1:{self.port}"

    def connection(self, **extra: Any) -> str:
        """Return the connection as the value of an environment variable ``AIRFLOW_CONN_…``."""
        fields = {"conn_type": "spark_connect", "host": "127.0.0.1", "port": self.port, "login": "etl"}
        return json.dumps({**fields, "extra": extra})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        home = Path(pyspark.__file__).parent
        command = [home / "bin" / "spark-submit", "--master", "local[2]", "--name", "connect"]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        for key, value in {
            "spark.connect.grpc.binding.port": self.port,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": 2,
            "spark.sql.warehouse.dir": self.folder / "warehouse",
            **self._conf,
        }.items():
            command += ["--conf", f"{key}={value}"]
        log_path = self.folder / "log"
        with open(log_path, "wb") as log:
            self._process = subprocess.Popen(
                [*map(str, command), "spark-internal"],
                cwd=self.folder,
                env={**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 180
        while b"Spark Connect server started" not in log_path.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(log_path.read_text()[-3000:])
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it, and see that no process of it is left."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
            deadline = time.monotonic() + 10
            while True:
                os.killpg(process.pid, 0)
                assert time.monotonic() < deadline, "a process of the Spark Connect server is still there"
                time.sleep(0.1)
        except ProcessLookupError:
            return
