"""A session that expired and one of a server that restarted are told apart, and neither is taken for alive."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from airflow_provider.launch.connect_server import in_a_line
from airflow_provider.runner.spark.lost import session_is_gone, spark_lost
from tests.samples.services.connect_server import ConnectServer

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.torture]


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[ConnectServer]:
    """A server that drops a session after a few idle seconds."""
    manager = "spark.connect.session.manager"
    with ConnectServer(
        tmp_path, {f"{manager}.defaultSessionTimeout": "10s", f"{manager}.maintenanceInterval": "1s"}
    ) as running:
        yield running


def session_of(server: ConnectServer, session_id: str) -> Any:
    return SparkSession.builder.remote(f"{server.url}/;session_id={session_id}").create()


def error_of(work: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it says is what the test is about
        work()
    return caught.value


def test_an_expired_session_and_a_restarted_server_are_told_apart(impatient: ConnectServer) -> None:
    """An expired id is dead for ever. After a restart it works again, with nothing in it."""
    session_id = str(uuid.uuid4())
    session = session_of(impatient, session_id)
    session.range(3).createOrReplaceTempView("kept")
    time.sleep(20)  # the server's clock decides
    expired = error_of(session.table("kept").count)
    lost = spark_lost(session, expired)
    assert session_is_gone(lost)
    assert "closed the session" in str(lost)
    assert "spark.connect.session.manager.defaultSessionTimeout" in str(lost)
    assert in_a_line(expired) == "the server has closed the session, which was idle for too long or was released"
    assert "SESSION_CLOSED" in str(error_of(lambda: session_of(impatient, session_id).range(1).count()))

    other_id = str(uuid.uuid4())
    other = session_of(impatient, other_id)
    other.range(3).createOrReplaceTempView("kept")
    impatient.stop()
    impatient.start()
    changed = error_of(other.table("kept").count)
    lost = spark_lost(other, changed)
    assert session_is_gone(lost)
    assert "has restarted" in str(lost)
    again = session_of(impatient, other_id)
    assert again.range(2).count() == 2
    assert "TABLE_OR_VIEW_NOT_FOUND" in str(error_of(again.table("kept").count))
