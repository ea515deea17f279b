"""Which spark-submit command the operator calls, and what it makes of its end and of the cluster's answers.

The program spark-submit is a stand-in that notes its arguments and says what the test wants; Airflow's hook is real.
"""

from __future__ import annotations

import base64
import contextvars
import datetime
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.apache.spark.hooks import spark_submit as provider_hook
from airflow.providers.apache.spark.operators import spark_submit as provider_operator
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk.bases.operator import ExecutorSafeguard
from structlog.testing import capture_logs

from airflow_provider.errors import (
    AttemptStopped,
    CheckpointError,
    ComponentFailedError,
    DriverError,
    StaleAttemptError,
)
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from airflow_provider.runner import CheckpointState, InMemoryCheckpointStore, LocalCheckpointStore
from airflow_provider.runner.checkpoint import ComponentRecord
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.object_store import ObjectStorageCheckpointStore
from tests.samples.harness.stores import FakeTaskState
from tests.samples.services.s3 import new_prefix

# Airflow's hook leaves the pipe from spark-submit to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

PIPELINE = {
    "name": "p",
    "components": [
        {"name": "a", "class_path": "only.on.the.driver"},
        {"name": "b", "class_path": "only.on.the.driver", "depends_on": ["a"]},
    ],
    "spark": {
        "executor_memory": "3g",
        "master": "ignored",
        "spark_conf": {"spark.x": "pipeline", "spark.y": "pipeline"},
    },
}

PROGRAM = f"""#!{sys.executable}
import json, os, pathlib, sys, time
folder = pathlib.Path(__file__).parent
calls = json.loads((folder / "calls.json").read_text()) if (folder / "calls.json").exists() else []
shipped = {{}}
for index, argument in enumerate(sys.argv):
    if argument in ("--files", "--py-files"):
        for path in sys.argv[index + 1].split(","):
            if os.path.exists(path):
                shipped[os.path.basename(path)] = os.stat(path).st_mode & 0o777
request = pathlib.Path(sys.argv[-1])
if not request.exists():
    files = sys.argv[sys.argv.index("--files") + 1].split(",")
    request = next(pathlib.Path(path) for path in files if path.endswith(request.name))
content = json.loads(request.read_text())
keytab = sys.argv[sys.argv.index("--keytab") + 1] if "--keytab" in sys.argv else ""
mode = os.stat(keytab).st_mode & 0o777 if os.path.exists(keytab) else None
call = {{"arguments": sys.argv[1:], "request": content, "keytab": mode}}
calls.append({{**call, "shipped": shipped, "folder": str(request.parent)}})
(folder / "calls.json").write_text(json.dumps(calls))
plan = json.loads((folder / "plan.json").read_text())
if plan["outcome"] is not None and content.get("outcome"):
    pathlib.Path(content["outcome"]).write_text(json.dumps(plan["outcome"]))
print(plan["says"], flush=True)
if plan["says"] == "wait":
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(600)
sys.exit(plan["status"])
"""

GREEN = {
    "summary": {
        "pipeline": "p",
        "status": "success",
        "duration_seconds": 1.0,
        "seconds_saved": 0.0,
        "components": [
            {"name": name, "action": "RUN", "status": "completed", "reason": "first attempt", "duration_seconds": 0.5}
            for name in ("a", "b")
        ],
    }
}


