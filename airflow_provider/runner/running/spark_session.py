"""Opens a Spark session in this process."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider.errors import SparkSessionError
from airflow_provider.runner.observing.spark_words import said
from airflow_provider.runner.running.jvm import SparkJvm, quiet_py4j
from airflow_provider.runner.running.spark_install import refuse_mixed_install

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_END_SECONDS = 10.0

_started: list[SparkJvm] = []
"""The JVM that this process has started, if it has; pyspark keeps it for as long as the process lives."""


def started_jvm() -> SparkJvm | None:
    """Return the JVM that :func:`open_session` has started in this process, None if it has started none."""
    return _started[-1] if _started else None


def forget_dead_jvm() -> None:
    """Let pyspark start a new JVM if the one that this process had has ended; it would call the dead one for ever."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    jvm = started_jvm()
    if jvm is None or jvm.end(_END_SECONDS if jvm.is_ending else 0) is None:
        return
    _started.clear()
    context, SparkContext._active_spark_context = SparkContext._active_spark_context, None
    if context is not None:
        context._jsc = None
        with contextlib.suppress(Exception):
            context.stop()  # what of it is Python's
    SparkContext._gateway = SparkContext._jvm = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def running_session() -> SparkSession | None:
    """Return the Spark session that this process already has, whichever thread started it."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    forget_dead_jvm()
    try:
        return SparkSession.active()
    except PySparkException:
        return None


def open_session(conf: Mapping[str, str], app_name: str) -> SparkSession:
    """Open a Spark session, or a session of its own on the Spark that this process already runs.

    :param conf: Spark properties; without ``spark.master`` the master is ``local[*]``
    :param app_name: application name, unless ``conf`` has one
    :raises SparkSessionError: Spark did not start; the message names the master and what to check
    :raises SparkInstallError: see :func:`~airflow_provider.runner.running.spark_install.refuse_mixed_install`
    """
    refuse_mixed_install()
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    settings = {"spark.app.name": app_name, "spark.master": "local[*]", **conf}
    master = settings["spark.master"]
    if master.startswith("local"):
        # Python workers must be this Python; Spark would take the first python3 of the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    running = running_session()
    if running is not None:
        session = running.newSession()
        for key, value in conf.items():
            if running.conf.isModifiable(key):
                session.conf.set(key, value)
        return session
    quiet_py4j()
    jvm = None
    try:
        if SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
            jvm = SparkJvm(settings)
            SparkContext._ensure_initialized(gateway=jvm.start())
            _started.append(jvm)
        return SparkSession.builder.config(map=settings).getOrCreate()
    except (PySparkException, Py4JError) as error:
        if SparkContext._active_spark_context is not None:
            with contextlib.suppress(Exception):
                SparkContext._active_spark_context.stop()  # it is of no use to a second try
        raise SparkSessionError(_not_started(master, error, jvm)) from error


def _not_started(master: str, error: Exception, jvm: SparkJvm | None) -> str:
    """Return what happened, what the JVM said of it, and what to look at."""
    words = jvm.last_words() if jvm is not None else []
    if "JAVA_GATEWAY" in str(error):
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            remedy = "there is no Java: install version 17 or 21 and set JAVA_HOME"
        else:
            remedy = "check master and settings, and that Java is version 17 or 21"
    else:
        remedy = "check that the master is right, runs and can be reached from here"
    what = f"no Spark session on master {master!r}: {said(error).message.splitlines()[0]}"
    return "\n".join([what, *(f"Spark's last words: {line}" for line in words), f"remedy: {remedy}"])
