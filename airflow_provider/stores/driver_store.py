"""Checkpoints on whatever a Spark driver reaches: through Hadoop's file systems, with the cluster's credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.runner import CheckpointStore, LocalCheckpointStore
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.stores.object_storage import ObjectStorageCheckpointStore


def driver_store(url: str, spark: Any) -> CheckpointStore:
    """Return the store at an address, for a process that has Spark but not Airflow.

    What it keeps has the same names as in the store that :func:`~airflow_provider.stores.location.store_at` returns.

    :param url: a directory, or an address that Hadoop knows: ``s3a://``, ``hdfs://``, ``gs://``, ``abfss://``,
        ``file://``
    :param spark: a classic session
    """
    if "://" not in url:
        return LocalCheckpointStore(url.removeprefix("file:"))
    parts = urlsplit(url)
    files = DirectoryStorage(Path(parts.path)) if parts.scheme == "file" else HadoopStorage(spark, url)
    return DriverCheckpointStore(url, files)


class DriverCheckpointStore(ObjectStorageCheckpointStore):
    """The object storage store on a backend that is given.

    :param url: address, for messages
    :param files: the backend
    :raises PipelineConfigError: the address holds a password
    """

    def __init__(self, url: str, files: FileStorage) -> None:
        super().__init__(url)
        self._backend = files

    def _files(self) -> FileStorage:
        return self._backend
