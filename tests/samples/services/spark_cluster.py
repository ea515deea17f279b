"""A standalone Spark cluster from the installed pyspark, for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
import pyspark

SPARK_HOME = Path(pyspark.__file__).parent


def wait_for(done: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)


class Cluster:
    """A standalone Spark cluster on this host.

    :param folder: for logs and work
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self.master = f"spark://127.0.0.1:{one.getsockname()[1]}"
            self._ui_port = str(other.getsockname()[1])
        self._folder = folder
        self._count = 0
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)

    @property
    def ui(self) -> str:
        """The address of the master's pages."""
        return f"http://127.0.0.1:{self._ui_port}"

    def start(self, name: str) -> None:
        """Start the ``master`` or the ``worker``."""
        host, port = self.master.removeprefix("spark://").split(":")
        arguments = {
            "master": [
                "org.apache.spark.deploy.master.Master", "--host", host, "--port", port,
                "--webui-port", self._ui_port,
            ],
            "worker": [
                "org.apache.spark.deploy.worker.Worker", "--host", host, "--webui-port", "0", "--cores", "2",
                "--memory", "2g", "--work-dir", str(self._folder / "work"), self.master,
            ],
        }[name]  # fmt: skip
        said = {"master": b"I have been elected leader", "worker": b"Successfully registered with master"}[name]
        self._count += 1
        log = self._folder / f"{self._count}-{name}.log"
        with open(log, "wb") as file:
            self.processes[name] = subprocess.Popen(
                [str(SPARK_HOME / "bin" / "spark-class"), *arguments],
                cwd=self._folder,
                env={**os.environ, "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": host},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(lambda: said in log.read_bytes(), f"the {name} to start: see {log}")

    def kill(self, name: str) -> None:
        """Kill -9 the process and all that it started."""
        process = self.processes.pop(name)
        for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            child.send_signal(signal.SIGKILL)
        process.wait()
