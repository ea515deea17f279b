"""Heals tables that a killed attempt began to make.

Spark makes the directory of a table first and lets the catalog know of it at the end. If it is killed between, the
directory is in the way of every later attempt. So an empty file beside it, ``.<table>.writing-<run and component>``,
says before the write who began it, and goes when the write is done. What no such file of this run vouches for is never
deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider.components.destination.directory_swap import TargetDirectory
from airflow_provider.components.destination.table_layout import split_table_name
from airflow_provider.errors import describe
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)


@contextmanager
def making_table(
    spark: Any, table: str, token: str, *, is_known: bool, replaces: bool
) -> Iterator[UnfinishedTableMarker | None]:
    """Clear what this component of this run began of a table and did not finish; note that it begins now.

    :param spark: the session; nothing can be cleared through Spark Connect
    :param table: name of the table
    :param token: tells this component of this run from all others
    :param is_known: whether the catalog knows the table
    :param replaces: whether the write replaces all that the table held
    :return: its directory and the file beside it; None if Spark does not tell where it will be
    """
    place = _default_place(spark, table)
    if place is None:
        yield None
        return
    marker = UnfinishedTableMarker(spark, place, token)
    if not is_known:
        marker.heal(replaces=replaces)
    if is_known or not marker.directory.exists():
        marker.leave()
    yield marker
    marker.remove()


class UnfinishedTableMarker:
    """The file beside the directory of a table.

    :param spark: a classic session
    :param place: the directory
    :param token: tells this component of this run from all others
    """

    def __init__(self, spark: Any, place: str, token: str) -> None:
        self.directory = TargetDirectory(spark, place, token)
        path = spark._jvm.org.apache.hadoop.fs.Path(place)
        self._system = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        self._place = path
        name = f".{path.getName()[:150]}.writing-{token}"
        self._path = spark._jvm.org.apache.hadoop.fs.Path(path.getParent(), name)

    def heal(self, *, replaces: bool) -> None:
        """Delete the directory if this run began it, unless it was finished and what is in it is not replaced."""
        if not self._system.exists(self._path):
            return
        if self.directory.exists() and (replaces or not self.directory.holds("_SUCCESS")):
            self._system.delete(self._place, True)
            logger.warning("%s: an attempt of this run ended while it wrote the table; that is cleared", self._place)

    def leave(self) -> None:
        """Note that the table is being written. Where that is not possible the write goes on without."""
        try:
            self._system.create(self._path, True).close()
        except Exception as error:  # noqa: BLE001 - whatever the storage objects to, Spark will say so if it minds, too
            logger.info("no note of an unfinished table can be left beside %s: %s", self._place, describe(error))

    def remove(self) -> None:
        """Note that it has been written."""
        try:
            self._system.delete(self._path, False)
        except Exception as error:  # noqa: BLE001 - the table has been written
            logger.warning("cannot delete %s: %s", self._path, describe(error))


def _default_place(spark: Any, table: str) -> str | None:
    """Return where Spark puts a table that nobody gives a location; None if that cannot be told."""
    parts = split_table_name(table)
    if spark_kind(spark) != "classic" or len(parts) > 3:
        return None
    if len(parts) == 3 and parts[0] != "spark_catalog":
        return None
    if len(parts) < 3 and spark.catalog.currentCatalog() != "spark_catalog":
        return None
    database = parts[-2] if len(parts) > 1 else spark.catalog.currentDatabase()
    jvm = spark._jvm
    identifier = jvm.org.apache.spark.sql.catalyst.TableIdentifier(parts[-1].lower(), jvm.scala.Option.apply(database))
    try:
        return str(spark._jsparkSession.sessionState().catalog().defaultTablePath(identifier).toString())
    except Exception as error:  # noqa: BLE001 - a database that is not known, which Spark says in its own words
        logger.debug("the place of table %s cannot be told: %s", table, describe(error))
        return None
