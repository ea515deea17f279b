"""A real Airflow on this machine with a home of its own: API server, scheduler, DAG processor, LocalExecutor."""

from __future__ import annotations

import contextlib
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
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

RELEASE = tuple(int(part) for part in version("apache-airflow-core").split(".")[:2])
"""Which Airflow is installed, such as ``(3, 4)``."""

TERMINAL = ("success", "failed")
PARTS = ("api-server", "scheduler", "dag-processor")


class LocalAirflow:
    """Starts the parts of an Airflow and talks to its REST API.

    :param home: its ``AIRFLOW_HOME``; created
    :param dags_folder: folder with the DAG files
    :param settings: further ``AIRFLOW__…`` and other environment variables
    :param port: port of the API server; default: a free one
    :param parts: the commands of ``airflow`` to start
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        parts: Sequence[str] = PARTS,
    ) -> None:
        self.home = home.resolve()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home / "airflow.log"
        self._parts = parts
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
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
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 240) -> None:
        """Start Airflow and wait until its API answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:

            def begin(*command: str) -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    [sys.executable, "-m", "airflow", *command],
                    env=self.environment,
                    cwd=self.home,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

            # First and alone: it also writes the configuration with the secret that the parts share.
            if begin("db", "migrate").wait(timeout):
                raise RuntimeError(f"Airflow's database could not be set up; see {self.log}")
            self._processes = {part: begin(part) for part in self._parts}
        self.wait(self._healthy, "Airflow to answer", timeout)

    def stop(self) -> None:
        """Stop every process of this Airflow, its tasks included."""
        for sign, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
            for process in self._processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
            deadline = time.monotonic() + patience
            for process in self._processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0, deadline - time.monotonic()))
        # A task is in the session of the part that started it, but in a process group of its own.
        sessions = {process.pid for process in self._processes.values()}
        for left in every_process():
            with contextlib.suppress(OSError):
                if os.getsid(left) in sessions:
                    os.kill(left, signal.SIGKILL)
        self._processes = {}

    @property
    def database(self) -> str:
        """Address of its database."""
        return self.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]

    def command(self, *words: str) -> str:
        """Run ``airflow`` with these words and return what it prints.

        :raises subprocess.CalledProcessError: it failed; what it said on stderr is a note
        """
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *words],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        try:
            done.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(done.stderr)
            raise
        return done.stdout

    def wait(self, done: Callable[[], Any], what: str, timeout: float) -> Any:
        """Ask until the answer is true, and return it."""
        deadline = time.monotonic() + timeout
        while True:
            answer = done()
            if answer:
                return answer
            if not self._processes:
                raise RuntimeError(f"Airflow was stopped while waiting for {what}")
            for part, process in list(self._processes.items()):
                if process.poll() is not None:
                    raise RuntimeError(f"Airflow's {part} ended while waiting for {what}; see {self.log}")
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
        headers = {"Authorization": f"Bearer {self._token}"}
        for _ in range(10 if self.database.startswith("sqlite") else 0):
            try:
                return self._request(method, f"/api/v2{path}", body, headers)
            except urllib.error.HTTPError as error:
                if error.code != 500:
                    raise
            time.sleep(1)  # one writer at a time: "database is locked", and nothing has been done
        return self._request(method, f"/api/v2{path}", body, headers)

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
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def trigger(
        self, dag_id: str, run_id: str, conf: Mapping[str, Any] | None = None, logical_date: str | None = None
    ) -> None:
        """Unpause a DAG as soon as it is known and start a run."""
        self.unpause(dag_id)
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": dict(conf or {})}
        self.call("POST", f"/dags/{dag_id}/dagRuns", body)

    def backfill(self, dag_id: str, first: str, last: str, conf: Mapping[str, Any] | None = None) -> None:
        """Unpause a DAG as soon as it is known and run it for each day between two days, both included."""
        self.unpause(dag_id)
        days = {"from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        body = {"dag_id": dag_id, **days, "max_active_runs": 2, "dag_run_conf": dict(conf or {})}
        self.call("POST", "/backfills", body)

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG as soon as it is known."""

        def known() -> bool:
            try:
                self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return False
                raise
            return True

        self.wait(known, f"DAG {dag_id!r} to be parsed", 120)

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

    def task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return the task instance."""
        path = _task_path(dag_id, run_id, task_id)
        answer: dict[str, Any] = self.call("GET", path if map_index < 0 else f"{path}/{map_index}")
        return answer

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task ``success`` or ``failed`` by hand."""
        self.call("PATCH", _task_path(dag_id, run_id, task_id), {"new_state": state})

    def clear(self, dag_id: str, run_id: str, task_id: str, *, keep: bool = True) -> None:
        """Clear a task, whatever its state, as the dialog does.

        :param keep: whether "Keep task state and resume" is ticked; before Airflow 3.4 the dialog does not ask
        """
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        if RELEASE >= (3, 4):
            body["keep_task_state"] = keep
        self.call("POST", f"/dags/{quote(dag_id)}/clearTaskInstances", body)

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Clear all tasks of a DAG run, as the button of the run does."""
        self.call("POST", f"{_run_path(dag_id, run_id)}/clear", {"dry_run": False, "only_failed": False})

    def log_lines(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> list[str]:
        """Return the messages of a task log."""
        path = f"{_task_path(dag_id, run_id, task_id)}/logs/{try_number}?full_content=true&map_index={map_index}"
        answer = self.call("GET", path)
        return [str(item.get("event", item)) if isinstance(item, dict) else str(item) for item in answer["content"]]

    def summary(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """Return an XCom of a task, by default what it returned."""
        path = f"{_task_path(dag_id, run_id, task_id)}/xcomEntries/{key}?deserialize=false"
        value = self.call("GET", f"{path}&map_index={map_index}")["value"]
        return json.loads(value) if isinstance(value, str) else value

    def task_state(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """Return what the task state store holds for a task, by key."""
        rows: dict[str, Any] = {}
        while True:
            path = f"{_task_path(dag_id, run_id, task_id)}/state-store?limit=50&offset={len(rows)}"
            page = self.call("GET", path)["task_state_store"]
            rows |= {entry["key"]: entry["value"] for entry in page}
            if len(page) < 50:
                return rows

    def put_task_state(self, dag_id: str, run_id: str, task_id: str, key: str, value: Any) -> None:
        """Write one entry of the task state store, as its edit button does."""
        self.call("PUT", f"{_task_path(dag_id, run_id, task_id)}/state-store/{quote(key)}", {"value": value})

    def delete_task_state(self, dag_id: str, run_id: str, task_id: str, key: str) -> None:
        """Delete one entry of the task state store, as its trash button does."""
        self.call("DELETE", f"{_task_path(dag_id, run_id, task_id)}/state-store/{quote(key)}")


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def _task_path(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}"


def every_process() -> list[int]:
    """Return the ids of all processes; none where there is no ``/proc``."""
    return [int(process.name) for process in Path("/proc").glob("[0-9]*")]


def processes_with(variables: Mapping[str, str]) -> list[int]:
    """Return the ids of all processes that were started with these environment variables.

    Airflow's own write their title over the place where this looks; programs that they start do not.
    """
    wanted = {f"{name}={value}".encode() for name, value in variables.items()}
    found = []
    for process in every_process():
        with contextlib.suppress(OSError):
            if wanted <= set(Path(f"/proc/{process}/environ").read_bytes().split(b"\0")):
                found.append(process)
    return found


def quote(name: str) -> str:
    """Quote a name for a path of the API."""
    return urllib.parse.quote(name, safe="")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
