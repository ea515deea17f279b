"""Links beside the task in Airflow's UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.sdk import BaseOperator

SPARK_UI_KEY = "pyspark_pipeline_spark_ui"
"""XCom key of the link. The operator pushes it as soon as Spark runs, so that it is there while the task runs."""


class SparkUILink(BaseOperatorLink):
    """Spark's own UI of the running application, or its page in the History Server if one is configured."""

    name = "Spark UI"
    xcom_key = SPARK_UI_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, empty if Spark was not started.

        Called in the task's process at its end; the UI reads what was pushed.
        """
        return str(getattr(operator, "spark_ui_url", ""))


def spark_ui_url(spark: Any, history_server: str) -> str:
    """Return where to look at a Spark application.

    :param spark: the session
    :param history_server: address of a History Server, empty if there is none
    """
    if not hasattr(spark, "_jsparkSession"):
        return ""  # Spark Connect does not tell its client
    context = spark.sparkContext
    if history_server:
        return f"{history_server.rstrip('/')}/history/{context.applicationId}/jobs/"
    return context.uiWebUrl or ""
