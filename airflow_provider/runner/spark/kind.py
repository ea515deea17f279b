"""Which kind of session a Spark session is."""

from __future__ import annotations

from typing import Any, Literal

SparkKind = Literal["classic", "connect"]


def spark_kind(spark: Any) -> SparkKind | None:
    """Return ``classic`` for a session with a JVM of its own, ``connect`` for a client of a Spark Connect server.

    None for anything that is not a Spark session.
    """
    if hasattr(spark, "_jsparkSession"):
        return "classic"
    return "connect" if hasattr(spark, "_client") else None
