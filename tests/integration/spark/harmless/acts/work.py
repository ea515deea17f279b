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


async def in_a_loop(spark: Any) -> None:
    await _nothing()
    spark.range(5).createOrReplaceTempView("v")


async def _nothing() -> None:
    return None


async def writes_in_a_loop(spark: Any, *, path: str) -> None:
    await _nothing()
    with open(path, "a") as file:
        file.write("acted\n")
    spark.range(5).createOrReplaceTempView("v")
