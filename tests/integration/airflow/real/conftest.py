"""One real Airflow for all scenes, and a stage on which several of them play at once.

Each test is a *scene*: a function with the one argument ``scene``, through which it drives Airflow's public REST API.
A scene mostly waits, so the bodies of all scenes that pytest has selected are played in a few threads; the test itself
waits for the outcome of its own. Afterwards no process of the scene may be left.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from airflow_provider.runner import CheckpointState
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from scripts.local_airflow import RELEASE, LocalAirflow, processes_with
from scripts.local_postgres import LocalPostgres, find_programs

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
TASK = "work"
AT_ONCE = 4
HEARTBEAT_TIMEOUT = 25
PATIENCE = 400.0
SEED = int(os.environ.get("SCENE_SEED") or random.SystemRandom().randrange(10**6))
NOTES: list[str] = []


class StoredRows:
    """What a task would see of its task state store, made of what the REST API shows of it.

    :param rows: key to value
    """

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows

    def get(self, key: str) -> Any:
        return self._rows.get(key)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        raise AssertionError(f"a look at a checkpoint wrote {key!r}")

    def delete(self, key: str) -> None:
        raise AssertionError(f"a look at a checkpoint deleted {key!r}")


@dataclass(frozen=True)
class Entry:
    """A line of the journal: a component's execution began (``start``) or came to its end (``done``).

    :param born: when the process started; tells it from another one that has got its id since
    """

    event: str
    component: str
    process: int
    born: str
    supervisor: int

    @property
    def alive(self) -> bool:
        """Whether the task process lives. One that waits to be reaped does not."""
        try:
            state, *others = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return state != "Z" and others[18] == self.born


@dataclass(frozen=True)
class AirflowRun:
    """The task of one DAG run.

    :param folder: where its components write, and where the scene directs them
    :param map_index: which of the mapped instances, -1 if it is not mapped
    :param task_id: of the task
    """

    airflow: LocalAirflow
    dag_id: str
    run_id: str
    folder: Path
    map_index: int = -1
    task_id: str = TASK

    def index(self, number: int) -> AirflowRun:
        """Return one of the mapped instances."""
        return replace(self, folder=self.folder / str(number), map_index=number)

    # What the scene directs and what it waits for.

    def hold(self, component: str, execution: int = 1) -> None:
        """Make an execution of a component wait for :meth:`release`."""
        self._direct("hold", component, execution)

    def release(self, component: str, execution: int = 1) -> None:
        """Let an execution that waits go on."""
        (self.folder / f"hold-{component}-{execution}").unlink()

    def fail(self, component: str, execution: int = 1) -> None:
        """Make an execution of a component fail."""
        self._direct("fail", component, execution)

    def exit(self, component: str, execution: int = 1) -> None:
        """Make an execution of a component end its process with status 0."""
        self._direct("exit", component, execution)

    def _direct(self, what: str, component: str, execution: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{what}-{component}-{execution}").touch()

    def wait(self, done: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
        """Ask until the answer is true, and return it."""
        return self.airflow.wait(done, f"{self.run_id}: {what}", timeout)

    def wait_for_start(self, component: str, execution: int = 1) -> Entry:
        """Wait until a component is executed for the nth time."""

        def begun() -> list[Entry]:
            starts = [entry for entry in self.journal if (entry.event, entry.component) == ("start", component)]
            if len(starts) < execution:
                assert self.airflow.run_state(self.dag_id, self.run_id) != "failed", f"{self.run_id} failed before"
            return starts[execution - 1 : execution]

        (entry,) = self.wait(begun, f"execution {execution} of component {component!r}")
        return entry

    def wait_until_known(self) -> None:
        """Wait until the scheduler has made the DAG run, as it does those of a backfill."""

        def known() -> bool:
            with contextlib.suppress(HTTPError):
                return bool(self.airflow.run_state(self.dag_id, self.run_id))
            return False

        self.wait(known, "run to be made")

    def wait_for_end(self, state: str) -> None:
        """Wait until the DAG run has ended in this state."""
        ended = self.airflow.wait_for_run(self.dag_id, self.run_id, PATIENCE)
        assert ended == state, f"{self.run_id} ended as {ended}, not {state}"

    # What a user does.

    def clear(self, *, keep: bool = True) -> None:
        """Clear the task in the dialog.

        :param keep: whether "Keep task state and resume" is ticked; before Airflow 3.4 the dialog does not ask
        """
        self.airflow.clear(self.dag_id, self.run_id, self.task_id, keep=keep)

    def clear_run(self) -> None:
        """Clear the whole DAG run."""
        self.airflow.clear_run(self.dag_id, self.run_id)

    def mark(self, state: str) -> None:
        """Mark the task by hand."""
        self.airflow.mark(self.dag_id, self.run_id, self.task_id, state)

    # What there is to see.

    @property
    def journal(self) -> list[Entry]:
        """What the components noted."""
        try:
            text = (self.folder / "journal").read_text()
        except FileNotFoundError:
            return []
        return [Entry(**json.loads(line)) for line in text.splitlines()]

    @property
    def executed(self) -> list[str]:
        """The executions of components by attempt, each attempt a string such as ``a b``."""
        attempts: dict[int, list[str]] = {}
        for entry in self.journal:
            if entry.event == "start":
                attempts.setdefault(entry.process, []).append(entry.component)
        return [" ".join(components) for components in attempts.values()]

    @property
    def repeated(self) -> list[str]:
        """The components that were executed again after they had come to their end."""
        done: set[str] = set()
        again = []
        for entry in self.journal:
            if entry.event == "done":
                done.add(entry.component)
            elif entry.component in done:
                again.append(entry.component)
        return again

    @property
    def instance(self) -> dict[str, Any]:
        """Airflow's task instance."""
        return self.airflow.task(self.dag_id, self.run_id, self.task_id, self.map_index)

    @property
    def plan(self) -> dict[str, str]:
        """What the last attempt did with each component."""
        summary = self.airflow.summary(self.dag_id, self.run_id, self.task_id, self.map_index)
        return {part["name"]: part["action"] for part in summary["components"]}

    def first_line(self, attempt: int) -> str:
        """Return what the first line of an attempt's log says of the case, without the run's name."""
        begin = f"run {self.run_id!r}, try {attempt}: "
        lines = self.airflow.log_lines(self.dag_id, self.run_id, self.task_id, attempt, self.map_index)
        found = [line for line in lines if line.startswith(begin)]
        assert len(found) == 1, f"{len(found)} lines begin with {begin!r} in:\n" + "\n".join(lines)
        return found[0].removeprefix(begin)

    def checkpoint(self, pipeline: str = "chain") -> CheckpointState | None:
        """What the task state store has of the run, read through the REST API."""
        rows = StoredRows(self.airflow.task_state(self.dag_id, self.run_id, self.task_id))
        return TaskStateCheckpointStore(rows).load(self.run_id, pipeline, scope=(self.dag_id, self.task_id, "-1"))

    def text(self, component: str) -> str:
        """Return what a component of a chain has written."""
        return (self.folder / component).read_text()

    def spark_processes(self) -> list[int]:
        """Return the ids of the JVMs, and of the Python workers below them."""
        return processes_with({"AIRFLOW_HOME": str(self.airflow.home), "AIRFLOW_CTX_DAG_RUN_ID": self.run_id})