class Program:
    """The stand-in for spark-submit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        program = folder / "spark-submit"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        self.plan()

    def plan(self, says: str = "", status: int = 0, outcome: dict[str, Any] | None = GREEN) -> None:
        """Decide what it prints, its exit status, and what the driver reports if it runs on this host."""
        (self._folder / "plan.json").write_text(json.dumps({"says": says, "status": status, "outcome": outcome}))

    @property
    def calls(self) -> list[dict[str, Any]]:
        file = self._folder / "calls.json"
        return json.loads(file.read_text()) if file.exists() else []

    def arguments(self) -> list[str]:
        """Return the arguments of the last call, with the directory of the shipment as ``<>``."""
        call = self.calls[-1]
        return [argument.replace(call["folder"], "<>") for argument in call["arguments"]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    return Program(tmp_path)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def define(host: str, **extra: Any) -> str:
        connection = {"conn_type": "spark", "host": host, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLUSTER", json.dumps(connection))
        return "cluster"

    return define


def operator(url: str | None = "s3a://bucket/checkpoints", **options: Any) -> PySparkPipelineSubmitOperator:
    return PySparkPipelineSubmitOperator(
        task_id="t", pipeline=options.pop("pipeline", PIPELINE), checkpoint_url=url, conn_id="cluster", **options
    )


def context(task_state: Any = None, try_number: int = 1, max_tries: int = 1) -> Any:
    ti = SimpleNamespace(
        dag_id="d", task_id="t", map_index=-1, try_number=try_number, max_tries=max_tries, stats_tags={}
    )
    ti.pushed = {}
    ti.xcom_push = ti.pushed.__setitem__
    return {"ti": ti, "run_id": "r:1", "task_state_store": task_state}


def conf(**properties: str) -> list[str]:
    return [part for key, value in properties.items() for part in ("--conf", f"{key.replace('__', '.')}={value}")]


OURS = ["--conf", "spark.log.level=WARN"]
THEIRS = [
    "--conf", "spark.executor.memory=3g", "--conf", "spark.x=connection", "--conf", "spark.y=task",
]  # fmt: skip


def test_the_command_of_a_driver_on_this_host_with_local_spark(program: Program, connect: Any) -> None:
    """Driver and executors get the worker's Python, and the request stays where it is."""
    connect("local[2]", **{"spark.x": "connection"})
    operator("/shared", conf={"spark.y": "task"}, py_files="mine.py,more.zip").execute(context())
    assert program.arguments() == [
        "--master", "local[2]", *OURS, "--conf", f"spark.pyspark.python={sys.executable}", *THEIRS,
        "--py-files", "<>/airflow_provider.zip,mine.py,more.zip", "--name", "d.t",
        "<>/pyspark_pipeline_driver.py", "<>/pyspark_pipeline_request.json",
    ]  # fmt: skip


def test_the_command_of_a_driver_on_this_host_with_a_standalone_cluster(program: Program, connect: Any) -> None:
    """Only the driver gets the worker's Python; files of the author's go along."""
    connect("spark://master:7077", **{"spark.x": "connection"})
    operator("/shared", conf={"spark.y": "task"}, files="a.csv", name="nightly", num_executors=3).execute(context())
    assert program.arguments() == [
        "--master", "spark://master:7077", *OURS, "--conf", f"spark.pyspark.driver.python={sys.executable}", *THEIRS,
        "--files", "a.csv", "--py-files", "<>/airflow_provider.zip", "--num-executors", "3", "--name", "nightly",
        "<>/pyspark_pipeline_driver.py", "<>/pyspark_pipeline_request.json",
    ]  # fmt: skip


@pytest.mark.parametrize("given", [{"spark.y": 1}, "{'spark.y': 1}", '{"spark.y": 1}'], ids=type)
def test_properties_may_come_through_a_template_as_text(program: Program, connect: Any, given: Any) -> None:
    connect("local")
    operator("/shared", conf=given).execute(context())
    assert "spark.y=1" in program.arguments()


def test_the_keytab_of_the_connection_is_this_users_only_and_removed(program: Program, connect: Any) -> None:
    """The Spark provider would leave it readable for everybody. What the author gives wins."""
    connect("yarn", principal="etl@EXAMPLE", keytab=base64.b64encode(b"not a keytab").decode())
    operator().execute(context())
    arguments = program.arguments()
    keytab = Path(arguments[arguments.index("--keytab") + 1])
    assert arguments[arguments.index("--principal") + 1] == "etl@EXAMPLE"
    assert keytab.parent.name.startswith("pyspark-pipeline-keytab-")
    assert program.calls[-1]["keytab"] == 0o600
    assert not keytab.exists()

    operator(keytab=__file__, principal="other@EXAMPLE").execute(context())
    assert ["--keytab", __file__, "--principal", "other@EXAMPLE"] == [
        word for word in program.arguments() if word in ("--keytab", __file__, "--principal", "other@EXAMPLE")
    ]


