"""The JVM that this process talks to: remembered, forgotten when it is dead, ended when it does not fit."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping

from airflow_provider.errors import SparkConfigError
from airflow_provider.runner.spark.environment import defaults
from airflow_provider.runner.spark.jvm import SparkJvm
from airflow_provider.runner.spark.property_differences import jvm_differences

logger = logging.getLogger(__name__)

_END_SECONDS = 10.0

_started: list[SparkJvm] = []
"""The JVM that this process has started, if it has; pyspark keeps it for as long as the process lives."""


def started_jvm() -> SparkJvm | None:
    """Return the JVM that this package has started in this process, None if it has started none."""
    return _started[-1] if _started else None


def remember_jvm(jvm: SparkJvm) -> None:
    """Make this the JVM that :func:`started_jvm` returns."""
    _started.append(jvm)


def forget_dead_jvm() -> None:
    """Let pyspark start a new JVM if the one of this process has ended; it would keep calling the dead one."""
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
            context.stop()  # its Python side
    SparkContext._gateway = SparkContext._jvm = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def end_unfit_jvm(conf: Mapping[str, str]) -> None:
    """End the JVM that an earlier session of this process has left, if it was started with other properties.

    :param conf: the Spark properties that are wanted now
    :raises SparkConfigError: it was, and this package did not start it
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
            "Spark's JVM already runs in this process, started with other properties: "
            f"{'; '.join(map(str, different))}; run the pipeline in a process of its own"
        )
    logger.info("starting a new JVM for Spark: %s", "; ".join(map(str, different)))
    jvm.ask_to_end(kindly=True)
    if jvm.end(_END_SECONDS) is None:
        jvm.ask_to_end(kindly=False)
    forget_dead_jvm()


def forget_properties(jvm: SparkJvm, settings: Mapping[str, str]) -> None:
    """Reset properties of the JVM that an earlier Spark of this process set and this one does not."""
    from pyspark import SparkContext

    system, before = SparkContext._jvm.java.lang.System, defaults()
    for key in jvm.settings.keys() - settings.keys():
        if key in before:
            system.setProperty(key, before[key])
        else:
            system.clearProperty(key)
    jvm.settings = {**jvm.settings, **settings}
