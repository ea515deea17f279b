"""Files that a component gave Spark: each application copies them into a folder of its own, which is gone with it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider.errors import describe
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.paths import normalized

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_IN_AN_APPLICATION = re.compile(r"/userFiles-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/+(?P<name>[^/]+)|/*$)")


def is_added_copy(path: str) -> bool:
    """Return whether a path is, or lies in, the folder that ``SparkFiles`` has in one application."""
    return _IN_AN_APPLICATION.search(path) is not None


def is_of_added_copies(source: SourceRecord) -> bool:
    """Return whether a source is nothing but such copies."""
    places = [*source.roots, *source.globs]
    return bool(places) and all(map(is_added_copy, places))


def added_files(copies: Iterable[str], spark: SparkSession) -> list[str]:
    """Return what was given to Spark on this host and has such copies: files, folders and archives.

    The next attempt has another folder, so a copy would be a source that is gone. What has only an address of Spark's
    own is left out.

    :param copies: paths for which :func:`is_added_copy` holds; the whole folder stands for all that is in it
    """
    names = {found["name"] for path in copies if (found := _IN_AN_APPLICATION.search(path))}
    if not names:
        return []
    try:
        context = spark.sparkContext
        given = dict(map(_given, [*context.listFiles, *context.listArchives]))
    except Exception as error:  # noqa: BLE001 - this only tells more of a source
        logger.debug("cannot ask which files were added: %s", describe(error))
        return []
    return [path for name, path in given.items() if path.startswith("/") and (name in names or None in names)]


def _given(address: str) -> tuple[str, str]:
    """Return the name that something given to Spark has in the application's folder, and its path or address."""
    place, _, alias = address.partition("#")
    path = unquote(normalized(place))
    return alias or os.path.basename(path), path
