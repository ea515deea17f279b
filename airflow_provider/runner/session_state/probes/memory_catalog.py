"""Databases and tables of a catalog that is in memory only: their data stays, but Spark forgets them with the process.

That is the case for ``local[*]`` unless Hive support is switched on. They are recorded as the SQL that makes them known
again.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.record.session_state import CatalogObject
from airflow_provider.runner.session_state.probes.jvm import SessionJvm

logger = logging.getLogger(__name__)

_QUOTED = re.compile(r"`((?:[^`]|``)*)`")


class MemoryCatalog:
    """The session catalog of a classic session.

    :param spark: the session
    """

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._external = spark._jsparkSession.sessionState().catalog().externalCatalog()
        self._jvm = SessionJvm(spark)
        self._parts: dict[str, tuple[str, str | None]] = {}
        self.in_memory = spark.conf.get("spark.sql.catalogImplementation") == "in-memory"

    def objects(self) -> dict[str, str]:
        """Return name to a text that changes when the object does; empty if the catalog is not in memory."""
        found = self._jvm.tables() if self.in_memory else {}
        for name in found.keys() - self._parts.keys():
            database, *table = _QUOTED.findall(name)
            self._parts[name] = (_unquoted(database), _unquoted(table[0]) if table else None)
        return found

    def describe(self, names: list[str]) -> list[CatalogObject]:
        """Return what makes objects known again: databases first, then tables, then views in the order of creation.

        :param names: as :meth:`objects` named them
        """
        ordered = []
        for name in names:
            database, table = self._parts[name]
            if table is None:
                location = self._external.getDatabase(database).locationUri().toString()
                statement = f"CREATE DATABASE IF NOT EXISTS {name} LOCATION '{location}'"
                ordered.append((0, 0, CatalogObject(name=name, statements=[statement])))
                continue
            entry = self._external.getTable(database, table)
            is_view = entry.tableType().name() == "VIEW"
            described = self._view(name) if is_view else self._table(name, entry)
            ordered.append((2 if is_view else 1, entry.createTime(), described))
        return [item for _, _, item in sorted(ordered, key=lambda entry: entry[:2])]

    def restore(self, item: CatalogObject) -> None:
        """Make an object known again, unless it is known."""
        if item.name in self.objects():
            return
        for statement in item.statements:
            self._spark.sql(statement)
        if item.managed:
            self._manage(item.name)

    def _view(self, name: str) -> CatalogObject:
        return CatalogObject(name=name, statements=[self._create_statement(name)])

    def _table(self, name: str, entry: Any) -> CatalogObject:
        uri = entry.storage().locationUri()
        location = uri.get().toString() if uri.isDefined() else None
        statement = self._create_statement(name)
        if location and not re.search(r"^LOCATION ", statement, re.MULTILINE):
            statement += f"\nLOCATION '{location}'"
        statements = [statement]
        if location and not entry.partitionColumnNames().isEmpty():
            statements.append(f"ALTER TABLE {name} RECOVER PARTITIONS")
        managed = entry.tableType().name() == "MANAGED"
        return CatalogObject(name=name, statements=statements, location=location, managed=managed)

    def _create_statement(self, name: str) -> str:
        return str(self._spark.sql(f"SHOW CREATE TABLE {name}").first()[0])

    def _manage(self, name: str) -> None:
        """Make a table managed again: with a location it is created as an external one."""
        from py4j.protocol import Py4JError

        self.objects()
        database, table = self._parts[name]
        types = self._spark._jvm.org.apache.spark.sql.catalyst.catalog.CatalogTableType
        try:
            entry = self._external.getTable(database, table)
            fields = [entry.productElement(index) for index in range(entry.productArity())]
            fields[1] = types.MANAGED()
            self._external.alterTable(entry.copy(*fields))
        except Py4JError as error:
            logger.warning("table %s is known again, but as an external one: %s", name, describe(error))


def _unquoted(name: str) -> str:
    return name.replace("``", "`")
