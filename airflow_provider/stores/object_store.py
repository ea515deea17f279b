"""Checkpoints in object storage (S3, Google Cloud Storage, Azure) or in a directory that all workers share."""

from __future__ import annotations

from airflow_provider.runner.checkpoint.address import shown_address, storage_address
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.config.absolute_paths import absolute_url
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.stores.bucket_storage import files_at


class ObjectStorageCheckpointStore(FileCheckpointStore):
    """Keeps each checkpoint in objects below ``<base>/<scope…>/<run id>/<pipeline>/``, named as in a local directory.

    Each component costs one small object and one short listing. See
    :class:`~airflow_provider.runner.checkpoint.file_store.FileCheckpointStore` for which objects, and why it needs
    neither locks nor a compare-and-swap. S3, Google Cloud Storage, Azure and a file system of one host give the
    guarantees that it needs. A save whose own fence is missing from the listing is written again as a whole.

    :param url: address of ``ObjectStoragePath``: ``s3://CONNECTION@bucket/prefix``, ``gs://…``, ``abfss://…``,
        ``file:///shared/directory``. The user part names an Airflow connection
    :param conn_id: the Airflow connection; it wins over the one in the address
    :raises PipelineConfigError: the address holds a password, or a host where a directory is meant
    """

    def __init__(self, url: str, conn_id: str | None = None) -> None:
        url = absolute_url(url)
        if url.removeprefix("file:").startswith("/") and "://" not in url:
            url = f"file://{url.removeprefix('file:')}"
        self._url = url
        self._conn_id = conn_id
        self._shown = shown_address(url, conn_id)
        super().__init__(f"object storage {self._shown}", storage_address(self._shown))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r})"

    def storage(self) -> FileStorage:
        # Looked up each time (Airflow keeps the client): a client must not be pickled or survive a fork.
        return files_at(self._url, self._conn_id)


class DriverCheckpointStore(ObjectStorageCheckpointStore):
    """The same store where Airflow is not installed, on a storage that is given.

    :raises PipelineConfigError: the address holds a password
    """

    def __init__(self, url: str, files: FileStorage) -> None:
        super().__init__(url)
        self._storage = files

    def storage(self) -> FileStorage:
        return self._storage