@dataclass
class Scene:
    """What a test gets: the means to start runs.

    :param name: of the test
    :param random: for moments; differs between scenes and follows from the seed
    """

    airflow: LocalAirflow
    name: str
    folder: Path
    random: random.Random
    runs: list[AirflowRun] = field(default_factory=list)

    @property
    def dags_folder(self) -> Path:
        """The folder that Airflow reads DAGs from."""
        return Path(self.airflow.environment["AIRFLOW__CORE__DAGS_FOLDER"])

    def run(self, dag_id: str, number: int = 1, task_id: str = TASK) -> AirflowRun:
        """Prepare a run of a DAG, to be directed and then triggered."""
        run = AirflowRun(self.airflow, dag_id, f"{self.name}-{number}", self.folder / str(number), task_id=task_id)
        self.runs.append(run)
        return run

    def trigger(self, run: AirflowRun, *, day: str | None = None, **conf: Any) -> AirflowRun:
        """Start a prepared run, with a logical date if it shall have one."""
        self.airflow.trigger(run.dag_id, run.run_id, {"folder": str(run.folder), **conf}, day)
        return run

    def backfill(self, dag_id: str, *days: str) -> list[AirflowRun]:
        """Start a backfill of some days and return its runs. Each has the folder of its day."""
        conf = {"folder": str(self.folder), "by_day": True}
        self.airflow.backfill(dag_id, days[0], days[-1], conf)
        runs = [AirflowRun(self.airflow, dag_id, f"backfill__{day}T00:00:00+00:00", self.folder / day) for day in days]
        self.runs += runs
        return runs

    def say(self, text: str) -> None:
        """Add a line to pytest's summary."""
        NOTES.append(f"{self.name}: {text}")

    def assert_nothing_is_left(self) -> None:
        """No task process, no JVM and no Python worker of this scene is alive any more."""

        def left() -> dict[str, list[int]]:
            journals = (path for run in self.runs for path in run.folder.rglob("journal"))
            entries = [Entry(**json.loads(line)) for path in journals for line in path.read_text().splitlines()]
            found = {
                "task": [entry.process for entry in entries if entry.alive],
                "Spark": [process for run in self.runs for process in run.spark_processes()],
            }
            return {kind: processes for kind, processes in found.items() if processes}

        deadline = time.monotonic() + 20
        while left() and time.monotonic() < deadline:
            time.sleep(0.5)
        assert left() == {}