@pytest.mark.parametrize("chosen", [{"conf": {"spark.pyspark.python": "/py"}}, {"env_vars": {"PYSPARK_PYTHON": "/py"}}])
def test_a_python_that_the_author_chose_stays_chosen(program: Program, connect: Any, chosen: dict[str, Any]) -> None:
    connect("spark://master:7077")
    operator("/shared", **chosen).execute(context())
    assert not any(sys.executable in argument for argument in program.arguments())


def test_the_command_of_a_driver_on_yarn(program: Program, connect: Any, resource_manager: Any) -> None:
    """The request travels with the job, and spark-submit ends as soon as YARN has it."""
    connect("yarn", **{"spark.x": "connection", "queue": "night", **resource_manager.extra})
    program.plan("INFO Client: Submitted application application_1_2")
    resource_manager.answers = [("FINISHED", "SUCCEEDED")]
    operator(
        conf={"spark.y": "task"}, deploy_mode="cluster", yarn_track_via_rm_api=True, env_vars={"A": "1"}, files="a.csv"
    ).execute(context(FakeTaskState()))
    assert program.arguments() == [
        "--master", "yarn", *OURS, *THEIRS, "--conf", "spark.yarn.submit.waitAppCompletion=false",
        "--conf", "spark.yarn.appMasterEnv.A=1", "--files", "<>/pyspark_pipeline_request.json,a.csv",
        "--py-files", "<>/airflow_provider.zip", "--name", "d.t", "--queue", "night", "--deploy-mode", "cluster",
        "<>/pyspark_pipeline_driver.py", "pyspark_pipeline_request.json",
    ]  # fmt: skip
    assert program.calls[-1]["shipped"]["pyspark_pipeline_request.json"] == 0o600


def test_the_command_of_a_driver_on_kubernetes(program: Program, connect: Any, kubernetes: None) -> None:
    """The same, with the namespace of the connection."""
    connect("k8s://https://api:6443", namespace="jobs", **{"spark.x": "connection", "deploy-mode": "cluster"})
    program.plan("submission ID spark:p-driver\n\t exit code: 0")
    with pytest.raises(ValueError, match="on the worker"):
        operator("/shared", deploy_mode="cluster")
    operator(conf={"spark.y": "task"}).execute(context(FakeTaskState()))
    assert program.arguments() == [
        "--master", "k8s://https://api:6443", *OURS, *THEIRS, "--conf", "spark.kubernetes.namespace=jobs",
        "--files", "<>/pyspark_pipeline_request.json", "--py-files", "<>/airflow_provider.zip", "--name", "d.t",
        "--deploy-mode", "cluster", "<>/pyspark_pipeline_driver.py", "pyspark_pipeline_request.json",
    ]  # fmt: skip


def test_the_drivers_request_holds_what_decides_the_start_and_nothing_of_airflows(
    program: Program, connect: Any
) -> None:
    """Everything that decides how the attempt starts, and no store or connection of Airflow's."""
    connect("local[2]")
    pipeline = {**PIPELINE, "components": [{"name": "a", "class_path": "x.y", "config": {"day": "{{ ds }}"}}]}
    work = operator(
        "s3://my_aws@bucket/c",
        pipeline=pipeline,
        session_state_url="s3a://b/views",
        on_clear="restart",
        session_state_retention_days=14,
    )
    work.execute(context(try_number=2, max_tries=3) | {"ds": "2026-01-01"})

    request = program.calls[-1]["request"]
    assert request["pipeline"].startswith(
        "name: p\ncomponents:\n- name: a\n  class_path: x.y\n  config:\n    day: '2026"
    )
    assert "on_clear: restart" in request["pipeline"]
    assert request["attempt"] == {
        "try_number": 2, "max_tries": 3, "retries": 0, "clear_number": None, "bundle_version": None,
        "task_state": None, "task_state_found": False,
    }  # fmt: skip
    assert (request["run_id"], request["scope"]) == ("r:1", ["d", "t", "-1"])
    assert request["templated"] == [["a", "config.day"]]
    assert request["checkpoint_url"] == "s3a://bucket/c"
    assert request["session_state_url"] == "s3a://b/views/d/t/-1/r%3A1/p"
    assert request["keeping"] == {"retention_days": 14, "deployment": "", "hours_after_success": 0.0}
    assert request["requests"] == []


