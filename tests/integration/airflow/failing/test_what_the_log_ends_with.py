"""What the log of a failed task ends with: one error, whole, that blames the right one. Real Airflow, real Spark.

The DAG file is written as somebody may write it who is called at 3 a.m. Each scene has a Spark of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.samples.services.connect_server import ConnectServer
from tests.samples.services.spark_cluster import SPARK_HOME, Cluster, wait_for

pytestmark = pytest.mark.torture

HERE = Path(__file__).parent
FILE = "failing.py"
NEXT = "next: a retry or a clear of this task resumes at "


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A standalone master with one worker."""
    with Cluster(tmp_path_factory.mktemp("standalone")) as made:
        made.start("master")
        made.start("worker")
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    """A server that stays."""
    with ConnectServer(tmp_path_factory.mktemp("connect")) as made:
        yield made


@pytest.fixture(scope="module")
def dags_folder(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, server: ConnectServer) -> Iterator[Path]:
    """The DAG files; what they connect to is there before Airflow starts, and a server that one of them kills."""
    with pytest.MonkeyPatch.context() as patch, ConnectServer(tmp_path_factory.mktemp("doomed")) as doomed:
        patch.setenv("CONNECT_CONNECTION", server.connection())
        patch.setenv("DOOMED_CONNECTION", doomed.connection())
        patch.setenv("DOOMED_PID", str(doomed.pid))
        patch.setenv("CLUSTER_MASTER", cluster.master)
        patch.setenv("CLUSTER_UI", cluster.ui)
        patch.setenv("SPARK_HOME", str(SPARK_HOME))
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        yield HERE / "dags"


def error_of(airflow: Any, dag_id: str, **conf: str) -> tuple[str, list[str]]:
    """Return type and lines of the error that the only try ended with; nothing in the log comes after it."""
    ended = airflow.run(FILE, dag_id, timeout=600, **conf)
    (only,) = ended.tries["work", -1]
    assert only.error["cause"] is None
    last = only.error["message"].splitlines()
    after = ended.output.rpartition(last[-1])[2]
    assert "Traceback" not in after
    assert ended.output.count("Task failed with exception") == 1
    return only.error["type"], last


@pytest.mark.parametrize(
    ("dag_id", "component", "told"),
    [
        ("jvm_killed", "killed", "Spark's JVM was killed by signal 9 (SIGKILL): most likely"),
        ("out_of_memory", "collects", "java.lang.OutOfMemoryError: Java heap space"),
        ("executor_lost", "loses_executors", "Spark kept losing executors"),
        ("application_killed", "killed_by_master", "Spark has stopped by itself: Master removed our application"),
        ("server_killed", "kills_server", "the Spark Connect server at 127.0.0.1 no longer answers"),
    ],
)
def test_a_lost_spark_is_blamed_and_not_the_component(airflow: Any, dag_id: str, component: str, told: str) -> None:
    """What ended and how, the setting to raise, what is recorded, and that the next attempt goes on from there."""
    kind, lines = error_of(airflow, dag_id)

    assert kind == "SparkLostError", lines
    assert lines[0].startswith(f"pipeline 'shop': Spark was lost while component {component!r} (2 of ")
    assert any(told in line for line in lines)
    assert any(line.startswith("remedy: ") for line in lines)
    assert "complete: 1 of " in lines[-2]
    assert lines[-1] == f"{NEXT}{component!r}"


