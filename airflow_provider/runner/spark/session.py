"""Opens a Spark session in this process."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError, SparkSessionError, describe
from airflow_provider.runner.config.import_watch import import_that_started, running_spark
from airflow_provider.runner.spark import environment, no_jvm
from airflow_provider.runner.spark.error_text import said
from airflow_provider.runner.spark.install import refuse_mixed_install
from airflow_provider.runner.spark.jvm import SparkJvm, quiet_py4j
from airflow_provider.runner.spark.requested import Difference, apply, jvm_differences
from airflow_provider.runner.spark.started_by import modules_that_hold, whose
from airflow_provider.runner.spark.submit_arguments import submit_arguments
from airflow_provider.runner.spark.worker_path import with_worker_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


logger = logging.getLogger(__name__)

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
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    forget_dead_jvm()
    try:
        return SparkSession.active()
    except PySparkException:
        context = SparkContext._active_spark_context
    if context is None or context._jsc is None:
        return None
    return SparkSession(context)  # it was started without one


def session_of_the_process(conf: Mapping[str, str], app_name: str) -> SparkSession:
    """Return the session that this process already has, or open one.

    :param conf: Spark properties
    :param app_name: application name, unless ``conf`` has one
    :raises SparkConfigError: importing a component started Spark, and not as ``conf`` says
    :raises SparkSessionError: Spark did not start
    """
    spark = running_session()
    if spark is None:
        return open_session(conf, app_name)
    started = running_spark()
    different = [] if _is_connect(spark) else [found for found in apply(spark.newSession(), conf) if found.matters]
    if different and import_that_started(started) is not None:
        raise _elsewhere(different, started, spark)
    if different:
        logger.warning(
            "the pipeline runs in the Spark session that this process has, so its spark section has no effect: %s",
            "; ".join(map(str, different)),
        )
    return spark


def open_session(conf: Mapping[str, str], app_name: str) -> SparkSession:
    """Open a Spark session, or a session of its own on the Spark that this process already runs.

    If that Spark's session is a variable of a module, as in scripts that were made to be run by themselves, it is that
    session: what the module does with it must be there for the others.

    :param conf: Spark properties; without ``spark.master`` the master is ``local[*]``
    :param app_name: application name, unless ``conf`` has one
    :raises SparkSessionError: Spark did not start; the message names the master and what to check
    :raises SparkConfigError: Spark would run elsewhere than ``conf`` says, or runs already and not as it says
    :raises SparkInstallError: see :func:`~airflow_provider.runner.spark.install.refuse_mixed_install`
    """
    refuse_mixed_install()
    spark = running_session()
    if spark is not None:
        return _on_running(spark, conf)
    environment.refuse_elsewhere(conf)
    settings = {"spark.app.name": app_name, "spark.master": "local[*]", **conf}
    if settings["spark.master"].startswith("local"):
        environment.tell_workers_python(conf)
        # Python workers must be this Python; Spark would take the first python3 of the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings = with_worker_path(settings)
    quiet_py4j()
    return _started_session(conf, settings)


def refuse_module_session() -> None:
    """Raise if a module has a classic session of its own although Spark is asked for on a Spark Connect server.

    :raises SparkConfigError: it has
    """
    started = running_spark()
    if started is None or not hasattr(started, "_jsc"):
        return  # also where pyspark can be nothing but a client
    spark = running_session()
    if spark is None or _is_connect(spark) or not modules_that_hold(spark):
        return
    why, remedy = whose(started, spark)
    raise SparkConfigError(
        f"Spark runs in this process on master {spark.sparkContext.master!r}, and not on the Spark Connect server of "
        f"the connection: {why}; {remedy}"
    )


def _on_running(spark: SparkSession, conf: Mapping[str, str]) -> SparkSession:
    """Return a session on the Spark that runs, if that is what was asked for."""
    started = running_spark()
    if _is_connect(spark):
        why, remedy = whose(started, spark)
        raise SparkConfigError(
            "this process is a client of a Spark Connect server, but Spark was asked for on master "
            f"{conf.get('spark.master', 'local[*]')!r}: {why}; {remedy}"
        )
    session = spark if modules_that_hold(spark) else spark.newSession()
    different = apply(session, conf)
    if any(found.matters for found in different):
        raise _elsewhere([found for found in different if found.matters], started, spark)
    if different:
        logger.info("Spark runs already, so this has no effect: %s", "; ".join(map(str, different)))
    return session


def _elsewhere(different: list[Difference], started: Any, spark: SparkSession) -> SparkConfigError:
    why, remedy = whose(started, spark)
    return SparkConfigError(
        "Spark runs in this process already, and not as it was asked to run: "
        f"{'; '.join(map(str, different))}. The reason: {why}; {remedy}"
    )


def _is_connect(spark: Any) -> bool:
    return not hasattr(spark, "_jsparkSession")


def _started_session(conf: Mapping[str, str], settings: dict[str, str]) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    jvm = None
    _refuse_other_jvm(conf)
    try:
        if SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
            jvm = SparkJvm(settings)
            environment.tell_defaults(settings)
            with submit_arguments(conf):
                gateway = jvm.start()
            SparkContext._ensure_initialized(gateway=gateway)
            _started.append(jvm)
        elif (ours := started_jvm()) is not None:
            _forget_properties(ours, settings)
        session = SparkSession.builder.config(map=settings).getOrCreate()
    except (PySparkException, Py4JError, OSError) as error:
        if SparkContext._active_spark_context is not None:
            with contextlib.suppress(Exception):
                SparkContext._active_spark_context.stop()  # it is of no use to a second try
        raise SparkSessionError(_not_started(settings["spark.master"], error, jvm)) from error
    if other := no_jvm.other_spark(session.version):
        logger.warning("%s", other)
    return session


def _refuse_other_jvm(conf: Mapping[str, str]) -> None:
    """End a JVM that an earlier session of this process has left, if it was started with something else than is asked
    for now; raise if it is not ours.

    :raises SparkConfigError: it is not ours
    """
    from pyspark import SparkContext

    if SparkContext._gateway is None:
        return
    jvm, system = started_jvm(), SparkContext._jvm.java.lang.System
    found = (
        jvm.settings
        if jvm is not None
        else {str(e.getKey()): str(e.getValue()) for e in system.getProperties().entrySet()}
    )
    different = jvm_differences(conf, found)
    if not different:
        return
    if jvm is None:
        raise SparkConfigError(
            "Spark's JVM runs in this process already, and was not started as it was asked for: "
            f"{'; '.join(map(str, different))}; run the pipeline in a process of its own"
        )
    logger.info("starting a new JVM for Spark: %s", "; ".join(map(str, different)))
    jvm.ask_to_end(kindly=True)
    if jvm.end(_END_SECONDS) is None:
        jvm.ask_to_end(kindly=False)
    forget_dead_jvm()


def _forget_properties(jvm: SparkJvm, settings: Mapping[str, str]) -> None:
    """Let a JVM forget what an earlier Spark of this process asked for and this one does not."""
    from pyspark import SparkContext

    system, before = SparkContext._jvm.java.lang.System, environment.defaults()
    for key in jvm.settings.keys() - settings.keys():
        if key in before:
            system.setProperty(key, before[key])
        else:
            system.clearProperty(key)
    jvm.settings = {**jvm.settings, **settings}


def _not_started(master: str, error: Exception, jvm: SparkJvm | None) -> str:
    """Return what happened, what the JVM said of it, and what to look at."""
    words = jvm.last_words() if jvm is not None else []
    because, remedy = "", "check that the master is right, runs and can be reached from here"
    if "JAVA_GATEWAY" in str(error) or (isinstance(error, OSError) and jvm is not None):
        because, remedy = no_jvm.why_no_jvm(error)
    elif isinstance(error, OSError):
        port = os.environ.get("PYSPARK_GATEWAY_PORT")
        because = (
            f"nothing listens where the environment variable PYSPARK_GATEWAY_PORT ({port}) says that Spark's JVM is"
        )
        remedy = "unset it where the task runs; spark-submit sets it for the program that it starts"
    elif version := no_jvm.version_on_disk():
        because = no_jvm.other_spark(version) or ""
    text = said(error).message.splitlines()[0] if not isinstance(error, OSError) else describe(error)
    what = f"no Spark session on master {master!r}: {because or text}"
    return "\n".join([what, *(f"Spark's last words: {line}" for line in words), f"remedy: {remedy}"])
