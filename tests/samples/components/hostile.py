"""Components that leave a view, and the process in a state that is hard to work in. Plain Spark runs all of them."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def closes_output(spark: SparkSession) -> None:
    spark.range(1).createOrReplaceTempView("a")
    sys.stdout.close()


def leaves_its_directory(spark: SparkSession) -> None:
    spark.range(2).createOrReplaceTempView("b")
    place = tempfile.mkdtemp()
    os.chdir(place)
    shutil.rmtree(place)


def changes_the_locale(spark: SparkSession) -> None:
    spark.range(3).createOrReplaceTempView("c")
    locale.setlocale(locale.LC_ALL, "C")


def lowers_the_recursion_limit(spark: SparkSession) -> None:
    spark.range(4).createOrReplaceTempView("d")
    sys.setrecursionlimit(150)


def traces(spark: SparkSession) -> None:
    spark.range(5).createOrReplaceTempView("e")

    def trace(frame: Any, event: str, argument: Any) -> None:
        return

    sys.settrace(trace)
    threading.settrace(trace)


def starts_threads(spark: SparkSession) -> None:
    spark.range(6).createOrReplaceTempView("f")
    for _ in range(20):
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def forks(spark: SparkSession) -> None:
    spark.range(7).createOrReplaceTempView("g")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def counts(spark: SparkSession, *, target: str, needs: str) -> None:
    """Writes how many rows the views have, if a file exists."""
    if not Path(needs).exists():
        raise FileNotFoundError(needs)
    Path(target).write_text(str([spark.table(view).count() for view in "abcdefg"]), encoding="utf-8")
