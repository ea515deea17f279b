"""How a Spark Connect server is reached: what it is sent, what is logged, and what is said when it does not answer."""

from __future__ import annotations

import json
import logging
import socket
import uuid
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

from airflow_provider.errors import SparkConfigError, SparkSessionError
from airflow_provider.launch.choose import launcher
from airflow_provider.launch.in_process import InProcessSpark
from airflow_provider.launch.spark_connect import ConnectSpark, session_id_of


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define a connection as an environment variable, as Airflow reads it."""

    def define(conn_type: str = "spark_connect", **fields: Any) -> str:
        monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": conn_type, **fields}))
        return "server"

    return define


class Refusing(base_pb2_grpc.SparkConnectServiceServicer):
    """A server that notes who asks, and refuses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []

    def AnalyzePlan(self, request: base_pb2.AnalyzePlanRequest, context: grpc.ServicerContext) -> None:
        sent = dict(context.invocation_metadata())
        self.asked.append((request.session_id, request.user_context.user_id, sent.get("authorization")))
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")


@pytest.fixture
def refusing() -> Iterator[tuple[Refusing, int]]:
    """Such a server, which takes tokens from this host."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    servicer = Refusing()
    base_pb2_grpc.add_SparkConnectServiceServicer_to_server(servicer, server)
    port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
    server.start()
    yield servicer, port
    server.stop(0).wait()


def test_user_and_token_of_the_connection_reach_the_server_and_no_log_or_error(
    connect: Any, refusing: tuple[Refusing, int], caplog: pytest.LogCaptureFixture
) -> None:
    """Login is the user id, password the token; a refusal says which connection to look at."""
    servicer, port = refusing
    conn_id = connect(host="localhost", port=port, login="etl", password="hush hush/now;1")

    with caplog.at_level(logging.INFO), ConnectSpark(conn_id, None, {}, run="r") as spark:
        with pytest.raises(
            SparkSessionError, match=r"refuses the session.*who are you.*of connection 'server'"
        ) as info:
            spark.open()
        session_id = session_id_of("r", spark.session_id)

    assert servicer.asked == [(session_id, "etl", "Bearer hush hush/now;1")]
    assert "hush" not in caplog.text + str(info.value)


def test_a_record_cannot_lead_to_the_session_of_another_run() -> None:
    """Invariant 8: it names a session, and the id follows from that name and the run. So an id there leads nowhere."""
    somebody_elses = session_id_of("other", "x")
    names = ["x", "", somebody_elses, f"{somebody_elses}\n", "日本", "x" * 10_000]
    ids = [session_id_of(run, name) for run in ("r", "other") for name in names]
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(found).version for found in ids} == {4}, "pyspark takes no others"
    assert somebody_elses not in {session_id_of("r", name) for name in names}


def test_a_server_that_cannot_copy_sessions_is_no_failure(
    connect: Any, refusing: tuple[Refusing, int], caplog: pytest.LogCaptureFixture
) -> None:
    """Spark before 4.1 cannot; then what is in the session is restored or replayed."""
    conn_id = connect(host="localhost", port=refusing[1], password="a-token")

    with caplog.at_level(logging.INFO), ConnectSpark(conn_id, None, {}, run="r") as spark:
        assert not spark.attach("00000000-0000-4000-8000-000000000000")

    assert (
        "cannot go on in the session on the server: the server cannot copy sessions; Spark can from version 4.1 on"
        in caplog.text
    )


def test_a_server_that_does_not_answer_is_one_clear_error(connect: Any) -> None:
    """It names the address, the connection and what to check, and does not take pyspark's ten minutes."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = nobody.getsockname()[1]
        conn_id = connect(host="127.0.0.1", port=port)
        with (
            ConnectSpark(conn_id, None, {}, run="r", connect_seconds=0.5) as spark,
            pytest.raises(SparkSessionError, match=rf"answers at 127.0.0.1:{port} .*use_ssl of connection 'server'"),
        ):
            spark.open()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "'server' has no host"),
        ({"host": "not a host/"}, "'server' are not the address"),
        ({"host": "sc://h/path"}, "'server' are not the address"),
    ],
)
def test_a_connection_without_a_usable_address_is_refused(connect: Any, fields: dict[str, Any], message: str) -> None:
    """Trying again cannot help."""
    with pytest.raises(SparkConfigError, match=message), ConnectSpark(connect(**fields), None, {}, run="r"):
        pass


def test_spark_conf_wins_over_the_connection_which_wins_over_the_pipeline(connect: Any) -> None:
    """Each layer overrides the one below it; the pipeline's master and deploy mode are for other ways to Spark."""
    conn_id = connect(host="h", extra={"use_ssl": True, "spark.a": 2, "spark.b": 2, "spark.flag": True})
    pipeline = {"spark.a": "1", "spark.b": "1", "spark.c": "1", "spark.master": "yarn", "spark.app.name": "x"}

    assert ConnectSpark(conn_id, {"spark.b": 3}, pipeline, run="r").conf == {
        "spark.a": "2",
        "spark.b": "3",
        "spark.c": "1",
        "spark.flag": "true",
    }


def test_the_origin_of_a_session_is_its_server_user_and_properties(connect: Any) -> None:
    """What names the attempt is left out, or no attempt could go on in the session of another one."""

    def origin(conf: dict[str, str], **fields: Any) -> str:
        return ConnectSpark(connect(**{"host": "h", "login": "etl"} | fields), conf, {}, run="r").origin

    first = origin({"spark.a": "1", "spark.openlineage.parentRunId": "1"})

    assert first == origin({"spark.a": "1", "spark.openlineage.parentRunId": "2"})
    assert len({first, origin({"spark.a": "2"}), origin({"spark.a": "1"}, login="x")}) == 3
    assert first != origin({"spark.a": "1"}, host="other")


@pytest.mark.parametrize(("conn_type", "kind"), [("spark_connect", ConnectSpark), ("spark", InProcessSpark)])
def test_the_type_of_the_connection_decides_how_spark_is_reached(connect: Any, conn_type: str, kind: type) -> None:
    """A type that is neither is refused when it is read, with both types in the message."""
    assert type(launcher(connect(conn_type, host="h"), None, {}, "app", run="r")) is kind
    with pytest.raises(SparkConfigError, match="use one of type 'spark' or 'spark_connect'"):
        _ = launcher(connect("postgres", host="h"), None, {}, "app", run="r").conf


def test_a_missing_connection_and_none_are_left_to_spark_in_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default one may be missing."""
    monkeypatch.delenv("AIRFLOW_CONN_SPARK_DEFAULT", raising=False)

    assert type(launcher("spark_default", None, {}, "app", run="r")) is InProcessSpark
    assert type(launcher(None, None, {}, "app", run="r")) is InProcessSpark


def test_secrets_among_spark_properties_are_masked() -> None:
    """By Spark's own rule and by what tends to be a secret."""
    from airflow_provider.launch.spark_properties import masked

    conf = {"spark.hadoop.fs.s3a.secret.key": "x1", "spark.url": "jdbc:p://u?password=x2", "spark.n": "4"}
    conf |= {"my.db.pwd": "x3", "my.blob": "https://h/c?sig=x4"}

    assert (
        ", ".join(masked(conf))
        == "my.blob=***, my.db.pwd=***, spark.hadoop.fs.s3a.secret.key=***, spark.n=4, spark.url=***"
    )
