"""The Spark Connect server that a connection leads to, and the clients that reach it."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError, SparkSessionError, describe
from airflow_provider.masking import mask

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_RETRIES = 7
"""How often a call is retried: for two minutes in all, where pyspark would retry for ten. A server that restarts has
lost the session anyway, so only a network that fails for a moment is worth waiting for."""


class ConnectServer:
    """Reads the connection when it is first needed. Neither token nor user ever appears in a log line or an error.

    :param conn_id: connection of type ``spark_connect``
    """

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id

    @property
    def endpoint(self) -> str:
        """Host and port.

        :raises SparkConfigError: the connection is missing or holds no address
        """
        return str(self._builder("").endpoint)

    @property
    def user(self) -> str | None:
        """The user id that the connection gives."""
        login: str | None = self._connection.login
        return login

    @property
    def extra(self) -> dict[str, Any]:
        """The connection's extras."""
        return dict(self._connection.extra_dejson)

    def wait(self, seconds: float) -> None:
        """Wait until the server answers; pyspark itself would try for ten minutes.

        :raises SparkSessionError: it does not answer in that time
        """
        import grpc  # type: ignore[import-untyped]

        channel = self._builder("").toChannel()
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
        except grpc.FutureTimeoutError:
            raise SparkSessionError(
                f"no Spark Connect server answers at {self.endpoint} within {seconds:.0f} s; check host, port and "
                f"use_ssl of connection {self._conn_id!r}, and that the server runs"
            ) from None
        finally:
            channel.close()

    def open(self, session_id: str) -> SparkSession:
        """Return the session with that id; the server makes a new one if it has none.

        :raises SparkSessionError: the server refuses it
        """
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
        from pyspark.sql.connect.client.retries import DefaultPolicy

        session: Any = SparkSession.builder.remote(f"{self._url};session_id={session_id}").create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
        try:
            _ = session.version  # the first call, which fails if the server refuses
        except PySparkException as error:
            close(session)
            raise SparkSessionError(
                f"the Spark Connect server at {self.endpoint} refuses the session: {in_a_line(error)}; check login "
                f"and password (the token) of connection {self._conn_id!r}"
            ) from error
        opened: SparkSession = session
        return opened

    @contextlib.contextmanager
    def client(self, session_id: str) -> Iterator[Any]:
        """Open a second connection to a session, one that gives up soon."""
        from pyspark.sql.connect.client import SparkConnectClient

        client = SparkConnectClient(self._builder(session_id), retry_policy={"max_retries": 2})
        try:
            yield client
        finally:
            client.close()

    @cached_property
    def _connection(self) -> Any:
        from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

        try:
            return BaseHook.get_connection(self._conn_id)
        except AirflowNotFoundException:
            raise SparkConfigError(f"connection {self._conn_id!r} does not exist; create it") from None

    @cached_property
    def _url(self) -> str:
        """The address with token and user."""
        from airflow.providers.apache.spark.hooks.spark_connect import SparkConnectHook

        if not self._connection.host:
            raise SparkConfigError(f"connection {self._conn_id!r} has no host; set it to the Spark Connect server")
        try:
            address, mark, parameters = str(SparkConnectHook(self._conn_id).get_connection_url()).partition("/;")
        except ValueError:
            raise self._no_address() from None
        # The hook leaves a "/" in the token as it is, and pyspark would take it for a path.
        return address + mark + parameters.replace("/", "%2F")

    def _builder(self, session_id: str) -> Any:
        try:
            from pyspark.sql.connect.client import DefaultChannelBuilder
        except ImportError as error:
            raise SparkConfigError(f"pyspark cannot be a Spark Connect client here: {describe(error)}") from None
        try:
            builder = DefaultChannelBuilder(self._url)
        except ValueError:
            raise self._no_address() from None  # pyspark's own message holds the token
        if session_id:
            builder.set("session_id", session_id)
        return builder

    def _no_address(self) -> SparkConfigError:
        return SparkConfigError(
            f"host and port of connection {self._conn_id!r} are not the address of a Spark Connect server; use host "
            "and port alone, or sc://host as the host"
        )


def close(session: Any) -> None:
    """Release a session and close its client; give up soon. Never fails."""
    with contextlib.suppress(Exception):
        session.client.set_retry_policies([])
    try:
        session.stop()
    except Exception as error:  # noqa: BLE001 - the server forgets the session by itself after a while
        logger.info("cannot release the session: %s", in_a_line(error))


def in_a_line(error: BaseException) -> str:
    """Describe the error of a call to the server in one line; gRPC raises many."""
    text = str(error)
    details = re.search(r'details = "(.*)"', text)
    if "SESSION_CLOSED" in text:
        return "the server has closed the session, which was idle for too long or was released"
    if "INVALID_HANDLE" in text:
        return "it was lost when the server restarted"
    if "StatusCode.UNIMPLEMENTED" in text:
        return "the server cannot copy sessions; Spark can from version 4.1 on"
    return mask(details[1]) if details else describe(error)
