"""The store at an address. A new store is one line here: its scheme, and what opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.config.absolute_paths import absolute_url
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.stores.object_store import DriverCheckpointStore, ObjectStorageCheckpointStore

_STORES: Mapping[str, Callable[[str], FileCheckpointStore]] = {"": LocalCheckpointStore}
"""Scheme of an address to the store there. Any other is a scheme of ``ObjectStoragePath``, or of Hadoop in a driver."""


def store_at(url: str) -> FileCheckpointStore:
    """Return the store at an address.

    :param url: a directory (``/shared/checkpoints``), or an address of ``ObjectStoragePath``, whose user part names an
        Airflow connection (``s3://my_aws@bucket/prefix``). A relative directory starts in the working directory
    :raises PipelineConfigError: the address holds a password, or a host where a directory is meant
    """
    url = _plain(absolute_url(url))
    return _STORES.get(_scheme(url), ObjectStorageCheckpointStore)(url)


def driver_store(url: str, spark: Any) -> FileCheckpointStore:
    """Return the store at an address, for a process that has Spark but not Airflow.

    What it keeps has the same names as in the store that :func:`store_at` returns.

    :param url: a directory, or an address that Hadoop knows: ``s3a://``, ``hdfs://``, ``gs://``, ``abfss://``,
        ``file://``
    :param spark: a classic session
    """
    url = _plain(url)
    if (known := _STORES.get(_scheme(url))) is not None:
        return known(url)
    is_local = _scheme(url) == "file"
    return DriverCheckpointStore(
        url, DirectoryStorage(Path(urlsplit(url).path)) if is_local else HadoopStorage(spark, url)
    )


def _plain(url: str) -> str:
    """Return ``file:/directory`` as a directory."""
    return url if "://" in url else url.removeprefix("file:")


def _scheme(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""