@pytest.mark.parametrize(
    ("dag_id", "told", "where"),
    [
        ("wrong_sql", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'orders'", None),
        ("wrong_column", "[UNRESOLVED_COLUMN.WITH_SUGGESTION]", "in clean: return frame.where("),
        ("bug", "Python on an executor: ZeroDivisionError: division by zero", "in rate: return 100 / (amount - 30)"),
        ("plain_bug", "KeyError: 'b'", 'in plain_bug: print(totals["b"])'),
    ],
)
def test_a_mistake_of_the_author_is_reported_with_their_line(
    airflow: Any, dag_id: str, told: str, where: str | None
) -> None:
    """Spark's condition and message without stacks, and one line of code that is the author's."""
    kind, lines = error_of(airflow, dag_id)

    assert kind == "ComponentFailedError"
    assert f"failed: {told}" in lines[0]
    assert not [line for line in lines if "\tat " in line or "site-packages" in line]
    found = [line for line in lines if line.startswith("where: ")]
    assert (where in found[0]) if where else not found


@pytest.mark.parametrize(
    ("dag_id", "told"),
    [
        ("missing_view", "leaves view 'totals' and runs later; add 'totals' to depends_on of 'report'"),
        ("missing_near", "no component of this pipeline leaves a view 'ordres'"),
    ],
)
def test_an_error_about_a_missing_view_names_who_leaves_it_or_the_nearest_name(
    airflow: Any, dag_id: str, told: str
) -> None:
    """Spark's own message comes first."""
    _, lines = error_of(airflow, dag_id)

    assert "[TABLE_OR_VIEW_NOT_FOUND]" in lines[0]
    assert any(told in line for line in lines)


@pytest.mark.parametrize(
    ("dag_id", "problem"),
    [
        ("undefined_template", "cannot render its template "),
        ("failing_filter", "cannot render its template "),
        ("renders_to_none", "its template "),
    ],
)
def test_a_wrong_template_uses_up_no_retries(airflow: Any, dag_id: str, problem: str) -> None:
    """Also in a dict in the DAG file, which Airflow would render by itself."""
    kind, lines = error_of(airflow, dag_id)

    assert kind == "AirflowFailException"
    assert lines[0].startswith(f"pipeline config: component 'load', field 'config.sql': {problem}")


def test_an_unreachable_master_is_reported_with_what_spark_says_of_it(airflow: Any) -> None:
    """Spark gives up after a minute, in words about a context that was stopped."""
    kind, lines = error_of(airflow, "no_master")

    assert kind == "SparkSessionError"
    assert lines[0].startswith("no Spark session on master 'spark://127.0.0.1:9': ")
    assert [line for line in lines if line.endswith("All masters are unresponsive! Giving up.")]
    assert lines[-1].startswith("remedy: check that the master is right, is running and can be reached")


STANDING = ["running: 'counts' (2 of 2), which runs again", "complete: 1 of 2: 'orders'", f"{NEXT}'counts'"]
DRIVERS = ["next: the driver's records stay, and a retry or a clear of this task resumes from there"]


@pytest.mark.parametrize(
    ("dag_id", "standing"),
    [("too_long", STANDING), ("too_long_on_server", STANDING), ("too_long_submitted", DRIVERS)],
)
def test_a_task_whose_time_is_over_ends_in_the_middle_of_a_component(
    airflow: Any, server: ConnectServer, tmp_path: Path, dag_id: str, standing: list[str]
) -> None:
    """On every way to Spark; what Spark was at is cancelled, and what completed stays recorded."""
    kind, lines = error_of(airflow, dag_id, folder=str(tmp_path))

    assert kind == "AirflowTaskTimeout"
    over = "the task's execution_timeout of 0:01:00 is over"
    assert lines == [over, "Spark's work is cancelled", *standing]
    wait_for(lambda: not at_work(airflow.home, server), "Spark's work to end", 20)


def at_work(home: Path, server: ConnectServer) -> bool:
    """Whether a JVM of this Airflow or of the server computes something."""
    busy = [p for p in psutil.Process(server.pid).children(recursive=True) if p.name() == "java"]
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "java" and process.environ().get("AIRFLOW_HOME") == str(home):
                busy.append(process)
        except psutil.Error:
            continue
    return any(_cpu_seconds_of_a_second(process) > 0.7 for process in busy)


def _cpu_seconds_of_a_second(process: psutil.Process) -> float:
    try:
        return process.cpu_percent(interval=1) / 100
    except psutil.Error:
        return 0.0