class Stage:
    """Plays scenes in threads.

    :param items: the selected tests with the argument ``scene``
    """

    def __init__(self, airflow: LocalAirflow, folder: Path, items: list[pytest.Function]) -> None:
        at_once = 2 if airflow.database.startswith("sqlite") else AT_ONCE
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="scene")
        self._scenes = {item.nodeid: Scene(airflow, _name(item), folder / _name(item), _random(item)) for item in items}
        self._outcomes: dict[str, Future[None]] = {
            item.nodeid: self._pool.submit(self._play, item, self._scenes[item.nodeid]) for item in items
        }

    @staticmethod
    def _play(item: pytest.Function, scene: Scene) -> None:
        began = time.monotonic()
        parameters: Mapping[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
        try:
            item.obj(scene=scene, **parameters)
            scene.assert_nothing_is_left()
        finally:
            scene.say(f"{time.monotonic() - began:.0f} s")

    def outcome(self, item: pytest.Function) -> None:
        """Wait until a scene is over, and raise what it raised."""
        self._outcomes[item.nodeid].result()

    def close(self) -> None:
        """Start no further scene."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _name(item: pytest.Function) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in item.name.removeprefix("test_")).strip("_")


def _random(item: pytest.Function) -> random.Random:
    return random.Random(f"{SEED} {item.name}")


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running Airflow with all selected scenes under way."""
    home = tmp_path_factory.mktemp("real-airflow")
    dags = home / "dags"
    shutil.copytree(HERE / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "AIRFLOW__CORE__PARALLELISM": "12",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",  # a file that changes is read at once
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with contextlib.ExitStack() as stack:
        # A continuous integration that gives up sends SIGTERM; as Ctrl-C it lets the servers be stopped.
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        database = "SQLite"
        programs = None if os.environ.get("SCENE_DATABASE") == "sqlite" else find_programs()
        if programs is not None:
            postgres = stack.enter_context(LocalPostgres(programs))
            settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = postgres.url
            database = postgres.version
        began = time.monotonic()
        airflow = stack.enter_context(LocalAirflow(home / "airflow", dags, settings))
        NOTES.append(f"Airflow was up after {time.monotonic() - began:.0f} s; database {database}; SCENE_SEED={SEED}")
        items = [
            item
            for item in request.session.items
            if "scene" in getattr(item, "fixturenames", ()) and item.get_closest_marker("skip") is None
        ]
        stage = Stage(airflow, home / "scenes", items)
        yield stage
        stage.close()


@pytest.fixture
def scene(stage: Stage) -> Stage:
    """Stands in for the :class:`Scene` that the test's body gets on the stage."""
    return stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the scenes that the installed Airflow does not have, see the marker ``airflow``."""
    for item in items:
        for marker in item.iter_markers("airflow"):
            since, before = marker.kwargs.get("since", RELEASE), marker.kwargs.get("before")
            if since > RELEASE or (before is not None and before <= RELEASE):
                item.add_marker(pytest.mark.skip(reason=marker.kwargs["reason"]))


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Take the outcome of the scene from the stage instead of calling the test."""
    stage = pyfuncitem.funcargs.get("scene")
    if not isinstance(stage, Stage):
        return None
    stage.outcome(pyfuncitem)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the scenes had to say."""
    if NOTES:
        terminalreporter.section("real Airflow")
        for line in NOTES:
            terminalreporter.line(line)
