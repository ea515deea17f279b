"""Writes a view to a table of a catalog."""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider.components.destination.directory_swap import TargetDirectory, run_token
from airflow_provider.components.destination.table_layout import (
    CatalogTable,
    columns_in_order,
    find_table,
    lost_partitions,
    name_list,
    partition_overwrite_mode,
    unambiguous_name,
)
from airflow_provider.components.destination.unfinished_table import making_table
from airflow_provider.components.protection.write_target import WriteTarget
from airflow_provider.components.writing.replace_table import heal_table, replace_table
from airflow_provider.components.writing.write_job import WriteJob
from airflow_provider.runner.session_state.sources.destroys import Location, location
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)


def write_table(job: WriteJob) -> str | None:
    """Write to a table.

    :return: why nothing was written, None if it was
    :raises WriteRefusedError: the write would destroy what the run still needs
    """
    config, name = job.config, unambiguous_name(job.spark, str(job.config.table))
    heal_table(job.spark, name, run_token(job.context))
    table = find_table(job.spark, name)
    if table is not None and table.is_view and config.mode != "ignore":
        raise job.refused(
            "it is a view of the catalog, and its definition would be lost", "give the table another name"
        )
    if config.mode == "ignore" and table is not None:
        return "the target exists, and mode is 'ignore'"
    by_partitions = config.replaces_partitions(job.spark.conf)
    if config.mode == "insert_into":
        _insert(job, _existing(job, table))
    elif table is not None and by_partitions and (table.partitions or config.mode == "overwrite_partitions"):
        _replace_partitions(job, table)
    else:
        _save(job, name, table)
    return None


def _existing(job: WriteJob, table: CatalogTable | None) -> CatalogTable:
    if table is None:
        raise job.refused(
            "there is no such table, and mode 'insert_into' creates none", "create it first, or use mode 'append'"
        )
    return table


def _insert(job: WriteJob, table: CatalogTable) -> None:
    _refuse_other_partitions(job, table)
    _in_order(job, table).write.insertInto(table.full_name)


def _replace_partitions(job: WriteJob, table: CatalogTable) -> None:
    if not table.partitions:
        raise job.refused(
            "the table is not partitioned, so all of it would be replaced", "use mode 'overwrite' if that is intended"
        )
    _refuse_other_partitions(job, table)
    frame = _in_order(job, table)
    target = _target(job, table, is_part=True)
    job.protection().refuse_needed_views(target)
    with partition_overwrite_mode(job.spark, "dynamic"):
        frame.write.insertInto(table.full_name, overwrite=True)


def _in_order(job: WriteJob, table: CatalogTable) -> Any:
    try:
        return columns_in_order(job.spark, table, job.frame)
    except ValueError as error:
        raise job.refused(
            f"view {job.config.input_view!r} does not have the columns of the table: it {error}",
            "select the columns of the table first, or replace the table with mode 'overwrite' and replace_table: true",
        ) from None


def _refuse_other_partitions(job: WriteJob, table: CatalogTable) -> None:
    wanted = [column.lower() for column in job.config.partition_by]
    if wanted and wanted != [column.lower() for column in table.partitions]:
        has = f"is partitioned by {', '.join(table.partitions)}" if table.partitions else "is not partitioned"
        raise job.refused(
            f"the table {has}, not by {', '.join(job.config.partition_by)}", "remove partition_by, or correct it"
        )


def _save(job: WriteJob, name: str, table: CatalogTable | None) -> None:
    config = job.config
    mode = "overwrite" if config.mode == "overwrite_partitions" else config.mode
    if config.mode == "overwrite_partitions" and not config.partition_by:
        raise job.refused(
            "there is no such table yet, and without partition_by it would have no partitions", "set partition_by"
        )
    format_ = config.format
    if table is not None and table.provider and "format" not in config.model_fields_set:
        format_ = table.provider
    if mode == "overwrite":
        _refuse_losses(job, table)
        if table is not None and not table.is_transactional:
            why_not = replace_table(job, table, format_, run_token(job.context))
            if why_not is None:
                return
            logger.info("table %s is dropped before it is written: %s", name, why_not)
    is_external = config.value_of("path") is not None
    if is_external or mode not in ("overwrite", "append", "error", "errorifexists", "ignore"):
        job.writer(mode, format_).saveAsTable(name)
        return
    token, known = run_token(job.context), table is not None
    with making_table(job.spark, name, token, is_known=known, replaces=mode == "overwrite"):
        job.writer(mode, format_).saveAsTable(name)


def _refuse_losses(job: WriteJob, table: CatalogTable | None) -> None:
    config, protection = job.config, job.protection()
    places = _places(job, table)
    target = WriteTarget(config.target, places, table.full_name if table else None)
    if places:
        protection.refuse_vital_places(target)
    if table is None or not table.is_transactional:
        protection.refuse_own_input(target, config.input_view, job.frame)
        protection.refuse_needed_views(target)
    if table is None or not table.partitions or config.replace_table:
        return
    if lost := lost_partitions(job.spark, table, job.frame):
        raise job.refused(
            f"view {config.input_view!r} has no rows for some partitions of the table ({name_list(lost)}), which "
            f"would be dropped",
            "set mode: overwrite_partitions to replace only the partitions that are written, or replace_table: true",
        )


def _target(job: WriteJob, table: CatalogTable, *, is_part: bool) -> WriteTarget:
    return WriteTarget(job.config.target, _places(job, table), table.full_name, beside=True, is_part=is_part)


def _places(job: WriteJob, table: CatalogTable | None) -> tuple[Location, ...]:
    """Return where the files of the table are, and where they will be."""
    written = [table.location if table is not None else None, job.config.value_of("path")]
    found = [place for place in written if place]
    if spark_kind(job.spark) == "classic":
        return tuple(TargetDirectory(job.spark, place, run_token(None)).location for place in found)
    return tuple(map(location, found))
