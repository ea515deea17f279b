"""Who started the Spark that runs in this process, and which modules use its session as their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider.runner.config.import_watch import REMEDY, import_that_started, place_of_spark_start
from airflow_provider.runner.config.interrupted_call import is_interruption

_NOT_AUTHORS = ("pyspark", "py4j", "airflow_provider", "airflow", "_pytest", "pytest", "IPython", "ipykernel")


def modules_holding(session: Any) -> list[str]:
    """Return the modules that have this session, or its context, as a variable.

    The script or notebook that runs does not count: it may have a session for other things.
    """
    wanted = {id(session), id(getattr(session, "_sc", session))}
    return [
        name
        for name, module in list(sys.modules.items())
        if name not in ("__main__", "__mp_main__")
        and name.partition(".")[0] not in _NOT_AUTHORS
        and any(id(value) in wanted for value in list(vars(module).values()))
    ]


def who_started(spark: Any, session: Any) -> tuple[str, str]:
    """Return who started a Spark, for people, and what to do about it.

    :param spark: its context, or its session with Spark Connect
    """
    place, imported = place_of_spark_start(spark), import_that_started(spark)
    at = f" ({place})" if place else ""
    if imported is not None:
        return f"importing the module {imported!r} started it{at}", REMEDY
    if held := modules_holding(session):
        names = ", ".join(repr(_readable(name)) for name in sorted(held))
        return f"something outside the pipeline started it{at}, and it is a variable of the module {names}", REMEDY
    remedy = "stop that Spark before the pipeline runs, or ask for the same properties"
    return f"something outside the pipeline started it{at}", remedy


@contextmanager
def as_default_session(session: Any) -> Iterator[None]:
    """Make this session the active one and the one that ``SparkSession.builder.getOrCreate()`` finds.

    :param session: a classic session on a Spark that was started for other sessions
    """
    from pyspark.sql import SparkSession

    kinds: Any = SparkSession
    before = kinds._instantiatedSession, kinds._activeSession
    kinds._instantiatedSession = kinds._activeSession = session
    _activate(session)
    try:
        yield
    finally:
        if kinds._instantiatedSession is session:  # Spark has not been stopped meanwhile
            kinds._instantiatedSession, kinds._activeSession = before
            if not is_interruption(
                sys.exception()
            ):  # otherwise Spark keeps it for a connection that is never used again
                _activate(before[1] or before[0])


def _activate(session: Any) -> None:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    kinds: Any = SparkSession
    if session is not None:
        with suppress(PySparkException, Py4JError, OSError):  # its JVM may be gone
            kinds._get_j_spark_session_class(session._jvm).setActiveSession(session._jsparkSession)


def _readable(module: str) -> str:
    """Return a module's name, or the file of a DAG, because Airflow gives its module a random name."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return str(file) if module.startswith("unusual_prefix_") and file else module
