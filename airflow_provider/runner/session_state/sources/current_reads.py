"""What DataFrames and temp views read at this moment: places, without a look at their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider.runner.session_state.probes.jvm_helpers import load_jvm_helper
from airflow_provider.runner.session_state.sources.destroys import Location, location
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class ReadPlace:
    """One thing that is read.

    :param roots: directories or files
    :param table: its name, quoted; None if it is read by its path
    :param live: whether it finds out anew at each read which files there are
    :param files: number of the list of files that it shares with others in this session, 0 if it has none
    :param database: address and table, or query, of a database that is read through JDBC
    """

    roots: tuple[Location, ...] = ()
    table: str | None = None
    live: bool = False
    files: int = 0
    database: tuple[str, str] | None = None


def read_by(spark: SparkSession, frame: Any) -> list[ReadPlace]:
    """Return what a DataFrame reads.

    :param spark: the session; one of Spark Connect only tells files
    """
    if spark_kind(spark) != "classic":
        return [ReadPlace(tuple(location(unquote(file)) for file in frame.inputFiles()))]
    return [_place(described) for described in json.loads(load_jvm_helper(spark, "SessionSources").readBy(frame._jdf))]


def read_by_stored_views(spark: SparkSession) -> dict[str, list[ReadPlace]]:
    """Return what the temp views read that go on showing what was there when they were made, by name.

    A view made by SQL text is bound anew at each read, so it is left out. Not for Spark Connect.
    """
    described: Mapping[str, Any] = json.loads(load_jvm_helper(spark, "SessionSources").readByStoredViews())
    return {name: [_place(place) for place in places] for name, places in described.items()}


def _place(described: Mapping[str, Any]) -> ReadPlace:
    return ReadPlace(
        roots=tuple(location(root, resolve_links=True) for root in described.get("roots") or ()),
        table=described.get("name") if described["kind"] == "table" or described.get("live") else None,
        live=bool(described.get("live")),
        files=int(described.get("index") or 0),
        database=(described["url"], described["table"]) if "url" in described else None,
    )
