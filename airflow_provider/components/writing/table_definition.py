"""How Spark's own catalog defines a table: columns, options, partitions, statistics."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider.components.destination.table_layout import CatalogTable, split_table_name

_OWN_PROPERTIES = ("spark.sql.", "transient_lastddltime", "numfiles", "totalsize", "numrows", "rawdatasize")


class TableDefinition:
    """How Spark's own catalog defines a table.

    :param spark: a classic session
    :param table: a table of that catalog
    """

    def __init__(self, spark: Any, table: CatalogTable) -> None:
        database, name = split_table_name(table.full_name)[1:]
        self._spark = spark
        self._catalog = spark._jsparkSession.sessionState().catalog()
        option = spark._jvm.scala.Option
        self._identifier = spark._jvm.org.apache.spark.sql.catalyst.TableIdentifier(name, option.apply(database))
        self._metadata = self._catalog.getTableMetadata(self._identifier)
        self.has_listed_partitions = bool(table.partitions) and bool(self._metadata.tracksPartitionsInCatalog())

    @property
    def options(self) -> dict[str, str]:
        """The options of its files, such as ``header``."""
        return {key: value for key, value in _mapping(self._metadata.storage().properties()).items() if key != "path"}

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Names and types as the catalog has them: ``varchar(3)`` is not ``string``."""
        util = self._spark._jvm.org.apache.spark.sql.catalyst.util.CharVarcharUtils
        fields = util.getRawSchema(self._metadata.schema()).fields()
        return [(str(field.name()), str(field.dataType().catalogString())) for field in fields]

    def stray_partition(self, place: str) -> str | None:
        """Return the location of a partition outside the directory of the table, None if there is none."""
        if not self.has_listed_partitions:
            return None
        found = self._catalog.listPartitions(self._identifier, self._spark._jvm.scala.Option.empty())
        inside = f"{_without_scheme(place)}/"
        for index in range(found.size()):
            partition = str(found.apply(index).location().getPath())
            if not partition.startswith(inside):
                return partition
        return None

    def lost_with_it(self) -> list[str]:
        """Return what a newly created table would not have, in words."""
        properties = [
            key for key in _mapping(self._metadata.properties()) if not key.lower().startswith(_OWN_PROPERTIES)
        ]
        lost = ["its comment"] if self._metadata.comment().isDefined() else []
        lost += [f"its properties ({', '.join(sorted(properties))})"] if properties else []
        return lost + (["its buckets"] if self._metadata.bucketSpec().isDefined() else [])

    def forget_statistics(self) -> None:
        """Drop the statistics, because those of deleted rows mislead the optimizer."""
        if self._metadata.stats().isDefined():
            self._catalog.alterTableStats(self._identifier, self._spark._jvm.scala.Option.empty())


def _without_scheme(place: str) -> str:
    return "/" + re.sub(r"^[\w.+-]+:(//[^/]*)?", "", place).strip("/")


def _mapping(properties: Any) -> dict[str, str]:
    found = {}
    entries = properties.iterator()
    while entries.hasNext():
        entry = entries.next()
        found[str(entry._1())] = str(entry._2())
    return found
