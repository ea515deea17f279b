"""The operator with a connection of type ``spark_connect`` in a real Airflow, on a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.real_airflow

FILE = "on_a_server.py"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The DAG files; the server that their connection leads to is there before Airflow starts."""
    with ConnectServer(tmp_path_factory.mktemp("connect")) as server:
        os.environ["CONNECT_CONNECTION"] = server.connection()
        yield HERE / "dags"
        del os.environ["CONNECT_CONNECTION"]


def answer(folder: Path) -> list[dict[str, Any]]:
    return pd.concat(pd.read_json(part, lines=True) for part in folder.glob("answer/*.json")).to_dict("records")


def test_a_retry_continues_in_the_session_that_the_server_has_kept(airflow: Any, tmp_path: Path) -> None:
    """Function, settings, database and views are there without restore or replay; the result is that of one machine."""
    ended = airflow.run(FILE, "grades_server", folder=str(tmp_path))

    assert ended.state == "success", ended.output
    assert ended.actions("work") == {
        "register": "REUSE",
        "make": "REUSE",
        "grade": "REUSE",
        "ask": "RUN",
        "write": "RUN",
    }
    reasons = {part["name"]: part["reason"] for part in ended.returned["work", -1]["components"]}
    assert all(reasons[name].endswith("still in the session on the server") for name in ("register", "make", "grade"))
    first, second = ended.tries["work", -1]
    assert not [line for line in second.messages if "restored" in line]
    refused = "because the Spark Connect server sets them: spark.executor.memory"
    assert [line for line in first.warnings if refused in line]

    folder = tmp_path / "task"
    folder.mkdir()
    local = airflow.run(FILE, "grades_task", folder=str(folder))
    assert local.state == "success", local.output
    assert answer(tmp_path) == answer(folder)
    assert {row["zone"] for row in answer(folder)} == {"Asia/Tokyo"}


def test_the_example_runs_to_success(airflow: Any, tmp_path: Path) -> None:
    """With the connection that its docstring shows, but to a server on this host."""
    ended = airflow.run(FILE, "example_spark_connect", shared=str(tmp_path))

    assert ended.state == "success", ended.output
    assert len(pd.read_parquet(tmp_path / "grades")) == 1000


@pytest.mark.torture
def test_the_flights_pipeline_has_the_result_of_one_machine(airflow: Any, service: str, tmp_path: Path) -> None:
    """It fails in the middle, is retried, and every table is the same (invariant 6)."""
    found = {}
    for way in ("server", "task"):
        lake = tmp_path / way
        ended = airflow.run(FILE, f"flights_{way}", timeout=600, lake=str(lake), targets_url=f"{service}/{way}")
        assert ended.state == "success", ended.output
        assert [t.state for t in ended.tries["flights", -1]] == ["up_for_retry", "success"]
        assert ended.actions("flights")["enrich"] == "REUSE"
        tables = [pd.read_parquet(lake / name) for name in ("delays_by_carrier", "delays_by_route")]
        found[way] = [table.sort_values(list(table.columns)).reset_index(drop=True) for table in tables]
    for on_the_server, in_the_task in zip(*found.values(), strict=True):
        pd.testing.assert_frame_equal(on_the_server, in_the_task)
