"""Cleans up tables that a killed attempt began to create.

Spark creates the directory of a table first and registers the table in the catalog at the end. A kill between the two
leaves a directory that blocks every later attempt. So before the write an empty file beside it, ``.<table>.writing-<run
and component>``, says who began it; the file goes when the write is done. A directory without such a file of this run
is never deleted.
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
    """Delete what this component of this run began of a table and did not finish, and mark that it begins now.

    :param spark: the session; through Spark Connect nothing can be cleaned up
    :param token: see :func:`~airflow_provider.components.destination.directory_swap.run_token`
    :param is_known: whether the catalog knows the table
    :param replaces: whether the write replaces everything in the table
    :return: the marker beside the table's directory; None if Spark does not say where the table will be
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
    """The marker file beside the directory of a table.

    :param spark: a classic session
    :param token: see :func:`~airflow_provider.components.destination.directory_swap.run_token`
    """

    def __init__(self, spark: Any, place: str, token: str) -> None:
        self.directory = TargetDirectory(spark, place, token)
        path = spark._jvm.org.apache.hadoop.fs.Path(place)
        self._system = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        self._place = path
        name = f".{path.getName()[:150]}.writing-{token}"
        self._path = spark._jvm.org.apache.hadoop.fs.Path(path.getParent(), name)

    def heal(self, *, replaces: bool) -> None:
        """Delete the directory if this run began it, unless it is finished and the write keeps its contents."""
        if not self._system.exists(self._path):
            return
        if self.directory.exists() and (replaces or not self.directory.holds("_SUCCESS")):
            self._system.delete(self._place, True)
            logger.warning(
                "%s: an earlier attempt of this run ended while writing the table; its files are deleted", self._place
            )

    def leave(self) -> None:
        """Mark that the table is being written. If the storage refuses, the write goes on without a marker."""
        try:
            self._system.create(self._path, True).close()
        except Exception as error:  # noqa: BLE001 - whatever the storage raises; Spark reports what matters to it
            logger.info("could not mark the table beside %s as unfinished: %s", self._place, describe(error))

    def give_up(self) -> None:
        """Delete the directory of the table, which was not finished, and the marker."""
        self.directory.remove()
        self.remove()

    def remove(self) -> None:
        """Remove the marker: the table has been written."""
        try:
            self._system.delete(self._path, False)
        except Exception as error:  # noqa: BLE001 - the table has been written
            logger.warning("cannot delete %s: %s", self._path, describe(error))


def _default_place(spark: Any, table: str) -> str | None:
    """Return where Spark puts a table without a location; None if that is unknown."""
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
    except Exception as error:  # noqa: BLE001 - an unknown database, which Spark reports in its own words
        logger.debug("cannot find out where Spark puts table %s: %s", table, describe(error))
        return None
