"""Databases and tables of a catalog that is in memory only: their data stays, but Spark forgets them with the process.

That is the case for ``local[*]`` unless Hive support is switched on. They are recorded as data and made known again
through the catalog itself. A view of such a catalog is a text that Spark would have to run, so its component is
replayed, or the view is lost, like everything that cannot be recorded as data. Only a component that reads it fails.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from airflow_provider.errors import NotRestoredError
from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.probes.session_look import CatalogDescription
from airflow_provider.runner.session_state.trusted.describable import reject_incomplete, without_unneeded
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_tables import reject_catalog_object

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_QUOTED = re.compile(r"`((?:[^`]|``)*)`")


class MemoryCatalog:
    """The session catalog of a classic session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._jvm = SessionJvm(spark)
        self.in_memory = spark.conf.get("spark.sql.catalogImplementation") == "in-memory"

    def describe(self, names: list[str]) -> CatalogDescription:
        """Return what makes objects known again: databases first, then tables.

        :param names: quoted, as a snapshot has them
        """
        found: list[CatalogObject] = []
        chosen: list[CatalogObject] = []
        lost: dict[str, str] = {}
        left_out: dict[str, list[str]] = {}
        for name in sorted(names, key=lambda name: len(_QUOTED.findall(name))):
            database, *table = (part.replace("``", "`") for part in _QUOTED.findall(name))
            text = self._jvm.catalog.table(database, table[0]) if table else self._jvm.catalog.database(database)
            if text is None:
                lost[name] = f"created view {name}, whose SQL text is not restored from a record"
                continue
            item, unneeded = without_unneeded(CatalogObject.model_validate_json(text))
            undescribed = json.loads(text).get("undescribed", [])
            why = reject_catalog_object(item)
            if more := reject_incomplete(undescribed):
                why = f"{'table' if table else 'database'} {name} {more}, so it is not restored from a record"
            if why is not None:
                lost[name] = why
                continue
            found.append(item)
            if unneeded := [*unneeded, *(f"its {field}" for field in undescribed)]:
                left_out[name] = unneeded
            if not self._is_where_spark_puts_it(item):
                chosen.append(item)
        return CatalogDescription(found, chosen, lost, left_out)

    def restore(self, item: CatalogObject, *, vouched: bool) -> None:
        """Make an object known again, unless it is known.

        :param item: its description
        :param vouched: whether it is known to be true; otherwise it must lie where Spark would put it
        :raises NotRestoredError: it lies elsewhere, or its data is gone
        """
        table = item.table.name if item.table is not None else None
        if not self.in_memory or self._jvm.catalog.isKnown(item.database, table):
            return
        if not vouched and not self._is_where_spark_puts_it(item):
            raise NotRestoredError(
                f"{item.name} is not where Spark would put it, and nothing confirms {shown(item.location)}"
            )
        if item.table is not None and not self._jvm.catalog.exists(item.location):
            raise NotRestoredError(f"table {item.name} is missing from {shown(item.location)}")
        self._jvm.catalog.create(json.dumps(item.model_dump()))
        if item.table is not None and item.table.has_partitions and item.table.partition_columns:
            self._spark.catalog.recoverPartitions(item.name)

    def _is_where_spark_puts_it(self, item: CatalogObject) -> bool:
        if item.table is None:
            return bool(self._jvm.catalog.place(item.database, None) == item.location)
        if not self._jvm.catalog.isKnown(item.database, None):
            raise NotRestoredError(f"the database of table {item.name} does not exist")
        return item.table.managed and self._jvm.catalog.place(item.database, item.table.name) == item.location
