"""Components that take time or work."""

from __future__ import annotations

import time
from typing import Any


def sleep(spark: Any, *, seconds: float) -> None:
    time.sleep(seconds)
    spark.range(5).createOrReplaceTempView("v")


def compute_in_python(spark: Any, *, loops: int) -> None:
    total = 0
    for number in range(loops):
        total += number * number % 7
    spark.range(total % 10 + 1).createOrReplaceTempView("v")


def compute_on_executors(spark: Any, *, rows: int) -> None:
    total = spark.range(rows).selectExpr("bit_xor(xxhash64(id, id + 1))").first()[0]
    spark.range(abs(total) % 10 + 1).createOrReplaceTempView("v")


def quick(spark: Any) -> None:
    number = spark.range(100).count()
    spark.range(number).createOrReplaceTempView("v")
