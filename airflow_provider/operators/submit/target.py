"""Where spark-submit starts a driver, and with which Spark properties."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider.errors import DriverSetupError
from airflow_provider.launch.extras import OF_SPARK, is_empty, spark_properties, warn_of_unknown
from airflow_provider.launch.keytab import half_of_a_login, keytab_file
from airflow_provider.launch.spark_properties import DEFAULT_CONNECTION
from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.spark.environment import defaults

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SubmitTarget:
    """Where the driver and its executors run.

    :param master: Spark's master
    :param remote: whether the driver runs on the cluster (deploy mode ``cluster``)
    """

    master: str
    remote: bool

    @property
    def is_local(self) -> bool:
        """Whether the driver is Spark's only executor."""
        return self.master.startswith("local")


def connection_properties(task_id: str, conn_id: str) -> dict[str, str]:
    """Return the Spark properties among a connection's extras.

    :param task_id: the task, for messages
    :param conn_id: connection of type ``spark``; the default one may be missing
    :raises DriverSetupError: the connection does not exist
    :raises SparkConfigError: a property has no value, or one that is not text
    """
    try:
        extras = BaseHook.get_connection(conn_id).extra_dejson
    except AirflowNotFoundException:
        if conn_id != DEFAULT_CONNECTION:
            raise DriverSetupError(f"task {task_id!r}: connection {conn_id!r} does not exist; create it") from None
        logger.warning("connection %r not found; Airflow's Spark provider falls back to YARN", conn_id)
        return {}
    warn_of_unknown(extras, conn_id, OF_SPARK)
    return spark_properties(extras, conn_id)


def refuse_half_a_login(
    task_id: str, options: Mapping[str, Any], keytab: str | None, conf: Mapping[str, str], target: SubmitTarget
) -> None:
    """Raise if spark-submit would get a Kerberos principal without a keytab, or a keytab without a principal.

    :param task_id: the task, for messages
    :param options: the arguments of ``SparkSubmitOperator`` that the author gave
    :param keytab: the file of the connection's keytab, None if it has none
    :param conf: the Spark properties
    :param target: where the driver runs
    :raises DriverSetupError: half of the login is missing
    """
    if target.is_local or options.get("use_krb5ccache") or options.get("properties_file"):
        return
    try:
        principal = BaseHook.get_connection(str(options["conn_id"])).extra_dejson.get("principal")
    except AirflowNotFoundException:
        principal = None
    given = {"principal": options.get("principal") or principal, "keytab": options.get("keytab") or keytab}
    found = {f"spark.kerberos.{name}": str(value) for name, value in given.items() if not is_empty(value)}
    if problem := half_of_a_login(found, {**defaults(), **conf}):
        raise DriverSetupError(f"task {task_id!r}: {problem}")


def connection_keytab(conn_id: str) -> str | None:
    """Write a connection's keytab to a file that only this user can read, and return its path; None if it has none.

    :param conn_id: connection of type ``spark``, which may be missing
    :raises SparkConfigError: the keytab is not base64
    """
    try:
        content = BaseHook.get_connection(conn_id).extra_dejson.get("keytab")
    except AirflowNotFoundException:
        return None
    return None if is_empty(content) else keytab_file(content, conn_id)


def submit_properties(
    config: PipelineConfig,
    extras: Mapping[str, str],
    given: Mapping[str, str],
    target: SubmitTarget,
    env_vars: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the Spark properties for spark-submit.

    :param config: the pipeline; its properties come last, and the connection decides master and deploy mode
    :param extras: the connection's properties, which win over the pipeline's
    :param given: the operator's properties, which win over both
    :param target: where the driver runs
    :param env_vars: environment variables of spark-submit beside the worker's own
    """
    pipeline = config.spark_properties()
    for key in ("spark.app.name", "spark.master", "spark.submit.deployMode"):
        pipeline.pop(key, None)
    properties = {**pipeline, **extras, **given}
    own = {"spark.log.level": "WARN"}  # as with Spark in the task; more would bury the pipeline's lines
    chosen = properties.keys() & {"spark.pyspark.driver.python", "spark.pyspark.python"}
    chosen |= {**os.environ, **(env_vars or {})}.keys() & {"PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON"}
    if not target.remote and not chosen:
        # Otherwise Spark takes the first python3 of the PATH, which may lack what the worker has.
        own["spark.pyspark.python" if target.is_local else "spark.pyspark.driver.python"] = sys.executable
    return {**own, **properties}
