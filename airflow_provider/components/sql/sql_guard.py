"""Guards a statement of `RunSql` with the same checks as `WriteData`, as far as the statement writes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from airflow_provider.components.destination.directory_swap import TargetDirectory, run_token
from airflow_provider.components.destination.table_layout import OVERWRITE_MODE, CatalogTable, find_table, name_list
from airflow_provider.components.destination.unfinished_table import making_table
from airflow_provider.components.protection.write_protection import WriteProtection
from airflow_provider.components.protection.write_target import WriteTarget
from airflow_provider.components.sql.sql_writes import EmptiedTable, SqlWrites, read_sql_writes
from airflow_provider.errors import describe
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.record.view_names import quote

logger = logging.getLogger(__name__)


@contextmanager
def guarded_statement(spark: Any, text: str, context: ComponentContext | None, base_dir: Path) -> Iterator[None]:
    """Context manager in which a statement runs: refuse it if it would destroy what the run still needs, and clean up a
    table that a kill left unfinished.

    :param context: the pipeline around the component
    :param base_dir: where relative paths of the config start
    :raises WriteRefusedError: it would destroy what the run still needs
    """
    statement = read_sql_writes(spark, text)
    protection = WriteProtection(spark, context, base_dir)
    warned: list[tuple[CatalogTable, set[str]]] = []
    for emptied in [*statement.emptied, *_tables_of(spark, statement.databases)]:
        table = _check_table(spark, protection, statement, emptied)
        if table is not None and not emptied.drops and not emptied.partition and _replaces_all(spark, table):
            warned.append((table, _warn_of_dropped_partitions(spark, table, context)))
    for directory in statement.directories:
        place = TargetDirectory(spark, directory, run_token(None))
        if place.exists():
            target = WriteTarget(f"path {directory!r}", (place.location,))
            protection.refuse_vital_places(target)
            _check_input(spark, protection, statement, target)
            protection.refuse_needed_views(target)
            protection.refuse_needed_places(target, lambda below, place=place: "=" not in below and place.holds(below))
    with ExitStack() as stack:
        for name in statement.makes:
            known = find_table(spark, name) is not None
            if not known:
                token = run_token(context)
                stack.enter_context(making_table(spark, name, token, is_known=False, replaces=True))
        yield
    for table, before in warned:
        if gone := sorted(before - _partitions(spark, table)):
            logger.warning("table %s: %d partitions were dropped: %s", table.full_name, len(gone), name_list(gone))


def _tables_of(spark: Any, databases: Iterable[str]) -> Iterator[EmptiedTable]:
    for database in databases:
        try:
            names = collected(spark.sql(f"SHOW TABLES IN {database}"))
        except Exception as error:  # noqa: BLE001 - if it is not there, Spark will say so
            logger.debug("cannot list the tables of %s: %s", database, describe(error))
            continue
        for row in names:
            if not row["isTemporary"]:
                yield EmptiedTable(f"{database}.{quote(row['tableName'])}", drops=True)


def _replaces_all(spark: Any, table: CatalogTable) -> bool:
    """Return whether an insert without a partition drops partitions that get no new rows; tables of Hive keep them."""
    dynamic = str(spark.conf.get(OVERWRITE_MODE, None) or "static").lower() == "dynamic"
    return bool(table.partitions) and not dynamic and table.provider != "hive"


def _warn_of_dropped_partitions(spark: Any, table: CatalogTable, context: ComponentContext | None) -> set[str]:
    found = _partitions(spark, table)
    if found:
        logger.warning(
            "component %r: INSERT OVERWRITE replaces all %d partitions of table %s (%s) and drops those for which "
            "the statement has no rows. To replace only the partitions that it writes, name them (PARTITION (%s = …)), "
            "or set %s to dynamic for the pipeline",
            context.component if context else "RunSql",
            len(found),
            table.full_name,
            name_list(sorted(found)),
            table.partitions[0],
            OVERWRITE_MODE,
        )
    return found


def _partitions(spark: Any, table: CatalogTable) -> set[str]:
    try:
        return {str(row[0]) for row in collected(spark.sql(f"SHOW PARTITIONS {table.full_name}"))}
    except Exception as error:  # noqa: BLE001 - the catalog keeps no list of partitions
        logger.debug("cannot list the partitions of %s: %s", table.full_name, describe(error))
        return set()


def _check_table(
    spark: Any, protection: WriteProtection, statement: SqlWrites, emptied: EmptiedTable
) -> CatalogTable | None:
    """Check one table; return it, or None if the statement empties none of its files."""
    table = find_table(spark, emptied.name)
    if table is None or table.is_view or table.is_transactional or not table.location:
        return None
    if emptied.drops and table.kind == "EXTERNAL":
        return None  # its files stay
    place = TargetDirectory(spark, _place(table, emptied), run_token(None)).location
    dynamic = str(spark.conf.get(OVERWRITE_MODE, None) or "static").lower() == "dynamic" and bool(table.partitions)
    is_part = bool(emptied.partition) or (dynamic and not emptied.drops)
    target = WriteTarget(
        f"table {emptied.name}",
        (place,),
        None if emptied.partition else table.full_name,
        beside=is_part and dynamic,
        is_part=is_part,
        keeps_entry=not emptied.drops,
    )
    if not emptied.drops:
        _check_input(spark, protection, statement, target)
    protection.refuse_needed_views(target)
    return table


def _check_input(spark: Any, protection: WriteProtection, statement: SqlWrites, target: WriteTarget) -> None:
    for name in statement.reads:
        try:
            frame = spark.table(name)
        except Exception as error:
            if "NOT_FOUND" in describe(error):  # a name that the statement defines itself
                continue
            raise
        protection.refuse_own_input(target, name.replace("`", ""), frame)


def _place(table: CatalogTable, emptied: EmptiedTable) -> str:
    values = {column.lower(): value for column, value in emptied.partition}
    place = str(table.location)
    for column in table.partitions:
        if column.lower() not in values:
            break
        place = f"{place}/{column}={values[column.lower()]}"
    return place
