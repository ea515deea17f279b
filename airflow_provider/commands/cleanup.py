"""What the commands that delete share: opening a storage, and printing what was deleted."""

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


def open_storage(
    url: str, conf: Mapping[str, str] | None, open_without_spark: Callable[[str], FileStorage] | None
) -> FileStorage:
    """Open the storage of an address.

    :param url: a directory or an address
    :param conf: Spark properties, to go through Spark and its credentials; None to go without Spark
    :param open_without_spark: opens what is not local without Spark; None if nothing can
    :raises SparkConfigError: only Spark can open it, and ``conf`` is None
    """
    url = absolute_url(url)
    path = local_path(url)
    if path is not None:
        return DirectoryStorage(path)
    if conf is None and (open_without_spark is None or urlsplit(url).scheme in _ONLY_SPARK):
        raise SparkConfigError(f"only Spark can open {url!r}; add --spark, and --conf for its settings")
    if conf is None and open_without_spark is not None:
        return open_without_spark(url)
    from airflow_provider.runner.storage.hadoop_storage import HadoopStorage

    return HadoopStorage(_spark(conf or {}), driver_address(url))


def parse_properties(pairs: Iterable[str]) -> dict[str, str]:
    """Return Spark properties given as ``KEY=VALUE``."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SystemExit(f"--conf {wrong[0].partition('=')[0]!r} is not KEY=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


def requested_spark_conf(options: argparse.Namespace) -> dict[str, str] | None:
    """Return the Spark properties of a command line, None if it does not ask for Spark."""
    conf = parse_properties(options.conf or ())
    return conf if options.spark or conf else None


def print_prune_report(items: Iterable[PruneItem], *, dry_run: bool) -> bool:
    """Print a table of what `prune` found, and a line with the totals.

    :param items: what it found
    :param dry_run: whether nothing was deleted
    :return: whether everything that had to go is gone
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
