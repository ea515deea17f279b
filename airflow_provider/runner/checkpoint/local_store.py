"""A store of JSON files in a directory. Serves every process that sees the directory."""

from __future__ import annotations

import os

from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.config.absolute_paths import absolute_path
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage


class LocalCheckpointStore(FileCheckpointStore):
    """Keeps each checkpoint in files below ``<base>/<scope…>/<run id>/<pipeline>/``, each a whole JSON document.

    Names are data, never paths: every character that is not safe in a file name is percent-encoded, and a
    name that would be too long is cut and ends in its hash. The full names are in the files.

    Each component costs one small file and two flushes to disk. See
    :class:`~airflow_provider.runner.checkpoint.file_store.FileCheckpointStore` for which files, and why no lock is
    needed.

    >>> store = LocalCheckpointStore(tmp_path / "checkpoints")
    >>> store.load("run-001") is None
    True

    :param base_dir: the directory; created when first needed. A relative one starts in the working directory that the
        process has when the store is made
    """

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        self.base_dir = absolute_path(base_dir)
        super().__init__(f"directory {self.base_dir}", os.path.abspath(self.base_dir))

    def __repr__(self) -> str:
        return f"LocalCheckpointStore({str(self.base_dir)!r})"

    def storage(self) -> FileStorage:
        return DirectoryStorage(self.base_dir)
