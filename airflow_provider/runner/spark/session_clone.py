"""Clones a Spark session: views, functions, settings and the current database come along, and later changes do not.

A clone costs some milliseconds, however many views there are: it refers to the plans of the original. Spark leaves out
what its catalog manager holds: session variables, the SQL path, and the current catalog if that is not Spark's own.
"""

from __future__ import annotations

from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError, describe
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CLONING: ContextVar[bool] = ContextVar("pyspark_pipeline_cloning", default=False)
"""Whether this thread clones a session. Every new session claims ``RDD.toDF`` for itself, which a clone must not."""

_REMEDY = "set max_parallel_components to 1, or use a release that can"


def clone_session(spark: SparkSession) -> SparkSession:
    """Return a new session with what is in a session now, on the same Spark.

    Neither the session that is active nor the one that ``SparkSession.builder.getOrCreate()`` finds becomes another.

    :raises SparkConfigError: the client or the server of Spark Connect cannot clone sessions
    :raises Exception: what Spark raises
    """
    return _connect_clone(spark) if spark_kind(spark) == "connect" else _classic_clone(spark)


def _classic_clone(spark: SparkSession) -> SparkSession:
    from pyspark import RDD
    from pyspark.sql import SparkSession

    methods: Any = RDD
    to_frame, token = methods.toDF, CLONING.set(True)
    try:
        return SparkSession(spark.sparkContext, spark._jsparkSession.cloneSession())
    finally:
        CLONING.reset(token)
        methods.toDF = to_frame


def _connect_clone(spark: Any) -> SparkSession:
    from pyspark.errors import PySparkException

    if not hasattr(spark, "cloneSession"):
        raise SparkConfigError(
            "components cannot run side by side on Spark Connect with pyspark "
            f"{_installed()}: it cannot clone a session, which pyspark 4.1 and later can; {_REMEDY}"
        )
    try:
        clone: SparkSession = spark.cloneSession()
        clone.conf.get("spark.sql.shuffle.partitions")  # the server clones when it is first asked for the clone
    except PySparkException as error:
        raise SparkConfigError(
            f"components cannot run side by side on this Spark Connect server: it did not clone the session: "
            f"{describe(error)}; {_REMEDY}"
        ) from error
    if not hasattr(clone, "release_session_on_close"):
        clone.release_session_on_close = True  # pyspark leaves it out, and stop() asks
    return clone


def _installed() -> str:
    for package in ("pyspark", "pyspark-client"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "of this version"
