"""How a table is laid out, which partitions a write would drop, and inserts that match columns by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.config.interrupted_call import clean_up, collected
from airflow_provider.runner.record.view_names import quote

OVERWRITE_MODE = "spark.sql.sources.partitionOverwriteMode"
TRANSACTIONAL = ("delta", "iceberg", "hudi")
_MOST_NAMED = 3
_TEMP_VIEWS = "session"
"""The database that a temp view is in, for a name of two parts."""


@dataclass(frozen=True)
class CatalogTable:
    """A table as the catalog describes it.

    :param full_name: catalog, database and name, in lower case and quoted
    :param kind: ``MANAGED``, ``EXTERNAL``, ``VIEW``, …
    :param provider: its format, in lower case; empty if the catalog does not say
    :param location: where its files are; None if the catalog does not say
    :param partitions: the columns that it is partitioned by
    :param buckets: whether it is bucketed
    """

    full_name: str
    kind: str = ""
    provider: str = ""
    location: str | None = None
    partitions: tuple[str, ...] = ()
    buckets: bool = False

    @property
    def is_view(self) -> bool:
        return "VIEW" in self.kind

    @property
    def is_transactional(self) -> bool:
        """Whether its format replaces data in one commit, so that readers keep what they read."""
        return self.provider in TRANSACTIONAL


def find_table(spark: Any, name: str) -> CatalogTable | None:
    """Return a table or view of a catalog, even if a temp view has the same name; None if it does not exist.

    :param name: its name, with or without catalog and database
    """
    parts = split_table_name(name)
    if len(parts) == 1:  # without a database Spark would find a temp view first
        parts = [spark.catalog.currentDatabase(), *parts]
    parts = split_table_name(unambiguous_name(spark, ".".join(map(quote, parts))))
    quoted = ".".join(map(quote, parts))
    try:
        if not spark.catalog.tableExists(quoted):
            return None
        rows = collected(spark.sql(f"DESCRIBE TABLE EXTENDED {quoted}"))
    except Exception as error:
        if "NOT_FOUND" in str(error):  # the catalog, the database or the table
            return None
        raise
    return _described(rows, parts, spark.catalog.currentCatalog())


def unambiguous_name(spark: Any, name: str) -> str:
    """Return the name of a table so that it means no temp view: since Spark 4.2 ``session.t`` is the temp view ``t``.

    :param name: its name, with or without catalog and database
    """
    parts = split_table_name(name)
    if len(parts) != 2 or parts[0].lower() != _TEMP_VIEWS:
        return name
    return ".".join(map(quote, [spark.catalog.currentCatalog(), *parts]))


def split_table_name(name: str) -> list[str]:
    """Return the parts of a name as SQL reads it."""
    found = re.findall(r"`((?:[^`]|``)+)`|([^.`\s]+)", name)
    return [quoted.replace("``", "`") or bare for quoted, bare in found]


def lost_partitions(spark: Any, table: CatalogTable, frame: Any) -> list[str]:
    """Return partitions that a table has and a DataFrame lacks, at most four; one text about all if a column is
    missing.

    :param frame: the new rows of the whole table
    """
    from pyspark.sql import functions as F

    known = {column.lower() for column in frame.columns}
    if missing := [column for column in table.partitions if column.lower() not in known]:
        return [f"all of them, because the view has no column {column!r}" for column in missing[:1]]
    columns = [F.col(quote(column)) for column in table.partitions]
    # Values as text, as in the names of the directories.
    old = spark.table(table.full_name).select(*(column.cast("string") for column in columns)).distinct()
    new = frame.select(*(column.cast("string") for column in columns)).distinct()
    return [
        "/".join(f"{column}={value}" for column, value in zip(table.partitions, row, strict=True))
        for row in collected(old.subtract(new).limit(_MOST_NAMED + 1))
    ]


def name_list(names: Sequence[str]) -> str:
    """Return the first names, and whether there are more."""
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and others" if len(names) > _MOST_NAMED else shown


def columns_in_order(spark: Any, table: CatalogTable, frame: Any) -> Any:
    """Return a DataFrame with the columns in the table's order, because Spark inserts by position.

    :raises ValueError: table and DataFrame do not have the same columns
    """
    from pyspark.sql import functions as F

    sensitive = str(spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"

    def plain(name: str) -> str:
        return name if sensitive else name.lower()

    wanted = spark.table(table.full_name).columns
    has = {plain(column): column for column in frame.columns}
    missing = [column for column in wanted if plain(column) not in has]
    more = [column for column in frame.columns if plain(column) not in set(map(plain, wanted))]
    if missing or more or len(has) != len(frame.columns):
        what = [f"lacks {', '.join(missing)}"] if missing else []
        what += [f"also has {', '.join(more)}"] if more else []
        raise ValueError(" and ".join(what) or "has a column twice")
    return frame.select(*(F.col(quote(has[plain(column)])) for column in wanted))


@contextmanager
def partition_overwrite_mode(spark: Any, how: str) -> Iterator[None]:
    """Within this context an overwriting insert replaces only partitions that it has rows for (``dynamic``), or all
    (``static``)."""
    before = spark.conf.get(OVERWRITE_MODE, None)
    spark.conf.set(OVERWRITE_MODE, how)
    try:
        yield
    finally:
        clean_up(lambda: spark.conf.unset(OVERWRITE_MODE) if before is None else spark.conf.set(OVERWRITE_MODE, before))


def _described(rows: Sequence[Any], parts: Sequence[str], catalog: str) -> CatalogTable:
    described: dict[str, str] = {}
    partitions: list[str] = []
    section = "columns"
    for row in rows:
        name, value = str(row[0]), str(row[1] or "")
        if name.startswith("# "):
            if name != "# col_name":
                section = name
        elif section in ("# Partition Information", "# Partitioning") and name:
            # Other catalogs say "Part 0 | days(at)".
            partitions.append(value if section == "# Partitioning" else name)
        elif section not in ("columns", "# Partition Information"):
            described.setdefault(name, value)
    full = [*([described.get("Catalog") or catalog] if len(parts) < 3 else []), *parts]
    return CatalogTable(
        full_name=".".join(quote(part.lower()) for part in full),
        kind=described.get("Type", "").upper(),
        provider=described.get("Provider", "").lower(),
        location=described.get("Location") or None,
        partitions=tuple(partitions),
        buckets=described.get("Num Buckets", "") not in ("", "-1"),
    )
