"""A real Airflow on this machine with a home of its own: API server, scheduler, DAG processor, LocalExecutor."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TERMINAL = ("success", "failed")


class LocalAirflow:
    """Starts ``airflow standalone`` and talks to its REST API.

    :param home: its ``AIRFLOW_HOME``; created
    :param dags_folder: folder with the DAG files
    :param settings: further ``AIRFLOW__…`` and other environment variables
    :param port: port of the API server; default: a free one
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.home = home.resolve()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home / "standalone.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder.resolve()),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 240) -> None:
        """Start Airflow and wait until its API answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "standalone"],
                env=self.environment,
                cwd=self.home,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait(self._healthy, "Airflow to answer", timeout)

    def stop(self) -> None:
        """Stop every process of this Airflow."""
        if self._process is None:
            return
        for sign, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def wait(self, done: Callable[[], Any], what: str, timeout: float) -> Any:
        """Ask until the answer is true, and return it."""
        deadline = time.monotonic() + timeout
        while True:
            answer = done()
            if answer:
                return answer
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"Airflow ended while waiting for {what}; see {self.log}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout:.0f} s for {what}; see {self.log}")
            time.sleep(0.5)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the public REST API and return the decoded answer.

        :param path: below ``/api/v2``
        :raises urllib.error.HTTPError: the API refused
        """
        if not self._token:
            # The simple auth manager lets everybody in as admin here, and hands out a token for that.
            self._token = self._request("GET", "/auth/token", None, {})["access_token"]
        return self._request(method, f"/api/v2{path}", body, {"Authorization": f"Bearer {self._token}"})

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as response:
                health = json.load(response)
        except (OSError, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler"))

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Unpause a DAG as soon as it is known and start a run."""

        def known() -> bool:
            try:
                self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return False
                raise
            return True

        self.wait(known, f"DAG {dag_id!r} to be parsed", 120)
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self.call("POST", f"/dags/{dag_id}/dagRuns", body)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a DAG run."""
        return str(self.call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 300) -> str:
        """Wait until a DAG run has ended and return its state."""
        return str(
            self.wait(
                lambda: (state := self.run_state(dag_id, run_id)) in TERMINAL and state,
                f"run {run_id!r} of {dag_id!r} to end",
                timeout,
            )
        )

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return the task instance."""
        answer: dict[str, Any] = self.call("GET", f"{self._task_path(dag_id, run_id, task_id)}")
        return answer

    def log_lines(self, dag_id: str, run_id: str, task_id: str, try_number: int) -> list[str]:
        """Return the messages of a task log."""
        answer = self.call("GET", f"{self._task_path(dag_id, run_id, task_id)}/logs/{try_number}?full_content=true")
        return [str(item.get("event", item)) if isinstance(item, dict) else str(item) for item in answer["content"]]

    def summary(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task returned (XCom ``return_value``)."""
        path = f"{self._task_path(dag_id, run_id, task_id)}/xcomEntries/return_value?deserialize=false"
        value = self.call("GET", path)["value"]
        return json.loads(value) if isinstance(value, str) else value

    @staticmethod
    def _task_path(dag_id: str, run_id: str, task_id: str) -> str:
        return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}/taskInstances/{quote(task_id)}"


def quote(name: str) -> str:
    """Quote a name for a path of the API."""
    return urllib.parse.quote(name, safe="")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
