"""Saves temp views to storage and brings them back.

A saved view is written with columns named ``c0``, ``c1``, … and its own names stand in the record, so a name may hold
any character and may stand twice. A result without columns is written as one constant column, which keeps its rows.

Rows come back in the order in which they were written. Where the view sorts its rows, a further column tells their
order, and what is read is sorted by it. Otherwise each file is what one partition held, and the files are read one
after the other; Spark by itself reads the largest first.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

from airflow_provider.errors import ViewNotSavedError
from airflow_provider.runner.record.session_state_record import SavedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.saved.files import SavedFiles
from airflow_provider.runner.session_state.saved.session_calls import register_view
from airflow_provider.runner.storage.spark_urls import readable, writable

MOST_FILES_IN_ORDER = 100
"""More files than that are read as Spark likes: their order would cost more to plan than it is worth."""

_ORDER = "row"
_ONE_FILE_A_PARTITION = ("parquet", "orc", "avro")


def save_view(
    spark: Any, files: SavedFiles, view: ViewName, frame: Any, url: str, format_name: str, *, ordered: bool = False
) -> SavedView:
    """Write the rows of a view. The view itself stays as it is.

    :param files: storage of ``url``
    :param frame: its rows
    :param url: a directory that does not exist yet
    :param format_name: Spark data source to write with
    :param ordered: whether its rows have an order of their own
    :raises ViewNotSavedError: it is a stream
    :raises Exception: what Spark raises when it cannot compute the view or the format cannot hold it
    """
    from pyspark.sql import functions as F

    if frame.isStreaming:
        raise ViewNotSavedError("it is a stream")
    columns = list(frame.columns)
    if columns:
        plain = frame.toDF(*(f"c{index}" for index in range(len(columns))))
    else:
        plain = frame.select(F.lit(1).alias("c0"))
    if ordered:
        plain = plain.withColumn(_ORDER, F.monotonically_increasing_id())
    plain.write.format(format_name).save(writable(url))  # fails if there is something already
    listing = files.listing(url)
    if listing is None:
        raise ViewNotSavedError(f"{url} is empty after it was written")
    saved = SavedView(
        name=view.name,
        is_global=view.is_global,
        url=url,
        format=format_name,
        columns=columns,
        files=listing.files,
        bytes=listing.bytes,
        digest=listing.digest,
        ordered=ordered,
    )
    written = read_view(spark, saved)
    changed = [
        f"{mine.name!r} {mine.dataType.simpleString()} as {theirs.dataType.simpleString()}"
        for mine, theirs in zip(frame.schema, written.schema, strict=True)
        if _shape(mine.dataType) != _shape(theirs.dataType)
    ]
    if changed:
        raise ViewNotSavedError(f"format {format_name} reads back {', '.join(changed)}")
    return saved


def read_view(spark: Any, saved: SavedView) -> Any:
    """Return what was saved as a DataFrame with its own column names, its rows in the order in which they were."""
    frame = spark.read.format(saved.format).load(readable(saved.url))
    frame = frame.orderBy(_ORDER).drop(_ORDER) if saved.ordered else _file_by_file(spark, saved, frame)
    return frame.toDF(*saved.columns) if saved.columns else frame.select()


def _file_by_file(spark: Any, saved: SavedView, frame: Any) -> Any:
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


def restore_view(spark: Any, saved: SavedView) -> None:
    """Make a saved view known in a session."""
    register_view(read_view(spark, saved), saved.view)


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


def _shape(data_type: Any) -> str:
    # The only booleans in a type's JSON say whether nulls are allowed, which no file format keeps.
    return str(data_type.json()).replace("false", "true")
