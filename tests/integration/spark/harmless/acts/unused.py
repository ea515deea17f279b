"""Imports what could do harm, and does not use it where it counts."""

from __future__ import annotations

from typing import Any

import requests


def imports_requests_and_does_not_use_it(spark: Any) -> None:
    spark.range(5).createOrReplaceTempView("v")


def something_else(url: str) -> None:
    """No component reaches this."""
    requests.post(url, timeout=10)
