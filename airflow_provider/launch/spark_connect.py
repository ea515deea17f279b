"""Spark on a Spark Connect server: the driver runs there, and the task is its client."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.abort import ends_in_time
from airflow_provider.launch.connect_server import ConnectServer, close, in_a_line
from airflow_provider.launch.extras import OF_CONNECT, spark_properties, warn_of_unknown
from airflow_provider.launch.spark_properties import log_properties, properties
from airflow_provider.runner.session_state.live import LiveSession
from airflow_provider.runner.spark.environment import refuse_master_variable
from airflow_provider.runner.spark.install import refuse_mixed_install
from airflow_provider.runner.spark.session import refuse_module_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 30.0  # pyspark itself would try for ten minutes

_NOT_OF_A_SESSION = ("spark.master", "spark.remote", "spark.app.name", "spark.submit.deployMode")
"""Properties of a pipeline file for other ways to Spark; here the connection decides."""

_MODE, _REMOTE = "SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE"


class ConnectSpark:
    """Opens a session of its own on the server when it is first needed, and releases it at the end.

    It is a :class:`~airflow_provider.runner.session_state.live.LiveSession` too: the server copies the session after
    each component, and the next attempt goes on in a copy of the last copy.

    Whoever knows a session's id and user owns it, so an id never comes from a checkpoint: a record names a session by a
    word, and the id is a hash of that word and the run. Whatever a checkpoint says, it leads to a session of this run
    or to none.

    :param conn_id: connection of type ``spark_connect``; its extras ``spark.*`` are Spark properties
    :param spark_conf: Spark properties that win over the connection
    :param pipeline_conf: Spark properties of the pipeline file, which lie below both
    :param run: what tells the run apart from all others that use the server
    :param connect_seconds: how long to wait for the server
    """

    CONNECTION_TYPE = "spark_connect"

    runs_here = False

    def __init__(
        self,
        conn_id: str,
        spark_conf: Mapping[str, Any] | None,
        pipeline_conf: Mapping[str, str],
        *,
        run: str,
        connect_seconds: float = _CONNECT_SECONDS,
    ) -> None:
        self._conn_id = conn_id
        self._server = ConnectServer(conn_id)
        self._spark_conf = properties(spark_conf, "spark_conf")
        self._pipeline_conf = pipeline_conf
        self._connect_seconds = connect_seconds
        self._run = run
        self._name = uuid.uuid4().hex
        self._session: SparkSession | None = None
        self._attached = False
        self._copies = True
        self._to_release: list[str] = []
        self._before = {name: os.environ.get(name) for name in (_MODE, _REMOTE)}

    @cached_property
    def conf(self) -> dict[str, str]:
        """The effective Spark properties.

        :raises SparkConfigError: there is no such connection, or it or ``spark_conf`` says that Spark runs elsewhere
        """
        below = {key: value for key, value in self._pipeline_conf.items() if key not in _NOT_OF_A_SESSION}
        extra = self._server.extra
        warn_of_unknown(extra, self._conn_id, OF_CONNECT)
        above = {**spark_properties(extra, self._conn_id), **self._spark_conf}
        elsewhere = [key for key in ("spark.master", "spark.remote") if key in above]
        if elsewhere:
            raise SparkConfigError(
                f"connection {self._conn_id!r} leads to a Spark Connect server, which has its own master; remove "
                f"{' and '.join(elsewhere)} from spark_conf and the connection's extras, or use a connection of type "
                "'spark'"
            )
        return {**below, **{key: value for key, value in above.items() if key not in _NOT_OF_A_SESSION}}

    @property
    def live(self) -> LiveSession:
        return self

    @property
    def session_id(self) -> str:
        return self._name

    @cached_property
    def origin(self) -> str:
        # OpenLineage's properties name the attempt.
        conf = {key: value for key, value in self.conf.items() if not key.startswith("spark.openlineage.")}
        text = json.dumps([self._server.endpoint, self._server.user, conf], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def __enter__(self) -> Self:
        """Begin.

        :raises SparkConfigError: the connection is missing or does not fit
        """
        _ = self.origin
        refuse_master_variable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        if error is not None and not isinstance(error, Exception):
            self.abort()  # it may have interrupted a call to the server
        elif session is not None:
            logger.info("releasing the session on the Spark Connect server")
            self._session = None
            close(session)
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def abort(self) -> None:
        """Stop what runs in this session and release it. Copies stay on the server for the next attempt.

        May be called from a signal handler or another thread; uses a second connection, because the first may be in the
        middle of a call.
        """
        session, self._session = self._session, None
        if session is None:
            return

        def end() -> None:
            try:
                with self._server.client(self._id_of(self._name)) as client:
                    client.interrupt_all()
            except Exception as error:  # noqa: BLE001 - the server may be gone, and then nothing runs
                logger.info("cannot stop what runs on the server: %s", in_a_line(error))
            close(session)

        ends_in_time(end)

    def open(self) -> SparkSession:
        """Open the session, or return the one that :meth:`attach` has opened.

        :raises SparkSessionError: the server cannot be reached or refuses
        :raises SparkConfigError: components would use another Spark that a module has started, or pyspark refuses
        :raises SparkInstallError: two versions are installed in one directory
        """
        refuse_mixed_install()
        refuse_module_session()
        if self._session is None:
            logger.info("connecting to Spark Connect at %s", self._server.endpoint)
            self._server.wait(self._connect_seconds)
            self._session = self._server.open(self._id_of(self._name))
        logger.info("Spark %s, session %s", self._session.version, self._id_of(self._name))
        # With this address pyspark returns the active session when a component asks for one. That takes no token, and
        # one in the environment could leak.
        os.environ[_REMOTE] = f"sc://{self._server.endpoint}"
        if (before := self._before[_REMOTE]) and before.partition("/;")[0] != os.environ[_REMOTE]:
            logger.info("the environment variable %s has no effect: the connection decides where Spark runs", _REMOTE)
        log_properties(logger, self.conf)
        self._set_properties(self._session)
        while self._to_release:
            self.release(self._to_release.pop())
        return self._session

    def attach(self, copy: str) -> bool:
        if not self._can_copy():
            return False
        self._server.wait(self._connect_seconds)
        try:
            with self._server.client(self._id_of(copy)) as client:
                client.clone(self._id_of(self._name)).close()
            session = self._server.open(self._id_of(self._name))
            _freeze(session)
        except Exception as error:  # noqa: BLE001 - the session state is restored instead, as without a server
            logger.info("cannot go on in the session on the server: %s", in_a_line(error))
            self._name = uuid.uuid4().hex  # the server may have begun to make that one
            return False
        self._session = session
        self._attached = True
        logger.info("going on in the session that the server at %s still has", self._server.endpoint)
        return True

    def detach(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            close(session)
        self._name = uuid.uuid4().hex
        self._attached = False

    def copy(self) -> str | None:
        session: Any = self._session
        if session is None or not self._copies or not self._can_copy():
            return None
        copy_id = uuid.uuid4().hex
        try:
            made = session.cloneSession(self._id_of(copy_id))
            _freeze(made)
            made.client.close()
        except Exception as error:  # noqa: BLE001 - the component has succeeded, and its views are saved as ever
            logger.info("the server cannot keep a copy of the session for the next attempt: %s", in_a_line(error))
            self._copies = False
            return None
        return copy_id

    def release(self, session_id: str) -> None:
        if self._session is None:
            self._to_release.append(session_id)  # when there is a connection
            return
        try:
            with self._server.client(self._id_of(session_id)) as client:
                client.release_session()
        except Exception as error:  # noqa: BLE001 - the server forgets it by itself after a while
            logger.info("cannot release session %s: %s", self._id_of(session_id), in_a_line(error))

    def _id_of(self, name: str) -> str:
        return session_id_of(self._run, name)

    def _set_properties(self, session: SparkSession) -> None:
        from pyspark.errors import PySparkException

        refused = []
        for key, value in self.conf.items():
            if self._attached and not key.startswith("spark.openlineage."):
                continue  # they are set, and what components have changed since must stay
            try:
                session.conf.set(key, value)
            except PySparkException:
                refused.append(key)
        if refused:
            logger.warning(
                "these Spark properties have no effect, because the Spark Connect server sets them: %s",
                ", ".join(sorted(refused)),
            )

    def _can_copy(self) -> bool:
        from pyspark.sql.connect.client import SparkConnectClient

        return hasattr(SparkConnectClient, "clone")


def session_id_of(run: str, name: str) -> str:
    """Return the id that a session of a run has on the server.

    :param run: what tells the run apart from all others
    :param name: name of the session within the run, which may come from a record
    """
    digest = hashlib.sha256(json.dumps([run, name]).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _freeze(session: Any) -> None:
    """Make a copied session independent: the server copies its views only when they are first looked at."""
    _ = session.range(1).schema
