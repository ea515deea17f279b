"""Opens a Spark session in this process."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError, SparkSessionError, describe
from airflow_provider.runner.config.import_watch import import_that_started, running_spark
from airflow_provider.runner.spark import environment, no_jvm
from airflow_provider.runner.spark.error_text import parse_spark_error
from airflow_provider.runner.spark.install import refuse_mixed_install
from airflow_provider.runner.spark.jvm import SparkJvm, quiet_py4j
from airflow_provider.runner.spark.kind import spark_kind
from airflow_provider.runner.spark.meanwhile import GatewayWork, working_meanwhile
from airflow_provider.runner.spark.process_jvm import (
    end_unfit_jvm,
    forget_dead_jvm,
    forget_properties,
    remember_jvm,
    started_jvm,
)
from airflow_provider.runner.spark.property_differences import PropertyDifference, apply_properties
from airflow_provider.runner.spark.started_by import modules_holding, who_started
from airflow_provider.runner.spark.submit_arguments import submit_arguments
from airflow_provider.runner.spark.worker_path import with_worker_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


logger = logging.getLogger(__name__)


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


def session_of_the_process(
    conf: Mapping[str, str], app_name: str, *, meanwhile: GatewayWork | None = None
) -> SparkSession:
    """Return the session that this process already has, or open one.

    :param app_name: application name, unless ``conf`` has one
    :param meanwhile: done while Spark starts
    :raises SparkConfigError: importing a component started Spark with other properties than ``conf``
    :raises SparkSessionError: Spark did not start
    """
    spark = running_session()
    if spark is None:
        return open_session(conf, app_name, meanwhile=meanwhile)
    started = running_spark()
    different = (
        []
        if spark_kind(spark) == "connect"
        else [found for found in apply_properties(spark.newSession(), conf) if found.matters]
    )
    if different and import_that_started(started) is not None:
        raise _elsewhere(different, started, spark)
    if different:
        logger.warning(
            "the pipeline runs in the Spark session that this process already has, so these settings of its spark "
            "section have no effect: %s",
            "; ".join(map(str, different)),
        )
    return spark


def open_session(conf: Mapping[str, str], app_name: str, *, meanwhile: GatewayWork | None = None) -> SparkSession:
    """Open a Spark session, or a session of its own on the Spark that this process already runs.

    If that Spark's session is a variable of a module, as in stand-alone scripts, this returns that session: later
    components must see what the module does with it.

    :param conf: Spark properties; without ``spark.master`` the master is ``local[*]``
    :param app_name: application name, unless ``conf`` has one
    :param meanwhile: done while Spark starts
    :raises SparkSessionError: Spark did not start; the message names the master and what to check
    :raises SparkConfigError: Spark would run elsewhere than ``conf`` says, or already runs with other properties
    :raises SparkInstallError: see :func:`~airflow_provider.runner.spark.install.refuse_mixed_install`
    """
    refuse_mixed_install()
    spark = running_session()
    if spark is not None:
        return _on_running(spark, conf)
    environment.refuse_other_spark(conf)
    settings = {"spark.app.name": app_name, "spark.master": "local[*]", **conf}
    if settings["spark.master"].startswith("local"):
        environment.check_worker_python(conf)
        # Python workers must use this Python; Spark would take the first python3 on PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings = with_worker_path(settings)
    quiet_py4j()
    with working_meanwhile(meanwhile) as has_started:
        return _started_session(conf, settings, has_started)


def refuse_module_session() -> None:
    """Raise SparkConfigError if a module has its own classic session, but the pipeline asks for Spark Connect."""
    started = running_spark()
    if started is None or not hasattr(started, "_jsc"):
        return  # or pyspark can only be a client
    spark = running_session()
    if spark is None or spark_kind(spark) == "connect" or not modules_holding(spark):
        return
    why, remedy = who_started(started, spark)
    raise SparkConfigError(
        f"Spark runs in this process on master {spark.sparkContext.master!r} instead of on the connection's Spark "
        f"Connect server: {why}; {remedy}"
    )


def _on_running(spark: SparkSession, conf: Mapping[str, str]) -> SparkSession:
    """Return a session on the Spark that runs, if that is the one that is wanted."""
    started = running_spark()
    if spark_kind(spark) == "connect":
        why, remedy = who_started(started, spark)
        raise SparkConfigError(
            "this process is a client of a Spark Connect server, but the pipeline asks for master "
            f"{conf.get('spark.master', 'local[*]')!r}: {why}; {remedy}"
        )
    session = spark if modules_holding(spark) else spark.newSession()
    different = apply_properties(session, conf)
    if any(found.matters for found in different):
        raise _elsewhere([found for found in different if found.matters], started, spark)
    if different:
        logger.info("Spark already runs, so these properties have no effect: %s", "; ".join(map(str, different)))
    return session


def _elsewhere(different: list[PropertyDifference], started: Any, spark: SparkSession) -> SparkConfigError:
    why, remedy = who_started(started, spark)
    return SparkConfigError(
        "Spark already runs in this process with other properties than the pipeline asks for: "
        f"{'; '.join(map(str, different))}. The reason: {why}; {remedy}"
    )


def _started_session(
    conf: Mapping[str, str], settings: dict[str, str], has_started: Callable[[Any], None]
) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    jvm = None
    end_unfit_jvm(conf)
    try:
        if SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
            jvm = SparkJvm(settings)
            environment.log_defaults(settings)
            with submit_arguments(conf):
                gateway = jvm.start()
            SparkContext._ensure_initialized(gateway=gateway)
            remember_jvm(jvm)
            has_started(gateway)
        elif (ours := started_jvm()) is not None:
            forget_properties(ours, settings)
        session = SparkSession.builder.config(map=settings).getOrCreate()
    except (PySparkException, Py4JError, OSError) as error:
        if SparkContext._active_spark_context is not None:
            with contextlib.suppress(Exception):
                SparkContext._active_spark_context.stop()  # a second try cannot use it
        raise SparkSessionError(_not_started(settings["spark.master"], error, jvm)) from error
    if other := no_jvm.version_mismatch(session.version):
        logger.warning("%s", other)
    return session


def _not_started(master: str, error: Exception, jvm: SparkJvm | None) -> str:
    """Return what happened, the JVM's last words, and what to check."""
    words = jvm.last_words() if jvm is not None else []
    because, remedy = "", "check that the master is right, is running and can be reached from here"
    if "JAVA_GATEWAY" in str(error) or (isinstance(error, OSError) and jvm is not None):
        because, remedy = no_jvm.why_no_jvm(error)
    elif isinstance(error, OSError):
        port = os.environ.get("PYSPARK_GATEWAY_PORT")
        because = (
            f"nothing listens on port {port}, where the environment variable PYSPARK_GATEWAY_PORT says Spark's JVM is"
        )
        remedy = "unset it where the task runs; spark-submit sets it for the program that it starts"
    elif version := no_jvm.version_on_disk():
        because = no_jvm.version_mismatch(version) or ""
    text = parse_spark_error(error).message.splitlines()[0] if not isinstance(error, OSError) else describe(error)
    what = f"no Spark session on master {master!r}: {because or text}"
    return "\n".join([what, *(f"Spark's last words: {line}" for line in words), f"remedy: {remedy}"])
