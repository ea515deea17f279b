"""What Spark says about a query without running it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider.runner.config.interrupted_call import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_READS_TEXT = re.compile(r"\b(?:FileScan|BatchScan) (?:csv|json|xml)\b")
_RANDOM = re.compile(r"\b(?:rand|randn|random|randstr|uniform|uuid|shuffle)\(|\bSample ")
_NUMBER = re.compile(r"#\d+L?")


def explain_query(spark: SparkSession, query: str) -> str:
    """Return what Spark says about a query without running it: its logical plans and the physical one.

    A query that Spark can parse never fails here; if it is wrong, the plan is an error message.
    """
    rows = collected(spark.sql(f"EXPLAIN EXTENDED {query}"))
    return str(rows[0][0]) if rows else ""


def analyzed_plan(plan: str) -> str:
    """Return the analyzed plan of :func:`explain_query`, after the line of its columns; or an error."""
    return plan.partition("== Analyzed Logical Plan ==\n")[2].partition("\n== Optimized Logical Plan ==")[0]


def parses_text(plan: str) -> bool:
    """Whether a plan of :func:`explain_query` parses text files: CSV, JSON, XML."""
    return _READS_TEXT.search(plan.partition("== Physical Plan ==")[2]) is not None


def random_parts(plan: str) -> list[str]:
    """Return the lines of a plan of :func:`explain_query` with random functions. They show the seeds."""
    return [_NUMBER.sub("#", line) for line in analyzed_plan(plan).splitlines() if _RANDOM.search(line)]
