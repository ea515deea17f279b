"""Clones a Spark session: views, functions, settings and the current database come along, and later changes do not.

A clone costs some milliseconds, however many views there are: it refers to the plans of the original. Spark leaves out
what its catalog manager holds: session variables, the SQL path, and the current catalog if that is not Spark's own.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CLONING: ContextVar[bool] = ContextVar("pyspark_pipeline_cloning", default=False)
"""Whether this thread clones a session. Every new session claims ``RDD.toDF`` for itself, which a clone must not."""


def clone_session(spark: SparkSession) -> SparkSession:
    """Return a new session with what is in a session now, on the same Spark.

    Neither the session that is active nor the one that ``SparkSession.builder.getOrCreate()`` finds becomes another.

    :raises SparkConfigError: it is one of Spark Connect
    :raises Exception: what Spark raises
    """
    if spark_kind(spark) != "classic":
        raise SparkConfigError(
            "components cannot run side by side on Spark Connect, because each needs a copy of the session; "
            "set max_parallel_components to 1"
        )
    from pyspark import RDD
    from pyspark.sql import SparkSession

    methods: Any = RDD
    to_frame, token = methods.toDF, CLONING.set(True)
    try:
        return SparkSession(spark.sparkContext, spark._jsparkSession.cloneSession())
    finally:
        CLONING.reset(token)
        methods.toDF = to_frame
