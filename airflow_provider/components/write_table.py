"""Writes a view to a table of a catalog."""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider.components.directory import TargetDirectory, token_of
from airflow_provider.components.harm import Target
from airflow_provider.components.replace_table import heal_table, replace_table
from airflow_provider.components.table_layout import (
    Table,
    columns_in_order,
    find_table,
    in_words,
    lost_partitions,
    overwriting,
)
from airflow_provider.components.unfinished import table_being_made
from airflow_provider.components.write_path import WriteJob
from airflow_provider.runner.session_state.sources.destroys import Location, location
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)


def write_table(job: WriteJob) -> str | None:
    """Write to a table.

    :return: why nothing was written, None if it was
    :raises WriteRefusedError: that would take away what is still needed
    """
    config, name = job.config, str(job.config.table)
    heal_table(job.spark, name, token_of(job.context))
    table = find_table(job.spark, name)
    if table is not None and table.is_view and config.mode != "ignore":
        raise job.refused(
            "it is a view of the catalog, and its definition would be lost", "give the table another name"
        )
    if config.mode == "ignore" and table is not None:
        return "there is something already, and mode is 'ignore'"
    by_partitions = config.replaces_partitions(job.spark.conf)
    if config.mode == "insert_into":
        _insert(job, _existing(job, table))
    elif table is not None and by_partitions and (table.partitions or config.mode == "overwrite_partitions"):
        _replace_partitions(job, table)
    else:
        _save(job, name, table)
    return None


def _existing(job: WriteJob, table: Table | None) -> Table:
    if table is None:
        raise job.refused(
            "there is no such table, and mode 'insert_into' makes none", "create it first, or use mode 'append'"
        )
    return table


def _insert(job: WriteJob, table: Table) -> None:
    _refuse_other_partitions(job, table)
    _in_order(job, table).write.insertInto(table.full_name)


def _replace_partitions(job: WriteJob, table: Table) -> None:
    if not table.partitions:
        raise job.refused(
            "the table is not partitioned, so all of it would be replaced", "use mode 'overwrite' if that is meant"
        )
    _refuse_other_partitions(job, table)
    frame = _in_order(job, table)
    target = _target(job, table, is_part=True)
    job.harm().refuse_needed_views(target)
    with overwriting(job.spark, "dynamic"):
        frame.write.insertInto(table.full_name, overwrite=True)


def _in_order(job: WriteJob, table: Table) -> Any:
    try:
        return columns_in_order(job.spark, table, job.frame)
    except ValueError as error:
        raise job.refused(
            f"view {job.config.input_view!r} does not have the columns of the table: it {error}",
            "select the columns of the table first, or replace the table with mode 'overwrite' and replace_table: true",
        ) from None


def _refuse_other_partitions(job: WriteJob, table: Table) -> None:
    wanted = [column.lower() for column in job.config.partition_by]
    if wanted and wanted != [column.lower() for column in table.partitions]:
        has = f"is partitioned by {', '.join(table.partitions)}" if table.partitions else "is not partitioned"
        raise job.refused(
            f"the table {has}, not by {', '.join(job.config.partition_by)}", "leave partition_by out, or correct it"
        )


def _save(job: WriteJob, name: str, table: Table | None) -> None:
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
            why_not = replace_table(job, table, format_, token_of(job.context))
            if why_not is None:
                return
            logger.info("table %s is dropped before it is written: %s", name, why_not)
    is_external = config.value_of("path") is not None
    if is_external or mode not in ("overwrite", "append", "error", "errorifexists", "ignore"):
        job.writer(mode, format_).saveAsTable(name)
        return
    token, known = token_of(job.context), table is not None
    with table_being_made(job.spark, name, token, is_known=known, replaces=mode == "overwrite"):
        job.writer(mode, format_).saveAsTable(name)


def _refuse_losses(job: WriteJob, table: Table | None) -> None:
    config, harm = job.config, job.harm()
    places = _places(job, table)
    target = Target(config.target, places, table.full_name if table else None)
    if places:
        harm.refuse_dear_places(target)
    if table is None or not table.is_transactional:
        harm.refuse_own_input(target, config.input_view, job.frame)
        harm.refuse_needed_views(target)
    if table is None or not table.partitions or config.replace_table:
        return
    if lost := lost_partitions(job.spark, table, job.frame):
        raise job.refused(
            f"view {config.input_view!r} has no rows of partitions that the table has ({in_words(lost)}), and they "
            "would be dropped",
            "set mode: overwrite_partitions to replace only the partitions that are written, or replace_table: true",
        )


def _target(job: WriteJob, table: Table, *, is_part: bool) -> Target:
    return Target(job.config.target, _places(job, table), table.full_name, beside=True, is_part=is_part)


def _places(job: WriteJob, table: Table | None) -> tuple[Location, ...]:
    """Return where the files of the table are, and where they will be."""
    written = [table.location if table is not None else None, job.config.value_of("path")]
    found = [place for place in written if place]
    if spark_kind(job.spark) == "classic":
        return tuple(TargetDirectory(job.spark, place, token_of(None)).location for place in found)
    return tuple(map(location, found))
