"""The session that Spark takes where nobody says which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def make_active(spark: SparkSession) -> None:
    """Let a session be the active one, as the only session of a new process is.

    Spark keeps whichever was used last as the active one, and pyspark as the one that ``getOrCreate`` returns. Even the
    registration of a data source asks the active session whether there is one of that name.
    """
    kinds: Any = type(spark)
    kinds._instantiatedSession = kinds._activeSession = spark
    java_sessions = kinds._get_j_spark_session_class(spark._jvm)
    java_sessions.setDefaultSession(spark._jsparkSession)
    java_sessions.setActiveSession(spark._jsparkSession)
