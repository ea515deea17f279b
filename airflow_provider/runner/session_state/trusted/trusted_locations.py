"""Where a record may lead: into its own run's directory, and nowhere else.

The directory follows from today's config and the run key. What the record says of it is not asked: with another
``session_state_url`` than before, what was saved counts as lost and its component runs again, for that reason.
"""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider.runner.session_state.saved.catalog_manifest import MANIFEST
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.storage.spark_urls import local_path, writable

FILE_FORMATS = frozenset({"parquet", "orc", "avro", "json", "csv", "text", "xml", "delta"})
"""Data sources that hold nothing but the files below one directory, by the short names that Spark gives them."""

_OWN = re.compile(rf"attempt-[0-9a-f]{{12}}/[0-9]{{4,9}}-[0-9a-f]{{8}}/([0-9]{{1,9}}|{MANIFEST})")


def reject_location(run: str | None, url: str) -> str | None:
    """Return why this run cannot have written a directory, None if it can.

    :param run: directory of this run, from today's config; None if there is none
    :param url: the directory that the record names
    """
    if run is None:
        return f"{shown(url)!r} cannot be in this run's directory, because session_state_url is not set today"
    base = writable(run.rstrip("/")) + "/"
    found = writable(url)
    if "\0" in url or not found.startswith(base) or not _OWN.fullmatch(found[len(base) :]):
        return f"{shown(url)!r} is not in this run's directory {run!r}"
    path, root = local_path(url), local_path(run)
    if path is None or root is None:
        return None
    try:
        if not path.resolve().is_relative_to(root.resolve()) or any(map(Path.is_symlink, path.rglob("*"))):
            return f"{shown(url)!r} leads out of this run's directory through a link"
    except (OSError, RuntimeError, ValueError) as error:  # a link in a circle among them
        return f"{shown(url)!r} cannot be looked at: {type(error).__name__}"
    return None


def reject_format(name: str, configured: str) -> str | None:
    """Return why a data source must not read what was saved, None if it may.

    :param name: what the record says
    :param configured: ``session_state_format`` of today's config
    """
    if name == configured or name.lower() in FILE_FORMATS:
        return None
    return f"format {shown(name)!r} is neither a file format nor the session_state_format {configured!r}"
