"""The extras of a connection: which count, have no effect, or are refused. docs/reference/spark.md has the table."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.spark_properties import properties

logger = logging.getLogger(__name__)

PROPERTY_OF = {
    "queue": "spark.yarn.queue",
    "namespace": "spark.kubernetes.namespace",
    "principal": "spark.kerberos.principal",
    "deploy-mode": "spark.submit.deployMode",
}
"""Extras of a ``spark`` connection, named as the Spark provider names them, and the property each one sets."""

FOR_SPARK_SUBMIT = {
    "spark-binary": "the task uses the Spark of the installed pyspark",
    "rest-scheme": "no driver runs on a standalone cluster",
    "rest-port": "no driver runs on a standalone cluster",
    "yarn_resourcemanager_webapp_address": "the driver is this task, so there is no other to ask for its state",
}
"""Extras of the Spark provider without effect when Spark runs in the task, and why."""

OF_SPARK = {*PROPERTY_OF, *FOR_SPARK_SUBMIT, "keytab", "spark-home"}
"""All extras of a ``spark`` connection that the Spark provider knows."""

OF_CONNECT = {"use_ssl"}
"""All extras of a ``spark_connect`` connection that the Spark provider knows."""

_INSTEAD = {
    "token": "the token is the connection's password",
    "user_id": "the user id is the connection's login",
    "master": "the master is the connection's host",
    "host": "the master is the connection's host",
}

_DEFAULTS = {"spark-binary": "spark-submit", "rest-scheme": "http", "rest-port": "6066"}
"""What Airflow's connection form fills in by itself."""

_warned: set[tuple[str, str]] = set()


def spark_properties(extra: Mapping[str, Any], conn_id: str) -> dict[str, str]:
    """Return the extras that are Spark properties.

    :param extra: the connection's extras
    :param conn_id: the connection, for messages
    :raises SparkConfigError: a value is missing or not text
    """
    found = {key: value for key, value in extra.items() if key.startswith("spark.")}
    return properties(found, f"connection {conn_id!r}, extras")


def named_properties(extra: Mapping[str, Any], conn_id: str) -> dict[str, str]:
    """Return the properties that the extras of the Spark provider stand for. One that is empty is not set.

    :param extra: the connection's extras
    :param conn_id: the connection, for messages
    :raises SparkConfigError: a value is not text
    """
    given = {PROPERTY_OF[key]: value for key, value in extra.items() if key in PROPERTY_OF and not is_empty(value)}
    return properties(given, f"connection {conn_id!r}, extras")


def refuse_spark_home(extra: Mapping[str, Any], conn_id: str) -> None:
    """Raise SparkConfigError if the connection names another Spark, as the Spark provider does."""
    if not is_empty(extra.get("spark-home")):
        raise SparkConfigError(
            f"connection {conn_id!r}: the extra 'spark-home' is refused, as Airflow's Spark provider refuses it; "
            "remove it. The task uses the Spark of the installed pyspark, unless the worker's environment sets "
            "SPARK_HOME"
        )


def log_without_effect(extra: Mapping[str, Any], conn_id: str) -> None:
    """Log which extras have no effect when Spark runs in the task."""
    for key, why in FOR_SPARK_SUBMIT.items():
        value = extra.get(key)
        if not is_empty(value) and str(value) != _DEFAULTS.get(key):
            logger.info("connection %r: the extra %r has no effect when Spark runs in the task: %s", conn_id, key, why)


def warn_of_unknown(extra: Mapping[str, Any], conn_id: str, known: Collection[str]) -> None:
    """Warn about extras that nothing reads, once in a process.

    :param known: the extras that something reads, beside ``spark.*``
    """
    for key in extra:
        if key in known or key.startswith("spark.") or (conn_id, key) in _warned:
            continue
        _warned.add((conn_id, key))
        logger.warning("connection %r: the extra %r has no effect%s", conn_id, key, _hint(key, known))


def is_empty(value: Any) -> bool:
    """Return whether an extra counts as missing: a form sends fields that were left blank as empty text."""
    return value is None or (isinstance(value, str) and not value.strip())


def _hint(key: str, known: Collection[str]) -> str:
    if key in _INSTEAD:
        return f": {_INSTEAD[key]}"
    plain = key.removeprefix("extra__spark__").lower()
    near = difflib.get_close_matches(plain.replace("_", "-"), known, n=1) or difflib.get_close_matches(
        plain, known, n=1
    )
    if near:
        return f"; did you mean {near[0]!r}?"
    return "; write the full name of a Spark property, such as 'spark.executor.memory'"
