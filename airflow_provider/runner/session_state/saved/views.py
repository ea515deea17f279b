"""Reads saved views from storage, in the format in which :class:`ViewSaver` writes them.

A saved view is written with columns named ``c0``, ``c1``, … and its own names stand in the record, so a name may hold
any character and may stand twice. A result without columns is written as one constant column, which keeps its rows.

Rows come back in the order in which they were written. Where the view sorts its rows, a further column tells their
order, and what is read is sorted by it. Otherwise each file is what one partition held, and the files are read one
after the other; Spark by itself reads the largest first.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.session_state_record import SavedView
from airflow_provider.runner.session_state.saved.files import SavedFiles
from airflow_provider.runner.session_state.saved.switched_off_types import with_all_types
from airflow_provider.runner.storage.spark_urls import readable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_FILES_IN_ORDER = 100
"""More files than that are read as Spark likes: their order would cost more to plan than it is worth."""

ORDER = "row"
"""The column that tells the order of rows, where the view sorts them."""

_ONE_FILE_A_PARTITION = ("parquet", "orc", "avro")


def read_view(spark: SparkSession, saved: SavedView) -> Any:
    """Return what was saved as a DataFrame with its own column names, its rows in the order in which they were."""
    return with_all_types(spark, lambda: _read(spark, saved))


def _read(spark: SparkSession, saved: SavedView) -> Any:
    frame = spark.read.format(saved.format).load(readable(saved.url))
    frame = frame.orderBy(ORDER).drop(ORDER) if saved.ordered else _file_by_file(spark, saved, frame)
    return frame.toDF(*saved.columns) if saved.columns else frame.select()


def _file_by_file(spark: SparkSession, saved: SavedView, frame: Any) -> Any:
    if saved.format not in _ONE_FILE_A_PARTITION or not 1 < saved.files <= MOST_FILES_IN_ORDER:
        return frame
    names = [str(path).rpartition("/")[2] for path in frame.inputFiles()]
    numbers = {name: re.match(r"part-(\d+)-[\w.-]*?(?:-c(\d+))?[.\w]*$", name) for name in names}
    order = {name: (int(found[1]), int(found[2] or 0)) for name, found in numbers.items() if found}
    if len(order) != saved.files or len(set(order.values())) != len(order):
        return frame  # files that are named otherwise
    reader = spark.read.format(saved.format).schema(frame.schema)
    return reduce(
        lambda before, one: before.union(one),
        (reader.load(readable(f"{saved.url}/{name}")) for name in sorted(order, key=order.__getitem__)),
    )


def find_damage(files: SavedFiles, saved: SavedView) -> str | None:
    """Return what is wrong with a saved view, None if it is as it was when it was recorded."""
    found = files.listing(saved.url)
    if found is None:
        return f"its saved view {saved.name!r} is gone from {saved.url}"
    if (found.files, found.bytes, found.digest) != (saved.files, saved.bytes, saved.digest):
        return (
            f"its saved view {saved.name!r} was changed: {saved.url} holds {found}, "
            f"it was {saved.files} files with {saved.bytes:,} bytes"
        )
    return None
