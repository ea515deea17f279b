"""Hints for an author whose new table finds its directory occupied."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider.errors import describe

_TAKEN = re.compile(r"LOCATION_ALREADY_EXISTS\].*?table as (?P<table>\S+),.*?location '(?P<place>[^']+)'", re.DOTALL)
_IN_MEMORY = (
    "remedy: this catalog is in memory, so it forgets its tables when Spark ends, and their files stay. To let later "
    "runs find these tables, set spark.sql.catalogImplementation: hive in the pipeline's spark.conf or on the "
    "connection (enableHiveSupport), or write to a path. If the data there are no longer needed, delete {place}"
)
_KEPT = (
    "remedy: the catalog does not know {table}, but its location holds files, from a write that was killed or from "
    "another program. Look at them, delete {place} if they are no longer needed, and run again"
)


def taken_location(error: BaseException, spark: Any) -> list[str]:
    """Return why the directory of a new table may be taken and what to do; empty if that is not what happened.

    :param error: what a component raised
    :param spark: the session
    """
    found = _TAKEN.search(str(error))
    if found is None:
        return []
    try:
        in_memory = spark.conf.get("spark.sql.catalogImplementation", "in-memory") == "in-memory"
    except Exception as failed:  # noqa: BLE001 - the session may be what failed
        return [f"remedy: delete {found['place']} if its data are no longer needed ({describe(failed)})"]
    return [(_IN_MEMORY if in_memory else _KEPT).format(table=found["table"], place=found["place"])]
