"""Warns of rows that a read can lose, or return twice, without an error from Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from airflow_provider.components.reading.corrupt_records import FORMATS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_OF_RECORDS = ("mode", "inferschema", "columnnameofcorruptrecord", "samplingratio")


def silent_losses(
    spark: SparkSession, paths: Sequence[str], format: str, options: Mapping[str, str], schema: StructType | None
) -> Iterator[str]:
    """Yield a warning for each way in which this read can lose rows or return them twice.

    :param options: the author's options
    :param schema: the author's schema, None without one
    """
    given = {key.lower(): value for key, value in options.items()}
    if given.get("mode", "").upper() == "DROPMALFORMED" and format.lower() in FORMATS:
        yield (
            "mode DROPMALFORMED: Spark drops what it cannot parse and does not count it, and a reader of fewer columns "
            "gets more rows; use corrupt_records_view or max_corrupt_records to account for them"
        )
    for name in ("ignoreCorruptFiles", "ignoreMissingFiles"):
        if given.get(name.lower(), spark.conf.get(f"spark.sql.files.{name}", "false")).lower() == "true":
            yield f"{name} is on: Spark silently skips files that it cannot read"
    places = [PurePosixPath(path.rstrip("/")) for path in paths]
    for index, place in enumerate(places):
        if any(place.is_relative_to(other) for other in [*places[:index], *places[index + 1 :]]):
            yield f"path {str(place)!r} is also inside another path of the list, so its rows are read twice"
    if schema is not None and format.lower() == "csv" and (header := _other_header(spark, paths, given, schema)):
        yield (
            f"the header of a file says {', '.join(header)}, but Spark takes columns by position, as "
            f"{', '.join(schema.names)}; set the option enforceSchema to false to compare the names, or to true if "
            f"this is intended"
        )


def _other_header(
    spark: SparkSession, paths: Sequence[str], options: Mapping[str, str], schema: StructType
) -> list[str] | None:
    """Return the names in the header of one of the files if they do not match the schema, None otherwise."""
    from pyspark.errors import PySparkException

    if not paths or options.get("header", "").lower() != "true" or "enforceschema" in options:
        return None
    kept = {key: value for key, value in options.items() if key not in _OF_RECORDS}
    try:
        header: list[str] = spark.read.format("csv").options(**kept).load(list(paths)).columns
    except PySparkException:
        return None  # there is no file to look at
    corrupt = options.get("columnnameofcorruptrecord", "_corrupt_record").casefold()
    wanted = [name.casefold() for name in schema.names if name.casefold() != corrupt]
    # The columns of the directories may follow those of the file.
    return None if [name.casefold() for name in header][: len(wanted)] == wanted else header
