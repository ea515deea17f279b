"""Chooses the launcher for a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider.launch.in_process import InProcessSpark
from airflow_provider.launch.launcher import Launcher
from airflow_provider.launch.spark_connect import ConnectSpark


def launcher(
    conn_id: str | None,
    spark_conf: Mapping[str, Any] | None,
    pipeline_conf: Mapping[str, str],
    app_name: str,
    *,
    run: str,
) -> Launcher:
    """Return the launcher for one attempt.

    :param conn_id: connection of type ``spark`` or ``spark_connect``; None for ``local[*]``
    :param spark_conf: Spark properties that win over the connection
    :param pipeline_conf: Spark properties of the pipeline file, which lie below both
    :param app_name: application name, unless one of the above has one; a Spark Connect server has its own
    :param run: what tells the run apart from all others
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        kind = BaseHook.get_connection(conn_id).conn_type if conn_id is not None else None
    except AirflowNotFoundException:
        kind = None  # whether it may be missing is decided where it is read
    if conn_id is not None and kind == ConnectSpark.CONNECTION_TYPE:
        return ConnectSpark(conn_id, spark_conf, pipeline_conf, run=run)
    return InProcessSpark(conn_id, spark_conf, pipeline_conf, app_name)
