"""Which kind of session a Spark session is."""

from __future__ import annotations

from typing import Any, Literal

SparkKind = Literal["classic", "connect"]


def spark_kind(spark: Any) -> SparkKind:
    """Return whether a session talks to a JVM of its own (``classic``) or to a Spark Connect server (``connect``)."""
    return "classic" if hasattr(spark, "_jsparkSession") else "connect"
