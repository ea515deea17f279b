"""Lists sources as they are now: on local paths without Spark, elsewhere through the session."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SourceNotListedError, describe
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.probes.jvm_answers import unpack
from airflow_provider.runner.session_state.probes.jvm_helpers import load_jvm_helper
from airflow_provider.runner.session_state.sources.globs import name_pattern
from airflow_provider.runner.session_state.sources.listing import Budget, SourceFile, local_files, summarize
from airflow_provider.runner.session_state.sources.paths import normalized
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_ROOTS = 20

OpenSession = Callable[[], Any]
"""Returns the Spark session, which is opened if it is not open yet."""


def refresh_source(
    record: SourceRecord, spark: OpenSession | None = None, budget: Budget | None = None
) -> SourceRecord:
    """Return how a source is now.

    A source that was not listed before is not listed now: there is nothing to compare it with.

    :param record: how it was
    :param spark: the session, for what is not on local paths; None if there is none
    :param budget: how many files may be listed
    """
    if record.state != "seen":
        return record
    budget = budget or Budget()
    try:
        if record.version is not None:
            return _version_now(record, spark)
        if all(is_local(place) for place in (*record.roots, *record.globs)):
            files = local_files(record.roots, record.globs, record.only, budget, record.ignored)
        else:
            files = _files_through_spark(record, spark, budget)
    except SourceNotListedError as stop:
        return as_not_listed(record, str(stop), stop.more_than)
    except Exception as error:  # noqa: BLE001 - storage clients and catalogs raise anything
        return as_not_listed(record, f"it cannot be listed: {describe(error)}")
    return with_listing(record, files)


def driver_files(paths: Iterable[str]) -> list[SourceRecord]:
    """Return what Python code of the driver has read, one source for each directory.

    :param paths: files or directories
    """
    by_directory: dict[str, set[str]] = {}
    for path in map(os.path.abspath, paths):
        by_directory.setdefault(os.path.dirname(path), set()).add(path)
    found = []
    for directory, files in sorted(by_directory.items()):
        roots = sorted(files) if len(files) <= MOST_ROOTS else [directory]
        found.append(refresh_source(SourceRecord(kind="files", name=places_name(roots), roots=roots)))
    return found


def is_local(place: str) -> bool:
    """Return whether a path in one spelling can be looked at without Spark."""
    return place.startswith("/")


def with_listing(record: SourceRecord, files: Iterable[SourceFile]) -> SourceRecord:
    """Return a source with the files that it has."""
    sums = summarize(files)
    update = {"files": sums.files, "bytes": sums.bytes, "digest": sums.digest, "marks": sums.marks}
    return record.model_copy(update={**update, "state": "seen", "why": None, "more_than": None})


def as_not_listed(record: SourceRecord, why: str, more_than: int | None = None) -> SourceRecord:
    """Return a source whose files are not listed.

    :param why: the reason
    :param more_than: how many files it exceeds, if that is the reason
    """
    nothing = {"files": 0, "bytes": 0, "digest": "", "marks": ""}
    return record.model_copy(update={**nothing, "state": "not listed", "why": why, "more_than": more_than})


def places_name(places: Sequence[str]) -> str:
    """Return what people call a source of files."""
    return f"{places[0]} and {len(places) - 1} more" if len(places) > 1 else "".join(places)


def _version_now(record: SourceRecord, spark: OpenSession | None) -> SourceRecord:
    session = spark() if spark is not None else None
    if spark_kind(session) != "classic":
        return as_not_listed(record, "its version can only be read in a classic Spark session")
    names = re.findall(r"`(?:[^`]|``)+`|[^.`]+", record.name)
    quoted = ".".join(name if name.startswith("`") else quote(name) for name in names)
    version = load_jvm_helper(session, "SessionSources").version(quoted)
    return record.model_copy(update={"version": version})


def _files_through_spark(record: SourceRecord, spark: OpenSession | None, budget: Budget) -> list[SourceFile]:
    session = spark() if spark is not None else None
    if session is None:
        raise SourceNotListedError("looking there needs Spark")
    if spark_kind(session) != "classic":
        found = _files_through_connect(session, record, budget)
    else:
        millis = int(budget.seconds_left * 1000)
        look = load_jvm_helper(session, "SessionSources")
        where = json.dumps(record.roots), json.dumps(record.globs), record.ignored
        answer = unpack(look.files(*where, budget.files_left, millis))
        if "refused" in answer:
            raise SourceNotListedError(answer["refused"], answer.get("moreThan"))
        found = [SourceFile(normalized(path), size, modified) for path, size, modified in answer["files"]]
    budget.count(len(found))
    wanted = re.compile(name_pattern(record.only)) if record.only else None
    return [file for file in found if wanted is None or wanted.fullmatch(file.path.rpartition("/")[2])]


def _files_through_connect(spark: SparkSession, record: SourceRecord, budget: Budget) -> list[SourceFile]:
    from airflow_provider.runner.storage.spark_urls import readable

    places = [*map(readable, record.roots), *record.globs]
    options = {"ignoredPathSegmentRegex": record.ignored} if record.ignored is not None else {}
    rows = (
        spark.read.format("binaryFile")
        .options(recursiveFileLookup="true", **options)
        .load(places)
        .selectExpr("path", "length", "unix_millis(modificationTime) AS modified")
        .limit(budget.files_left + 1)
        .collect()
    )
    return [SourceFile(normalized(row["path"]), row["length"], row["modified"]) for row in rows]
