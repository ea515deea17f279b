"""Links beside the task in Airflow's UI."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider.operators.airflow_config import SECTION

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.sdk import BaseOperator

logger = logging.getLogger(__name__)

SPARK_UI_KEY = "pyspark_pipeline_spark_ui"
"""XCom key of the link. The attempt pushes it as soon as Spark runs, so that the link works while the task runs."""


class SparkUILink(BaseOperatorLink):
    """Link to the UI of the running Spark application, and later to its page in the History Server, if there is one."""

    name = "Spark UI"
    xcom_key = SPARK_UI_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, empty for no link: Spark never started, or has ended and there is no History Server.

        Airflow calls this at the end of the task, in its process; the UI reads the XCom.
        """
        return str(getattr(operator, "spark_ui_url", "") or "")


@dataclass(frozen=True)
class SparkUI:
    """Addresses of a Spark application's UI.

    :param running: while the application runs, empty for none
    :param ended: when it has ended, empty for none
    """

    running: str = ""
    ended: str = ""


def spark_ui(spark: Any, template: str, history_server: str) -> SparkUI:
    """Return the addresses of a session's Spark UI.

    :param spark: any session
    :param template: address of the running application's UI as people reach it, with ``{host}``, ``{port}`` and
        ``{application_id}``; empty for the driver's own address
    :param history_server: address of a History Server, empty if there is none
    """
    from airflow_provider.runner.spark.kind import spark_kind  # with the engine, which parsing a DAG file does not need

    if spark_kind(spark) != "classic":
        return SparkUI()  # Spark Connect does not tell its client
    context = spark.sparkContext
    ended = f"{history_server.rstrip('/')}/history/{context.applicationId}/jobs/" if history_server else ""
    own = context.uiWebUrl or ""
    if not template:
        return SparkUI(ended or own, ended)
    if not own and ("{host}" in template or "{port}" in template):
        return SparkUI(ended, ended)  # spark.ui.enabled is off
    address = urlsplit(own)
    try:
        running = template.format(
            host=address.hostname or "", port=address.port or "", application_id=context.applicationId
        )
    except (KeyError, IndexError, ValueError, AttributeError):
        logger.warning(
            "invalid [%s] spark_ui_url %r: allowed placeholders are {host}, {port} and {application_id}; write a "
            "literal brace as {{ or }}. Using Spark's own address",
            SECTION,
            template,
        )
        running = own
    return SparkUI(running, ended)
