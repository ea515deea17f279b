"""Replace all rows of a table of plain files without dropping it before the new rows are complete.

If the view has the columns, the partitions and the options of the table, its definition stays and only its directory
is exchanged, as in :mod:`~airflow_provider.components.destination.directory_swap`. Otherwise the component writes a
table ``<table>__replacing_<run>``. When that is complete, the old table becomes ``<table>__replaced_<run>``, the new
one takes its name, and the old one is dropped. If a kill falls between those two renames, the next write to the table
gives the old one its name back.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from airflow_provider.components.destination.directory_swap import TargetDirectory
from airflow_provider.components.destination.table_layout import CatalogTable, find_table, split_table_name
from airflow_provider.components.destination.unfinished_table import making_table
from airflow_provider.components.writing.table_definition import TableDefinition
from airflow_provider.components.writing.write_config import FILE_FORMATS
from airflow_provider.components.writing.write_job import WriteJob
from airflow_provider.errors import describe
from airflow_provider.runner.config.interrupted_call import clean_up, collected
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)

WITH_FILES = (*FILE_FORMATS, "hive")
_LONGEST_NAME = 128  # of a table, in the metastore of Hive
_ASIDE = re.compile(r"__replaced_[0-9a-f]{16}")


def replace_table(job: WriteJob, table: CatalogTable, format_: str, token: str) -> str | None:
    """Replace all rows of a table; or return why only Spark's own way is left, which drops the table first.

    :param job: what to write
    :param format_: the format that the table should have
    :param token: see :func:`~airflow_provider.components.destination.directory_swap.run_token`
    :return: None if the rows are replaced
    """
    if (why_not := _why_not(job, table)) is not None:
        return why_not
    directory = TargetDirectory(job.spark, str(table.location), token)
    definition = TableDefinition(job.spark, table)
    place = directory.why_not_exchanged()
    if place is None and (stray := definition.stray_partition(str(table.location))):
        place = f"its partition {stray} lies elsewhere"
    if place is not None:
        _warn_of_lost(job, table, definition)
        return place
    if _fits(job, table, definition, format_):
        _exchange(job, table, definition, directory)
        return None
    if job.config.value_of("path") is not None:
        return "its definition changes, and its option 'path' fixes its location"
    _warn_of_lost(job, table, definition)
    return _make_anew(job, table, format_, token)


def heal_table(spark: Any, name: str, token: str) -> None:
    """Repair what an attempt left that ended while it replaced a table.

    :param token: see :func:`~airflow_provider.components.destination.directory_swap.run_token`
    """
    if spark_kind(spark) != "classic":
        return
    parts = split_table_name(name)
    if len(parts) > 3 or (parts[0].lower() if len(parts) == 3 else spark.catalog.currentCatalog()) != "spark_catalog":
        return
    database = parts[-2] if len(parts) > 1 else spark.catalog.currentDatabase()
    base = parts[-1].lower()
    try:
        names = collected(spark.sql(f"SHOW TABLES IN spark_catalog.{quote(database)} LIKE '{_pattern(base)}__replac*'"))
    except Exception as error:  # noqa: BLE001 - a database that is not there; the write will say so
        logger.debug("cannot find out what an earlier attempt left of table %s: %s", name, describe(error))
        return
    aside = [str(row["tableName"]) for row in names if _ASIDE.fullmatch(str(row["tableName"]).lower()[len(base) :])]
    table = find_table(spark, name)
    if table is None and aside:
        _rename(spark, _named(database, aside.pop()), _named(database, base))
        _follow(spark, _named(database, base))
        logger.warning("table %s: an earlier attempt ended while replacing it; the previous table is restored", name)
    elif table is not None and table.location and table.provider in FILE_FORMATS:
        TargetDirectory(spark, table.location, token).heal()
    found = {str(row["tableName"]).lower() for row in names}
    for own in (f"{base}__replaced_{token}", f"{base}__replacing_{token}"):
        if own in found and find_table(spark, name) is not None:
            spark.sql(f"DROP TABLE IF EXISTS {_named(database, own)}")


def _why_not(job: WriteJob, table: CatalogTable) -> str | None:
    if job.config.replace == "in_place":
        return "replace is 'in_place'"
    if spark_kind(job.spark) != "classic":
        return "Spark Connect cannot rename directories"
    parts = split_table_name(table.full_name)
    if len(parts) != 3 or parts[0] != "spark_catalog" or table.provider not in WITH_FILES or not table.location:
        return f"it is not a table of plain files in Spark's own catalog ({table.provider or 'format unknown'})"
    if len(parts[-1]) + len("__replacing_") + 16 > _LONGEST_NAME:
        return "its name is too long for a temporary name beside it"
    return None


def _warn_of_lost(job: WriteJob, table: CatalogTable, definition: TableDefinition) -> None:
    lost = definition.lost_with_it()
    if table.partitions and not job.config.partition_by:
        lost.insert(0, f"its partitions (by {', '.join(table.partitions)})")
    if lost:
        logger.warning(
            "component %r: %s is created again without %s. Its definition is kept if the view and the config have "
            "the columns, partitions, format and options of the table, and the table has no buckets",
            job.component,
            job.config.target,
            ", ".join(lost),
        )


def _fits(job: WriteJob, table: CatalogTable, definition: TableDefinition, format_: str) -> bool:
    """Return whether Spark would create exactly the table that exists."""
    config = job.config
    by = [column.lower() for column in config.partition_by]
    if (
        table.provider == "hive"
        or format_.lower() != table.provider
        or table.buckets
        or by != [column.lower() for column in table.partitions]
    ):
        return False
    options = {key.lower(): value for key, value in definition.options.items()}
    for key, value in config.options.items():
        if key.lower() not in ("partitionoverwritemode", "path") and options.get(key.lower()) != value:
            return False
    if (path := config.value_of("path")) is not None:
        there = TargetDirectory(job.spark, path, "").location
        if there != TargetDirectory(job.spark, str(table.location), "").location:
            return False
    written = [(field.name, field.dataType.simpleString()) for field in job.frame.schema.fields]
    data = [column for column in written if column[0].lower() not in by]
    named = {name.lower(): (name, type_) for name, type_ in written}
    wanted = [*data, *(named[column] for column in by if column in named)]
    return len(wanted) == len(written) and wanted == definition.columns


def _exchange(job: WriteJob, table: CatalogTable, definition: TableDefinition, directory: TargetDirectory) -> None:
    new = directory.begin()
    try:
        writer = job.frame.write.format(table.provider).mode("error").options(**definition.options)
        (writer.partitionBy(*table.partitions) if table.partitions else writer).save(new)
        directory.exchange(new)
    except BaseException:
        directory.give_up(new)
        raise
    _list_anew(job.spark, table, definition)


def _list_anew(spark: Any, table: CatalogTable, definition: TableDefinition) -> None:
    if definition.has_listed_partitions:
        spark.sql(f"MSCK REPAIR TABLE {table.full_name} SYNC PARTITIONS")
    definition.forget_statistics()
    spark.catalog.refreshByPath(str(table.location))
    spark.catalog.refreshTable(table.full_name)


def _make_anew(job: WriteJob, table: CatalogTable, format_: str, token: str) -> str | None:
    spark = job.spark
    _, database, name = split_table_name(table.full_name)
    new, old = (_named(database, f"{name}__{kind}_{token}") for kind in ("replacing", "replaced"))
    spark.sql(f"DROP TABLE IF EXISTS {new}")
    made = False
    try:
        with making_table(spark, new, token, is_known=False, replaces=True) as place:
            try:
                job.writer("error", format_).saveAsTable(new)
                made = True
            finally:
                if not made and place is not None:
                    clean_up(place.give_up)
        try:
            _rename(spark, table.full_name, old)
        except Exception as error:  # noqa: BLE001 - the catalog cannot rename; then only Spark's own way is left
            return f"its catalog cannot rename it: {describe(error)}"
        try:
            _follow(spark, old)  # otherwise dropping the old table would delete the partitions of the new one
            _rename(spark, new, table.full_name)
        except BaseException:
            clean_up(lambda: _put_back(spark, old, table.full_name))
            raise
    finally:
        if made:
            clean_up(lambda: _drop(spark, new))
    replaced = find_table(spark, table.full_name)
    if replaced is not None:
        _list_anew(spark, replaced, TableDefinition(spark, replaced))
    spark.sql(f"DROP TABLE IF EXISTS {old}")
    return None


def _put_back(spark: Any, old: str, name: str) -> None:
    _rename(spark, old, name)
    _follow(spark, name)


def _drop(spark: Any, table: str) -> None:
    if find_table(spark, table) is not None:
        spark.sql(f"DROP TABLE IF EXISTS {table}")


def _rename(spark: Any, old: str, new: str) -> None:
    # Spark accepts a new name only without a catalog.
    spark.sql(f"ALTER TABLE {old} RENAME TO {new.removeprefix('spark_catalog.').removeprefix('`spark_catalog`.')}")


def _follow(spark: Any, name: str) -> None:
    """Register the partitions that lie in the directory: Spark's in-memory catalog forgets that they moved with the
    table."""
    table = find_table(spark, name)
    if table is not None and table.partitions and TableDefinition(spark, table).stray_partition(str(table.location)):
        spark.sql(f"MSCK REPAIR TABLE {table.full_name} SYNC PARTITIONS")


def _named(database: str, name: str) -> str:
    return f"spark_catalog.{quote(database)}.{quote(name)}"


def _pattern(name: str) -> str:
    return re.sub(r"[^\w]", "*", name)
