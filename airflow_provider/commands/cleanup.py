"""What the commands that delete have in common: how they reach storage, and what they say."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.driver_addresses import driver_address
from airflow_provider.runner.config.absolute_paths import absolute_url
from airflow_provider.runner.housekeeping.prune import PruneItem
from airflow_provider.runner.observing.report import table
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.spark_urls import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ONLY_SPARK = ("hdfs", "viewfs", "o3fs", "ofs", "wasb", "wasbs")


def reach(url: str, conf: Mapping[str, str] | None, without: Callable[[str], FileStorage] | None) -> FileStorage:
    """Open the storage of an address.

    :param url: a directory or an address
    :param conf: Spark properties, to go through Spark and its credentials; None if that was not asked for
    :param without: opens what is not local without Spark; None if that is not possible
    :raises SparkConfigError: it can only be reached through Spark, which was not asked for
    """
    url = absolute_url(url)
    path = local_path(url)
    if path is not None:
        return DirectoryStorage(path)
    if conf is None and (without is None or urlsplit(url).scheme in _ONLY_SPARK):
        raise SparkConfigError(f"{url!r} is reached through Spark; give --spark, and --conf for its settings")
    if conf is None and without is not None:
        return without(url)
    from airflow_provider.runner.storage.hadoop_storage import HadoopStorage

    return HadoopStorage(_spark(conf or {}), driver_address(url))


def properties(pairs: Iterable[str]) -> dict[str, str]:
    """Return Spark properties given as ``KEY=VALUE``."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SystemExit(f"--conf {wrong[0].partition('=')[0]!r} is not KEY=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


def spark_conf(options: argparse.Namespace) -> dict[str, str] | None:
    """Return the Spark properties of a command line, None if it does not ask for Spark."""
    conf = properties(options.conf or ())
    return conf if options.spark or conf else None


def report(items: Iterable[PruneItem], *, dry_run: bool) -> bool:
    """Print what `prune` finds, while it finds it, and a table at the end.

    :param items: what it finds
    :param dry_run: whether nothing was deleted
    :return: whether all that had to go is gone
    """
    found = list(items)
    if found:
        print(*table(("what", "bytes", "outcome", "where", "why"), (_row(item, dry_run) for item in found)), sep="\n")
    gone = [item for item in found if item.verdict.delete and item.problem is None]
    size = f"{sum(item.bytes for item in gone):,} bytes"
    left = [item for item in found if item.problem is not None]
    word = "would be deleted" if dry_run else "deleted"
    print(f"{len(gone)} of {len(found)} {word}, {size}" + (f"; {len(left)} could not be deleted" if left else ""))
    return not left


def _row(item: PruneItem, dry_run: bool) -> tuple[str, ...]:
    if item.problem is not None:
        return item.kind, f"{item.bytes:,}", "could not be deleted", item.place, item.problem
    outcome = ("would be deleted" if dry_run else "deleted") if item.verdict.delete else "kept"
    return item.kind, f"{item.bytes:,}", outcome, item.place, item.verdict.reason


def _spark(conf: Mapping[str, str]) -> SparkSession:
    from airflow_provider.runner.spark.session import open_session, running_session

    own = {} if running_session() is not None else {"spark.ui.enabled": "false", "spark.master": "local[1]"}
    return open_session({**own, **conf}, "pyspark-pipeline prune")
