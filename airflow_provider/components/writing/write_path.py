"""Writes a view to a directory, or to a format that needs neither path nor table."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable

from airflow_provider.components.destination.directory_swap import TargetDirectory, run_token
from airflow_provider.components.destination.table_layout import TRANSACTIONAL, name_list
from airflow_provider.components.destination.unfinished_table import UnfinishedTableMarker
from airflow_provider.components.protection.write_target import WriteTarget
from airflow_provider.components.writing.write_config import FILE_FORMATS, WriteConfig
from airflow_provider.components.writing.write_job import WriteJob
from airflow_provider.errors import describe
from airflow_provider.runner.session_state.sources.destroys import location
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)


def write_without_place(job: WriteJob) -> None:
    """Write to what the options name, such as a table of a database."""
    config = job.config
    if config.mode == "overwrite":
        database = (config.value_of("url") or "", config.value_of("dbtable") or config.value_of("table") or "")
        target = WriteTarget(config.target, database=database if all(database) else None)
        job.protection().refuse_own_input(target, config.input_view, job.frame)
    job.writer(config.mode).save()


def write_path(job: WriteJob) -> str | None:
    """Write to a directory.

    :return: why nothing was written, None if it was
    :raises WriteRefusedError: the write would destroy what the run still needs, or hide rows
    """
    config, path = job.config, str(job.config.path)
    # For other formats a path may be anything, such as the name of a collection.
    has_files = spark_kind(job.spark) == "classic" and config.format.lower() in (*FILE_FORMATS, *TRANSACTIONAL)
    directory = TargetDirectory(job.spark, path, run_token(job.context)) if has_files else None
    if directory is not None:
        directory.heal()
    marker = _marker(job, directory, path)
    if marker is not None:
        marker.heal(replaces=False)
    exists = directory.exists() if directory is not None else None
    by_partitions = config.replaces_partitions(job.spark.conf) and bool(config.partition_by)
    if exists and directory is not None and config.format.lower() in FILE_FORMATS:
        if config.mode != "ignore" and (table := directory.table_format()):
            raise job.refused(
                f"it is a {table} table, and {config.format} files would make it unreadable",
                f"set format: {table.lower()}, or write elsewhere",
            )
        if config.mode == "append" or by_partitions:
            _refuse_other_layout(job, directory)
        elif config.mode == "overwrite" and directory.is_file():
            logger.warning(
                "component %r: %s is a single file; a directory of that name replaces it",
                job.component,
                config.target,
            )
    if config.mode in ("append", "error", "errorifexists") and exists:
        job.writer(config.mode).save(path)
        return None
    if config.mode == "ignore" and exists:
        return "the target exists, and mode is 'ignore'"
    if by_partitions:
        _write_partitions(job, directory, path)
    elif config.mode == "append":
        job.writer("append").save(path)
    else:
        if marker is not None:
            marker.leave()
        _write_whole(job, directory, path)
        if marker is not None:
            marker.remove()
    return None


def _marker(job: WriteJob, directory: TargetDirectory | None, path: str) -> UnfinishedTableMarker | None:
    """Return the marker of a directory that this run begins in place, so that a retry may begin it again; None without
    one."""
    config = job.config
    if directory is None or config.mode not in ("error", "errorifexists", "ignore"):
        return None
    if config.format.lower() not in FILE_FORMATS or not directory.location.names:
        return None
    return UnfinishedTableMarker(job.spark, path, run_token(job.context)) if _why_in_place(config, directory) else None


def _write_partitions(job: WriteJob, directory: TargetDirectory | None, path: str) -> None:
    place = directory.location if directory is not None else location(path)
    # Spark writes them beside the old ones and moves them in place at the end, so the view may read what it replaces.
    target = WriteTarget(job.config.target, (place,), beside=True, is_part=True)
    if directory is None or directory.exists():
        job.protection().refuse_needed_views(target)
    job.writer("overwrite").option("partitionOverwriteMode", "dynamic").save(path)


def _write_whole(job: WriteJob, directory: TargetDirectory | None, path: str) -> None:
    config = job.config
    place = directory.location if directory is not None else location(path)
    why_not = _why_in_place(config, directory)
    target = WriteTarget(config.target, (place,), beside=why_not is None)
    protection = job.protection()
    if config.mode == "overwrite" and (directory is None or directory.exists()):
        protection.refuse_vital_places(target)
        if config.format.lower() not in TRANSACTIONAL:
            protection.refuse_own_input(target, config.input_view, job.frame)
            protection.refuse_needed_views(target)
            if why_not is not None:
                protection.refuse_needed_places(target, _lost_in_place(job, directory, path))
    if why_not is not None or directory is None:
        logger.debug("%s is written in place: %s", path, why_not)
        mode = config.mode if config.mode != "overwrite_partitions" else "overwrite"
        job.writer(mode).save(path)
        return
    new = directory.begin()
    try:
        job.writer("error").save(new)
        protection.refuse_needed_places(
            target, lambda below: directory.holds(below) and not directory.holds(below, new)
        )
        _warn_of_lost(job, directory, new)
        directory.exchange(new)
    except BaseException:
        directory.give_up(new)
        raise
    try:
        job.spark.catalog.refreshByPath(path)  # as Spark does when it has written there itself
        # A table in this directory stays the same table, and Spark keeps the list of its files.
        job.spark._jsparkSession.sessionState().catalog().invalidateAllCachedTables()
    except Exception as error:  # noqa: BLE001 - everything is written; only the cache may be stale
        logger.warning("%s: cached data of it may be out of date: %s", path, describe(error))


def _why_in_place(config: WriteConfig, directory: TargetDirectory | None) -> str | None:
    if config.replace == "in_place":
        return "replace is 'in_place'"
    if config.format.lower() not in FILE_FORMATS:
        return f"format {config.format!r} replaces its data itself"
    if directory is None:
        return "Spark Connect cannot rename directories"
    return directory.why_not_exchanged()


def _lost_in_place(job: WriteJob, directory: TargetDirectory | None, path: str) -> Callable[[str], bool]:
    def lost(below: str) -> bool:
        if not below or "=" in below:  # partitions may be written again
            return False
        if directory is not None:
            return directory.holds(below)
        try:
            return bool(job.spark.read.format("binaryFile").load(f"{path.rstrip('/')}/{below}").columns)
        except Exception as error:  # noqa: BLE001 - what cannot be read is not lost
            logger.debug("%s/%s cannot be read: %s", path, below, describe(error))
            return False

    return lost


def _warn_of_lost(job: WriteJob, directory: TargetDirectory, new: str) -> None:
    """Warn of partitions and other directories that disappear with the old data."""
    if not directory.exists():
        return
    gone = sorted(name for name in directory.directories() if not directory.holds(name, new))
    partitions = [name for name in gone if "=" in name]
    others = [name for name in gone if "=" not in name]
    if partitions and job.config.partition_by:
        logger.warning(
            "component %r: overwriting %s removes %d partitions for which view %r has no rows (%s). To keep them, set "
            "mode: overwrite_partitions",
            job.component,
            job.config.target,
            len(partitions),
            job.config.input_view,
            name_list(partitions),
        )
    if others:
        logger.warning(
            "component %r: overwriting %s also removes other directories inside it (%s). If they hold other data, "
            "write to a separate directory",
            job.component,
            job.config.target,
            name_list(others),
        )


def _refuse_other_layout(job: WriteJob, directory: TargetDirectory) -> None:
    """Refuse to mix files with and without partitions, because readers would silently skip one kind."""
    if directory.is_file():
        raise job.refused(
            "it is a single file, and Spark adds files to a directory", "write to a directory, or use mode 'overwrite'"
        )
    found = _partition_columns(directory)
    wanted = job.config.partition_by
    flat = [name for name in directory.files() if not name.endswith(".crc")]
    if found and not wanted:
        why = f"it is partitioned by {', '.join(found)}, and readers skip files beside partitions"
    elif wanted and flat and not found:
        why = "it has files without partitions, which readers skip beside partitions"
    elif found and wanted and found != wanted:
        why = f"it is partitioned by {', '.join(found)}, not by {', '.join(wanted)}"
    else:
        return
    remedy = f"set partition_by: [{', '.join(found)}]" if found else "remove partition_by"
    raise job.refused(why, f"{remedy}, or write to another directory")


def _partition_columns(directory: TargetDirectory) -> list[str]:
    """Return the columns that partition a directory, as the name of one of its partitions shows."""
    columns: list[str] = []
    below = ""
    while names := [name for name in directory.directories(below) if "=" in name]:
        columns.append(_unescaped(names[0].partition("=")[0]))
        below = os.path.join(below, names[0])
    return columns


def _unescaped(name: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), name)
