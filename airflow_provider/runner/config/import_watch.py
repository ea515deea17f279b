"""Finds the import of an author's module that started Spark, as scripts do that were written to run alone.

This never imports pyspark: without that import nothing has started Spark.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger(__name__)

REMEDY = (
    "move SparkSession.builder...getOrCreate() and SparkContext() from the top level of the module into the function, "
    "and use the session that the runner passes to the component"
)

_starts: list[tuple[Any, str]] = []
"""The Spark that an import started last, and the module; pyspark has one at a time."""


def running_spark() -> Any:
    """Return the classic SparkContext or the Spark Connect session that this process has, None if it has none."""
    classic = sys.modules.get("pyspark.core.context")
    context = getattr(getattr(classic, "SparkContext", None), "_active_spark_context", None)
    if context is not None:
        return context if getattr(context, "_jsc", None) is not None else None
    connect = getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)
    return getattr(connect, "_default_session", None)


def place_of_spark_start(spark: Any) -> str | None:
    """Return ``file:line`` where the SparkContext was created, None if pyspark did not record it.

    :param spark: what :func:`running_spark` returned
    """
    site: Any = getattr(spark, "_callsite", None)
    return f"{site.file}:{site.linenum}" if getattr(site, "file", None) else None


def import_that_started(spark: Any) -> str | None:
    """Return the module whose import started this Spark, None if no watched import did.

    :param spark: what :func:`running_spark` returned
    """
    return next((module for started, module in _starts if started is spark), None)


@contextmanager
def watching_import(module_name: str) -> Iterator[None]:
    """Context manager that warns if an import inside it starts Spark."""
    before = running_spark()
    try:
        yield
    finally:
        after = running_spark()
        if after is not None and after is not before:
            _starts[:] = [(after, module_name)]
            place = place_of_spark_start(after)
            logger.warning(
                "importing %r started Spark%s, before the pipeline could choose where it runs; %s",
                module_name,
                f" ({place})" if place else "",
                REMEDY,
            )
