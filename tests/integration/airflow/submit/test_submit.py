"""spark-submit for real, in deploy mode ``client``, and a standalone cluster for real."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from airflow_provider.runner import LocalCheckpointStore
from tests.samples.services.spark_cluster import Cluster, wait_for

ROOT = Path(__file__).parents[4]
FILE = "reach.py"

pytestmark = [pytest.mark.real_airflow, pytest.mark.xdist_group("submit")]

ANSWER = {shop: 2 * sum(n for n in range(1000) if n % 7 == shop) for shop in range(7)}


def journal(folder: Path) -> list[str]:
    file = folder / "journal"
    return file.read_text().splitlines() if file.exists() else []


def answer(folder: Path) -> dict[int, int]:
    return dict(pd.read_parquet(folder / "answer")[["shop", "total"]].itertuples(index=False))


def test_a_driver_without_airflow_fails_in_the_middle_is_retried_and_resumes(
    airflow: Any, cluster: Cluster, folder: Path
) -> None:
    """The engine travels by itself, plan and progress are in the task's log, and XCom holds the summary.

    Checkpoint and saved views are on storage that only Spark reaches.
    """
    ended = airflow.run(FILE, "submit_cluster_without_airflow", folder=str(folder))

    assert ended.state == "success", ended.output
    assert journal(folder) == ["no airflow", "make", "add_up", "ask", "make", "ask", "write"]
    assert answer(folder) == ANSWER
    assert [(t.number, t.state) for t in ended.tries["work", -1]] == [(1, "up_for_retry"), (2, "success")]

    error = ended.tries["work", -1][0].error
    assert error["type"] == "ComponentFailedError"
    first, where, complete, ahead = error["message"].splitlines()
    assert first == "pipeline 'chain': component 'ask' (4 of 5) failed: ConnectionError: the service is not up yet"
    assert where.startswith("where: ")
    assert where.endswith('submit_steps.py:38, in ask: raise ConnectionError("the service is not up yet")')
    assert complete == "complete: 3 of 5: 'prove', 'make', 'add_up'"
    assert ahead == "next: a retry or a clear of this task resumes at 'ask'"
    summary = ended.returned["work", -1]
    assert (summary["status"], summary["attempt"], summary["run_id"]) == ("success", 2, ended.run_id)
    assert ended.actions("work") == {
        "prove": "REUSE", "make": "REPLAY", "add_up": "REUSE", "ask": "RUN", "write": "RUN",
    }  # fmt: skip
    assert not list((folder / "views").rglob("*.parquet"))  # no longer needed
    (checkpoint,) = LocalCheckpointStore(folder / "checkpoints").list()
    assert checkpoint.scope == ("submit_cluster_without_airflow", "work", "-1")
    assert checkpoint.status == "completed"
    assert ended.pushed["work", -1, "pyspark_pipeline_usual"]["components"].keys() == {*ended.actions("work")} - {
        "make"
    }
    for line in (
        f"--master {cluster.master} ",
        f"run {ended.run_id!r}, try 1: first attempt (checkpoints in object storage viewfs://lake/shared/checkpoints)",
        "try 2: retry after an unfinished attempt, so it continues from the checkpoint",
        "[4/5] ask: FAILED after",
        "plan of this attempt: 2 to RUN, 2 to REUSE, 1 to REPLAY",
        "pipeline 'chain' succeeded after",
    ):
        assert line in ended.output


def test_a_driver_that_lacks_something_says_what_and_is_not_tried_again(airflow: Any, folder: Path) -> None:
    """The message names the package, the Python that lacks it and the remedy."""
    ended = airflow.run(FILE, "submit_without_pydantic", folder=str(folder))

    assert (ended.state, journal(folder)) == ("failed", [])
    (only,) = ended.tries["work", -1]
    assert only.error["type"] == "AirflowFailException"
    for part in ("pydantic>=2 is missing", "No module named 'pydantic'", "(this is /", "Install it where the driver"):
        assert part in only.error["message"]


def test_a_component_that_the_driver_cannot_import_uses_up_no_retries(airflow: Any, folder: Path) -> None:
    """Where components run they are checked, and the config error comes back from there."""
    ended = airflow.run(FILE, "submit_lost", folder=str(folder))

    assert ended.state == "failed"
    (only,) = ended.tries["work", -1]
    assert only.error["type"] == "AirflowFailException"
    assert "component 'lost'" in only.error["message"]
    assert "nowhere_to_be_found" in only.error["message"]


@pytest.mark.torture
@pytest.mark.parametrize(
    ("sent", "end"),
    [
        (signal.SIGTERM, "> AttemptStopped: Airflow asked the task to stop\n"),
        (signal.SIGKILL, ""),
    ],
)
def test_a_task_that_is_stopped_or_killed_leaves_neither_jvm_nor_driver(
    dags_folder: Path, folder: Path, sent: signal.Signals, end: str
) -> None:
    """While a component sleeps. What completed is recorded, and the request, which may hold secrets, is gone."""
    process = subprocess.Popen(
        [sys.executable, str(dags_folder.parent / "kill_submit.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AIRFLOW_HOME": str(folder / "home"), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    wait_for(lambda: "linger" in journal(folder), "the second component to start")
    (request,) = folder.glob("pyspark-pipeline-*/pyspark_pipeline_request.json")
    assert stat.S_IMODE(request.stat().st_mode) == 0o600

    process.send_signal(sent)

    output, _ = process.communicate(timeout=30)
    assert "".join(line for line in output.splitlines(keepends=True) if line.startswith("> ")) == end
    wait_for(lambda: not request.parent.exists(), "the shipment to be removed", 20)
    (checkpoint,) = LocalCheckpointStore(folder / "checkpoints").list()
    assert (checkpoint.pipeline_name, checkpoint.completed_components) == ("linger", ["make"])


def test_with_the_driver_in_the_task_a_cluster_gives_the_same_answer(
    airflow: Any, cluster: Cluster, folder: Path
) -> None:
    """``PySparkPipelineOperator`` with a connection to a standalone master: failure, retry, resume."""
    ended = airflow.run(FILE, "task_cluster", folder=str(folder))

    assert ended.state == "success", ended.output
    assert journal(folder) == ["make", "add_up", "ask", "make", "ask", "write"]
    assert answer(folder) == ANSWER
    assert ended.actions("work") == {"make": "REPLAY", "add_up": "REUSE", "ask": "RUN", "write": "RUN"}
    first = ended.tries["work", -1][0].error["message"].splitlines()[0]
    assert first == "pipeline 'chain': component 'ask' (3 of 4) failed: ConnectionError: the service is not up yet"
    assert f"starting Spark, master {cluster.master}" in ended.output


@pytest.mark.torture
@pytest.mark.parametrize("dag_id", ["submit_slow", "task_slow"])
def test_a_worker_that_is_killed_never_leads_to_a_wrong_result(
    airflow: Any, cluster: Cluster, folder: Path, dag_id: str
) -> None:
    """Kill -9 of worker and executors while tasks run, then a new worker: Spark tries the tasks again."""
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(airflow.run(FILE, dag_id, folder=str(folder))))
    thread.start()
    wait_for(lambda: "slow" in journal(folder), "the slow component to start")
    time.sleep(4)  # some of its tasks are done, some are running
    cluster.kill("worker")
    cluster.start("worker")
    thread.join(180)

    assert ended[0].state == "success", ended[0].output
    assert journal(folder)[:2] == ["make", "slow"]
    assert pd.read_parquet(folder / "answer")["total"].tolist() == [sum(range(1000))]


@pytest.mark.torture
@pytest.mark.parametrize("name", ["example_spark_cluster", "example_spark_submit"])
def test_an_example_that_needs_a_connection_runs_to_success(airflow: Any, folder: Path, name: str) -> None:
    """The other examples need none, and run with the rest of them."""
    ended = airflow.run("examples.py", name, shared=str(folder))

    assert ended.state == "success", ended.output
    assert list(folder.rglob("_SUCCESS"))
