"""A real Airflow for tests: a home of its own, and a process that runs DAGs with ``dag.test()``."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

TARGETS = Path(__file__).parents[3] / "example_dags" / "flights" / "carrier_targets.json"

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DAGS = HERE / "dags"


@dataclass(frozen=True)
class Try:
    """One try of one task.

    :param number: Airflow's ``try_number``
    :param state: how it ended
    :param error: what it raised: ``type``, ``message``, ``functions`` of its traceback, and its ``cause`` likewise
    :param log: level and message of each line that this package logged
    """

    number: int
    state: str
    error: dict[str, Any] | None
    log: list[tuple[str, str]]

    @property
    def messages(self) -> list[str]:
        return [message for _, message in self.log]

    @property
    def warnings(self) -> list[str]:
        return [message for level, message in self.log if level == "WARNING"]


@dataclass(frozen=True)
class Ended:
    """A DAG run that has ended.

    :param state: of the DAG run
    :param states: of the task instances, by task id and map index
    :param tries: by task id and map index
    :param pushed: the XComs of the tasks, by task id, map index and key
    :param output: everything that was printed
    """

    state: str
    run_id: str
    states: dict[tuple[str, int], str]
    pushed: dict[tuple[str, int, str], Any]
    output: str
    tries: dict[tuple[str, int], list[Try]] = field(default_factory=dict)

    @property
    def returned(self) -> dict[tuple[str, int], Any]:
        """What the tasks returned, by task id and map index."""
        return {(task, index): value for (task, index, key), value in self.pushed.items() if key == "return_value"}

    def actions(self, task: str, map_index: int = -1) -> dict[str, str]:
        """Return what the last try did with each component."""
        return {part["name"]: part["action"] for part in self.returned[task, map_index]["components"]}


class AirflowProcess:
    """An Airflow of its own.

    :param home: its ``AIRFLOW_HOME``, with a migrated database
    :param dags_folder: folder with the DAG files
    """

    def __init__(self, home: Path, dags_folder: Path) -> None:
        self.home = home
        self.dags_folder = dags_folder
        self._count = 0

    def __enter__(self) -> Self:
        with open(self.home / "driver.stderr", "wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "driver.py")],
                env=environment(self.home, self.dags_folder),
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def run(self, file: str, dag_id: str, timeout: float = 180, **conf: Any) -> Ended:
        """Run a DAG to its end, retries included.

        :param file: DAG file in the DAG folder
        :param timeout: seconds
        :param conf: the run's conf, which overrides the DAG's params
        """
        self._count += 1
        output = self.home / f"{self._count}-{dag_id}.log"
        request = {"file": str(self.dags_folder / file), "dag_id": dag_id, "conf": conf, "output": str(output)}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                self._process.kill()
                pytest.fail(f"{dag_id} did not end in {timeout} s:\n{output.read_text()}")
        line = self._process.stdout.readline()
        if not line:
            pytest.fail(f"the process died in {dag_id}:\n{(self.home / 'driver.stderr').read_text()}")
        answer = json.loads(line)
        text = output.read_text() if output.exists() else ""
        if "problem" in answer:
            pytest.fail(f"{dag_id}: {answer['problem']}\n{text}")
        ended = Ended(
            answer["state"],
            answer["run_id"],
            {(task, index): state for task, index, state, _ in answer["instances"]},
            {(task, index, key): value for task, index, key, value in answer["pushed"]},
            text,
        )
        for item in answer["tries"]:
            log = [(level, message) for level, message in item["log"]]
            ended.tries.setdefault((item["task"], item["map_index"]), []).append(
                Try(item["number"], item["state"], item["error"], log)
            )
        return ended


def environment(home: Path, dags_folder: Path) -> dict[str, str]:
    """Return the environment of an Airflow with this home: nothing of the caller's own Airflow is in it."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(dags_folder), os.environ.get("PYTHONPATH", "")]),
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ``AIRFLOW_HOME`` with nothing but a fresh database. Copied, never used."""
    home = tmp_path_factory.mktemp("migrated")
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment(home, home),
        cwd=home,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return home


@pytest.fixture(scope="session")
def airflow_environment() -> Callable[[Path, Path], dict[str, str]]:
    """The environment for a command of an Airflow with the given home and DAG folder."""
    return environment


@pytest.fixture(scope="module")
def dags_folder() -> Path:
    """The DAG files; a test module that needs others overrides this."""
    return DAGS


def _start(migrated_home: Path, dags_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AirflowProcess:
    home = tmp_path_factory.mktemp("airflow")
    shutil.copytree(migrated_home, home, dirs_exist_ok=True)
    return AirflowProcess(home, dags_folder)


@pytest.fixture(scope="session")
def shared_airflow(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcess]:
    """An Airflow for the tests of all modules that have no DAG files of their own."""
    with _start(migrated_home, DAGS, tmp_path_factory) as process:
        yield process


@pytest.fixture(scope="module")
def airflow(
    request: pytest.FixtureRequest, migrated_home: Path, dags_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowProcess]:
    """An Airflow for the tests of one module, alone if they have DAG files of their own."""
    if dags_folder == DAGS:
        yield request.getfixturevalue("shared_airflow")
        return
    with _start(migrated_home, dags_folder, tmp_path_factory) as process:
        yield process


@pytest.fixture
def service() -> Iterator[str]:
    """The service that the flights pipeline asks for targets: the first answer of each start is that it is not up."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = TARGETS.read_bytes()
            self.send_response(200 if asked.count(self.path) > 1 else 503)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
