"""Spark inside the task's own process: local, or a cluster in client mode."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from airflow_provider.errors import SparkConfigError, describe
from airflow_provider.launch.abort import ends_in_time
from airflow_provider.launch.extras import (
    OF_SPARK,
    is_empty,
    log_without_effect,
    named_properties,
    refuse_spark_home,
    spark_properties,
    warn_of_unknown,
)
from airflow_provider.launch.keytab import KEYTABS, PRINCIPALS, half_of_a_login, keytab_file, remove_keytab
from airflow_provider.launch.spark_properties import DEFAULT_CONNECTION, log_properties, properties
from airflow_provider.runner.session_state.warm_up import warm_up_looking
from airflow_provider.runner.spark.environment import defaults
from airflow_provider.runner.spark.process_jvm import started_jvm
from airflow_provider.runner.spark.session import open_session, running_session
from airflow_provider.runner.spark.started_by import as_default_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_DEFAULTS = {"spark.ui.showConsoleProgress": "false"}  # a progress bar is noise in a task log


class InProcessSpark:
    """Opens the session when it is first needed, and stops it at the end if it opened Spark.

    :param conn_id: connection of type ``spark``; None for ``local[*]``
    :param spark_conf: Spark properties that win over the connection
    :param pipeline_conf: Spark properties of the pipeline file, which lie below both
    :param app_name: application name, unless one of the above has one
    :raises SparkConfigError: ``spark_conf`` is not a mapping of Spark properties
    """

    live: None = None
    """The session ends with this process."""

    def __init__(
        self,
        conn_id: str | None,
        spark_conf: Mapping[str, Any] | None,
        pipeline_conf: Mapping[str, str],
        app_name: str,
    ) -> None:
        self._conn_id = conn_id
        self._spark_conf = properties(spark_conf, "spark_conf")
        self._pipeline_conf = pipeline_conf
        self._app_name = app_name
        self._session: SparkSession | None = None
        self._shared = False
        self._as_default_session = ExitStack()
        self._tag = f"pyspark-pipeline-{uuid.uuid4().hex}"

    @cached_property
    def conf(self) -> dict[str, str]:
        """The effective Spark properties.

        :raises SparkConfigError: the connection is missing or does not fit, the deploy mode is not ``client``, or there
            is a Kerberos principal without a keytab, or the other way round, for a cluster
        """
        conf = {**_DEFAULTS, **self._pipeline_conf, **connection_conf(self._conn_id), **self._spark_conf}
        mode = conf.get("spark.submit.deployMode", "client")
        if mode != "client":
            raise SparkConfigError(
                f"Spark's deploy mode is {mode!r}, but this operator runs the driver in the task, which is mode "
                "'client'; remove it from the connection's extras, spark_conf and the pipeline's spark section"
            )
        self._check_login(conf)
        return conf

    @property
    def runs_here(self) -> bool:
        """Whether all of Spark runs on this host."""
        return self.conf.get("spark.master", "local[*]").startswith("local")

    def _check_login(self, conf: Mapping[str, str]) -> None:
        if conf.keys().isdisjoint((*PRINCIPALS, *KEYTABS)):
            return
        problem = half_of_a_login(conf, defaults())
        if problem is None:
            return
        place = f"connection {self._conn_id!r}, spark_conf and the pipeline's spark section"
        if not conf.get("spark.master", "local[*]").startswith("local"):
            raise SparkConfigError(f"{place}: {problem}")
        logger.warning("%s: %s", place, problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            self.abort()  # it may have interrupted a call to Spark
        elif self._session is not None:
            self._end(self._session)
        self._session = None
        self._as_default_session.close()
        remove_keytab(self.__dict__.get("conf", {}).get("spark.kerberos.keytab"))

    def _end(self, session: SparkSession) -> None:
        jvm = started_jvm()
        if jvm is not None and jvm.end(0):
            return  # it is dead, and whoever noticed has logged that
        try:
            if self._shared:
                session.sparkContext.removeJobTag(self._tag)
            else:
                logger.info("stopping Spark")
                session.stop()
        except Exception as error:  # noqa: BLE001 - the outcome of the attempt matters more than a JVM that is gone
            logger.info("Spark did not stop cleanly: %s", describe(error))

    def abort(self) -> None:
        """Cancel the jobs of this session, and stop Spark if it was opened here.

        May be called from a signal handler or another thread.
        """
        session, self._session = self._session, None
        if session is None:
            return

        def end() -> None:
            try:
                session.sparkContext.cancelJobsWithTag(self._tag)
                if not self._shared:
                    session.stop()
                    self._end_jvm(kindly=True)
            except Exception as error:  # noqa: BLE001 - the JVM may be gone, which is what is wanted
                logger.info("Spark did not stop cleanly: %s", describe(error))

        if not ends_in_time(end) and not self._shared:
            self._end_jvm(kindly=False)

    def _end_jvm(self, *, kindly: bool) -> None:
        jvm = started_jvm()
        if jvm is not None:
            jvm.ask_to_end(kindly=kindly)

    def open(self) -> SparkSession:
        """Open the session.

        :raises SparkSessionError: Spark did not start, or its settings are wrong
        """
        self._shared = running_session() is not None
        if self._shared:
            logger.info("Spark already runs in this process; the pipeline gets a session of its own")
        else:
            logger.info("starting Spark, master %s", self.conf.get("spark.master", "local[*]"))
            log_properties(logger, self.conf)
        self._session = open_session(self.conf, self._app_name, meanwhile=warm_up_looking)
        if self._shared:
            self._as_default_session.enter_context(as_default_session(self._session))
        self._session.sparkContext.addJobTag(self._tag)
        return self._session


def connection_conf(conn_id: str | None) -> dict[str, str]:
    """Return the Spark properties that a connection defines.

    :param conn_id: connection of type ``spark``; None for none. The default connection may be missing
    :raises SparkConfigError: there is no such connection, it is of another type, or an extra is refused
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    if conn_id is None:
        return {}
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        if conn_id != DEFAULT_CONNECTION:
            raise SparkConfigError(
                f"connection {conn_id!r} does not exist; create it, or use conn_id=None for Spark in the task itself"
            ) from None
        logger.warning("connection %r not found; going on without a connection", conn_id)
        return {}
    if connection.conn_type not in ("spark", "k8s"):
        raise SparkConfigError(
            f"connection {conn_id!r} is of type {connection.conn_type!r}; use one of type 'spark' or 'spark_connect'"
        )
    extra = connection.extra_dejson
    refuse_spark_home(extra, conn_id)
    warn_of_unknown(extra, conn_id, OF_SPARK)
    log_without_effect(extra, conn_id)
    conf = named_properties(extra, conn_id)
    own = spark_properties(extra, conn_id)
    if not is_empty(extra.get("keytab")) and own.keys().isdisjoint(KEYTABS):
        conf["spark.kerberos.keytab"] = keytab_file(extra["keytab"], conn_id)
    conf |= own
    host = connection.host
    if host:
        # From the UI the host may hold the whole master; from a URI its scheme is the connection's type.
        whole = connection.conn_type == "spark" and ("://" in host or not connection.port)
        master = host if whole else f"{connection.conn_type}://{host}"
        conf = {"spark.master": f"{master}:{connection.port}" if connection.port else master} | conf
    return conf
