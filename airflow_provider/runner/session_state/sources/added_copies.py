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

_OF_AN_APPLICATION = re.compile(r"/userFiles-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)")


def is_added_copy(path: str) -> bool:
    """Return whether a path is, or lies in, the folder that ``SparkFiles`` has in one application."""
    return _OF_AN_APPLICATION.search(path) is not None


def is_of_added_copies(source: SourceRecord) -> bool:
    """Return whether a source is nothing but such copies."""
    places = [*source.roots, *source.globs]
    return bool(places) and all(map(is_added_copy, places))


def added_files(copies: Iterable[str], spark: SparkSession) -> list[str]:
    """Return the files of this host of which some paths are copies. The rest is known to Spark only by its own address.

    The next attempt has another folder, so a copy would be a source that is gone.
    """
    names = {os.path.basename(path) for path in copies}
    if not names:
        return []
    try:
        addresses = spark.sparkContext.listFiles
    except Exception as error:  # noqa: BLE001 - this only tells more of a source
        logger.debug("cannot ask which files were added: %s", describe(error))
        return []
    paths = (unquote(normalized(address)) for address in addresses)
    return [path for path in paths if path.startswith("/") and os.path.basename(path) in names]