def test_the_drivers_request_holds_the_rendered_sql_files(program: Program, connect: Any, tmp_path: Path) -> None:
    """The file need not be where the driver is; one that is only there is left to the driver."""
    connect("local[2]")
    (tmp_path / "q.sql").write_text("SELECT '{{ ds }}'")
    component = {"class_path": "airflow_provider.components.RunSql"}
    components = [
        component | {"name": "a", "config": {"sql_file": str(tmp_path / "q.sql")}},
        component | {"name": "b", "config": {"sql_file": "only_there.sql"}},
    ]
    pipeline = {"name": "p", "components": components}
    operator("s3://my_aws@bucket/c", pipeline=pipeline).execute(context() | {"ds": "2026-01-01"})

    request = program.calls[-1]["request"]
    assert request["texts"] == {"a": {str(tmp_path / "q.sql"): "SELECT '2026-01-01'"}}
    assert request["templated"] == [["a", f"file {tmp_path / 'q.sql'}"]]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": None}, r"task 't': only the task itself can reach Airflow's task state store.* or to a directory"),
        ({"url": None, "deploy_mode": "cluster"}, "set checkpoint_url to an address"),
        ({"url": "/shared", "deploy_mode": "cluster"}, r"task 't': the directory '/shared' .* s3a://bucket/prefix"),
        ({"checkpoint_store": InMemoryCheckpointStore()}, r"task 't': a checkpoint_store object cannot travel"),
        ({"application": "mine.py"}, r"task 't': application cannot be given.* use SparkSubmitOperator"),
        ({"java_class": "Main"}, "java_class cannot be given"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(options: dict[str, Any], why: str) -> None:
    """The message names the task, the reason and the remedy."""
    with pytest.raises(ValueError, match=why):
        operator(**options)


@pytest.mark.parametrize(
    ("host", "extra", "options", "why"),
    [
        ("yarn", {"deploy-mode": "cluster"}, {"url": "/shared"}, "the directory '/shared' is on the worker"),
        ("spark://master:7077", {"deploy-mode": "cluster"}, {}, "no deploy mode 'cluster' for Python on master 'spark"),
        ("local", {}, {"url": "s3a://me:secret@bucket/x"}, "seems to contain a password"),
        ("yarn", {"deploy-mode": "cluster"}, {}, "requires yarn_track_via_rm_api=True"),
        ("local", {}, {"pipeline": "/nowhere/nothing.yaml"}, "nothing.yaml"),
        ("local", {}, {"conf": "spark.x=1"}, "task 't', conf is text but not a mapping of Spark properties"),
        ("local", {}, {"conf": {"spark.x": None}}, "task 't', conf: property 'spark.x' is None"),
        ("local", {"spark.x": None}, {}, "connection 'cluster', extras: property 'spark.x' is None"),
        ("yarn", {"principal": "a@B"}, {}, "a Kerberos principal but no keytab"),
        ("yarn", {}, {"keytab": "/etc/a.keytab"}, "a Kerberos keytab but no principal"),
        ("yarn", {"principal": "a@B", "keytab": "/etc/a"}, {}, "'keytab' is not a keytab in base64"),
        ("local", {"spark-home": "/opt/spark"}, {}, "connection 'cluster': The `spark-home` extra is not allowed"),
        ("local", {"spark-binary": "spark-shell"}, {}, "connection 'cluster': The spark-binary extra can be one of"),
    ],
)
def test_what_shows_only_when_the_task_runs_uses_up_no_retries(
    program: Program, connect: Any, host: str, extra: dict[str, Any], options: dict[str, Any], why: str
) -> None:
    """Nothing is submitted then."""
    connect(host, **extra)
    with pytest.raises(AirflowFailException, match=why):
        operator(**options).execute(context())
    assert program.calls == []


def test_a_connection_that_does_not_exist_is_no_reason_to_go_to_yarn(program: Program) -> None:
    """Airflow's hook would; a name that somebody wrote has to exist."""
    with pytest.raises(AirflowFailException, match="connection 'cluster' does not exist; create it"):
        operator().execute(context())


FAILED = json.loads(json.dumps(GREEN))
FAILED["summary"] |= {"status": "failure"}
FAILED["summary"]["components"][1] |= {"status": "failed", "error": "ValueError: no"}


@pytest.mark.parametrize(
    ("status", "outcome", "error", "message"),
    [
        (1, FAILED, ComponentFailedError, r"pipeline 'p': component 'b' \(2 of 2\) failed: ValueError: no"),
        (2, {"error_type": "DriverSetupError", "message": "no rich"}, AirflowFailException, "no rich"),
        (2, {"error_type": "PipelineConfigError", "message": "bad"}, AirflowFailException, "bad"),
        (2, {"error_type": "ConfigChangedError", "message": "new"}, AirflowFailException, "new"),
        (2, {"error_type": "SessionStateNotSavedError", "message": "lost"}, AirflowFailException, "lost"),
        (1, {"error_type": "StaleAttemptError", "message": "old"}, StaleAttemptError, "old"),
        (1, {"error_type": "CheckpointWriteError", "message": "full"}, CheckpointError, "full"),
        (1, {"error_type": "SparkSessionError", "message": "no master"}, DriverError, "no master"),
        (1, {"error_type": "describe", "message": "no such error"}, DriverError, "no such error"),
        (1, None, AirflowException, "Error code is: 1"),
        (0, None, DriverError, "ended without a report"),
        (0, {"summary": {**GREEN["summary"], "status": "failure"}}, DriverError, "not every component is complete"),
    ],
)
def test_what_the_driver_reports_decides_how_the_task_ends(
    program: Program, connect: Any, status: int, outcome: Any, error: type[Exception], message: str
) -> None:
    """What a retry may mend fails the task in the way Airflow retries; the rest uses up no retries (invariant 10)."""
    connect("local[2]")
    program.plan("the last line", status, outcome)
    with pytest.raises(error, match=message) as raised:
        operator("/shared").execute(context())
    if error is not AirflowFailException:
        assert not isinstance(raised.value, AirflowFailException)


def test_the_summary_is_that_of_the_driver(program: Program, connect: Any) -> None:
    """XCom holds the same as with Spark in the task."""
    connect("local[2]")
    found = operator("/shared").execute(context())
    assert found == {**GREEN["summary"], "run_id": "r:1", "attempt": 1}
    assert not Path(program.calls[-1]["folder"]).exists()


def test_airflow_sees_one_operator(program: Program, connect: Any) -> None:
    """That the Spark provider's works in ours is no mistake of the author's, so nobody is warned of it."""
    connect("local[2]")
    work = operator("/shared")
    as_airflow_does = contextvars.copy_context()
    as_airflow_does.run(ExecutorSafeguard.tracker.set, work)
    with capture_logs() as lines:
        as_airflow_does.run(work.execute, context())
    assert program.calls
    assert not [line for line in lines if "outside of the Task Runner" in line["event"]]


def test_a_replaced_attempt_submits_nothing(program: Program, connect: Any) -> None:
    """Its driver would take the checkpoint of its successor for that of an earlier DAG run (invariant 5)."""
    connect("local[2]")
    task_state = FakeTaskState()
    task_state.replaced = True
    with pytest.raises(StaleAttemptError, match="a newer attempt has replaced this one"):
        operator("/shared").execute(context(task_state))
    assert program.calls == []


def test_a_request_in_airflows_store_reaches_the_driver(program: Program, connect: Any, tmp_path: Path) -> None:
    """Where people leave it; the driver reads its own store only."""
    connect("local[2]")
    task_state = FakeTaskState()
    task_state.set("pyspark_pipeline_restart_from/p", "a")
    store = LocalCheckpointStore(tmp_path / "checkpoints")
    operator(str(tmp_path / "checkpoints")).execute(context(task_state))
    found = store.find_request(RunKey(("d", "t", "-1"), "r:1", "p"))
    assert found is not None
    assert found.names == ("a",)
    assert "pyspark_pipeline_restart_from/p" not in task_state.rows


def waiting(folder: Path) -> int:
    """Return the process id of the stand-in when it waits."""
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int((folder / "pid").read_text())


def test_on_kill_ends_spark_submit_and_the_attempt(program: Program, connect: Any, tmp_path: Path) -> None:
    """``execute`` does not go on after it, and does not look like a failed component."""
    connect("local[2]")
    program.plan("wait")
    work = operator("/shared")

    def kill() -> None:
        waiting(tmp_path)
        work.on_kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(AttemptStopped, match="Airflow asked the task to stop"):
        work.execute(context())
    thread.join()
    assert not Path(f"/proc/{waiting(tmp_path)}").exists()


def test_a_kill_while_the_attempt_is_prepared_submits_nothing(program: Program, connect: Any) -> None:
    """``execute`` goes on after Airflow's signal handler, and would leave a job on the cluster."""
    connect("local[2]")
    work = operator("/shared")
    work.on_kill()
    with pytest.raises(AttemptStopped, match="Airflow asked the task to stop"):
        work.execute(context())
    assert program.calls == []


def test_a_time_limit_ends_spark_submit(program: Program, connect: Any, tmp_path: Path) -> None:
    """Whatever is raised into ``execute``, nothing stays behind."""
    connect("local[2]")
    program.plan("wait")

    class TimeIsOver(BaseException):
        pass

    def over(*_: Any) -> None:
        raise TimeIsOver

    before = signal.signal(signal.SIGUSR1, over)
    thread = threading.Thread(target=lambda: (waiting(tmp_path), os.kill(os.getpid(), signal.SIGUSR1)))
    thread.start()
    with pytest.raises(TimeIsOver):
        operator("/shared").execute(context())
    thread.join()
    signal.signal(signal.SIGUSR1, before)
    ends(waiting(tmp_path))


def ends(pid: int) -> None:
    """Wait until a process that was sent a signal has ended."""
    deadline = time.monotonic() + 30
    while program_runs(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.05)


def program_runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


class ResourceManager:
    """A stand-in for YARN's ResourceManager: answers with one state after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        self.killed: list[str] = []
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                state, final = manager.answers.pop(0) if len(manager.answers) > 1 else manager.answers[0]
                diagnostics = "User application exited with status 2" if final == "STATUS 2" else "told so"
                final = "FAILED" if final == "STATUS 2" else final
                self._answer({"app": {"state": state, "finalStatus": final, "diagnostics": diagnostics}})

            def do_PUT(self) -> None:
                manager.killed.append(self.path)
                self._answer({})

            def _answer(self, content: Any) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.extra = {"yarn_resourcemanager_webapp_address": f"http://127.0.0.1:{self.server.server_port}"}


@pytest.fixture
def resource_manager() -> Iterator[ResourceManager]:
    manager = ResourceManager()
    threading.Thread(target=manager.server.serve_forever, daemon=True).start()
    yield manager
    manager.server.shutdown()
    manager.server.server_close()


@pytest.fixture
def kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Kubernetes provider is not installed here; nothing of it is called."""
    for module in (provider_hook, provider_operator):
        monkeypatch.setattr(module, "kube_client", SimpleNamespace(), raising=False)


class Yarn:
    """A task that runs its driver on YARN, and the checkpoint that the driver would write."""

    def __init__(self, program: Program, manager: ResourceManager) -> None:
        self.url = new_prefix()
        self.task_state = FakeTaskState()
        self.manager = manager
        program.plan("Submitted application application_1_2")

    def run(self, try_number: int = 1, max_tries: int = 1) -> dict[str, Any]:
        work = operator(self.url, deploy_mode="cluster", yarn_track_via_rm_api=True)
        return work.execute(context(self.task_state, try_number, max_tries))

    def record(self, attempt: int, status: str, *completed: str, failed: str | None = None) -> None:
        ObjectStorageCheckpointStore(self.url).save(
            CheckpointState(
                run_id="r:1", pipeline_name="p", pipeline_fingerprint="f", scope=("d", "t", "-1"), fence=attempt,
                owner=str(attempt), attempt=attempt, status=status, failed_component=failed,
                completed_components=list(completed),
                components={
                    name: ComponentRecord(
                        fingerprint="f", completed_at=datetime.datetime.now(datetime.UTC), duration_seconds=2,
                        attempt=attempt if name == completed[-1] else 1,
                    )
                    for name in completed
                },
            )
        )  # fmt: skip


@pytest.fixture
def yarn(program: Program, connect: Any, resource_manager: ResourceManager) -> Yarn:
    connect("yarn", **resource_manager.extra)
    return Yarn(program, resource_manager)


def test_on_yarn_the_summary_is_made_from_the_checkpoint(yarn: Yarn) -> None:
    """The driver's own report stays on the cluster."""
    yarn.manager.answers = [("FINISHED", "SUCCEEDED")]
    yarn.record(2, "completed", "a", "b")
    found = yarn.run(try_number=2)
    assert (found["status"], found["attempt"]) == ("success", 2)
    assert [(c["name"], c["action"], c["status"]) for c in found["components"]] == [
        ("a", "REUSE", "completed"),
        ("b", "RUN", "completed"),
    ]


def test_on_yarn_a_failed_component_is_named(yarn: Yarn) -> None:
    """What it raised is in the driver's log, and the error says so."""
    yarn.manager.answers = [("FINISHED", "FAILED")]
    yarn.record(1, "failed", "a", failed="b")
    with pytest.raises(ComponentFailedError, match=r"component 'b' \(2 of 2\) failed: the driver's log has") as raised:
        yarn.run()
    assert "told so" in str(raised.value.cause)


def test_on_yarn_the_record_of_an_earlier_attempt_explains_nothing(yarn: Yarn) -> None:
    """A driver that died before it took the checkpoint over did not fail in the component that failed before."""
    yarn.manager.answers = [("FAILED", "FAILED")]
    yarn.record(1, "failed", "a", failed="b")
    with pytest.raises(RuntimeError, match="application_1_2 ended with state: FAILED"):
        yarn.run(try_number=2)


def test_on_yarn_status_2_uses_up_no_retries(yarn: Yarn) -> None:
    """So a config error or a missing package is not tried again there either."""
    yarn.manager.answers = [("FINISHED", "STATUS 2")]
    with pytest.raises(AirflowFailException, match="the driver ended with status 2"):
        yarn.run()


def test_a_job_that_is_alive_is_attached_to_and_not_submitted_again(yarn: Yarn, program: Program) -> None:
    """The worker died, the driver did not: the retry waits for it, and its summary is of the attempt that it is."""
    yarn.manager.answers = [("FAILED", "KILLED")]  # stands for the worker that dies: the id is kept
    with pytest.raises(RuntimeError):
        yarn.run()
    yarn.manager.answers = [("RUNNING", "UNDEFINED"), ("FINISHED", "SUCCEEDED")]
    yarn.record(1, "completed", "a", "b")

    found = yarn.run(try_number=2)

    assert len(program.calls) == 1
    assert (found["status"], found["attempt"]) == ("success", 2)
    assert {part["action"] for part in found["components"]} == {"RUN"}


def test_a_job_that_failed_is_followed_by_a_new_one(yarn: Yarn, program: Program) -> None:
    """Which resumes from the checkpoint, because the driver decides that."""
    yarn.manager.answers = [("FINISHED", "FAILED")]
    with pytest.raises(RuntimeError):
        yarn.run()
    yarn.manager.answers = [("FINISHED", "FAILED"), ("FINISHED", "SUCCEEDED")]
    yarn.record(2, "completed", "a", "b")
    assert yarn.run(try_number=2)["status"] == "success"
    assert [call["request"]["attempt"]["try_number"] for call in program.calls] == [1, 2]


def test_a_task_that_is_cleared_after_success_submits_again(yarn: Yarn, program: Program) -> None:
    """Airflow's durable mode would take the old job's success for this attempt's."""
    yarn.manager.answers = [("FINISHED", "SUCCEEDED")]
    yarn.record(1, "completed", "a", "b")
    yarn.run()
    yarn.run(try_number=2)  # a retry, because the worker died just before the end
    assert len(program.calls) == 1
    yarn.run(try_number=3, max_tries=4)
    assert len(program.calls) == 2


def test_a_kill_ends_the_application_on_the_cluster(yarn: Yarn) -> None:
    """Through the resource manager, because spark-submit has ended long ago."""
    yarn.manager.answers = [("FINISHED", "SUCCEEDED")]
    work = operator(yarn.url, deploy_mode="cluster", yarn_track_via_rm_api=True)
    work.execute(context(yarn.task_state))
    work.on_kill()
    assert yarn.manager.killed == ["/ws/v1/cluster/apps/application_1_2/state"]
