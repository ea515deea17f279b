"""Which Spark the tests run on."""

from __future__ import annotations

from importlib.metadata import version

SPARK = tuple(int(part) for part in version("pyspark").split(".")[:2])
"""Such as ``(4, 2)``."""
