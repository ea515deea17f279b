"""Files behind an address of ``ObjectStoragePath``: in a bucket, or in a directory that all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import (
    Entries,
    FileStorage,
    StorageEntry,
    StoredFile,
    below_hidden,
    joined,
)


def files_at(url: str, conn_id: str | None = None) -> FileStorage:
    """Return the storage at an address of ``ObjectStoragePath``. Looks up the connection, which may fail."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    base = ObjectStoragePath(url, conn_id=conn_id)
    if base.protocol in ("", "file", "local"):
        return DirectoryStorage(Path(base.path))
    return BucketStorage(base.fs, base.path.rstrip("/"))


class BucketStorage:
    """A bucket, or a part of one, behind fsspec. Object storage writes an object whole or not at all.

    :param fs: fsspec's file system
    :param base: path in it
    """

    can_delete = True

    def __init__(self, fs: Any, base: str) -> None:
        self._fs = fs
        self._base = base

    def list(self, directory: str) -> Entries:
        path = self._path(directory)
        # fsspec keeps listings for the whole process. Not every backend knows `refresh`, and not every one stops
        # at an invalidated cache, so both.
        self._fs.invalidate_cache(path)
        try:
            found = list(self._fs.ls(path, detail=True, refresh=True))
        except FileNotFoundError:
            return []
        # An object of the directory's own name stands for the directory.
        entries = [_entry(info) for info in found if info["name"].rstrip("/") != path]
        return sorted(entries, key=lambda entry: entry.name)

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        path = self._path(directory)
        self._fs.invalidate_cache()
        for found, info in self._fs.find(path, detail=True).items():
            inner = found.removeprefix(f"{path}/")
            if not below_hidden(inner):
                yield StoredFile(joined(directory, inner), info.get("size") or 0)

    def exists(self, path: str) -> bool:
        self._fs.invalidate_cache()
        return bool(self._fs.exists(self._path(path)))

    def read(self, path: str) -> bytes:
        content: bytes = self._fs.cat_file(self._path(path))
        return content

    def write(self, path: str, content: bytes) -> None:
        self._fs.pipe_file(self._path(path), content)

    def move(self, path: str, target: str) -> None:
        self._fs.cp_file(self._path(path), self._path(target))
        self.delete([path])

    def delete(self, paths: Iterable[str]) -> None:
        whole = [self._path(path) for path in paths]
        try:
            if len(whole) > 1:
                self._fs.rm(whole)
                return
        except FileNotFoundError:
            pass  # not every backend passes over what is gone
        for path in whole:
            with suppress(FileNotFoundError):
                self._fs.rm_file(path)

    def delete_tree(self, directory: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm(self._path(directory), recursive=True)

    def delete_empty(self, directories: Iterable[str]) -> None:
        """Do nothing: a bucket has no directories."""

    def _path(self, path: str) -> str:
        return f"{self._base}/{path}".rstrip("/")


def _entry(info: Mapping[str, Any]) -> StorageEntry:
    name = info["name"].rstrip("/").rpartition("/")[2]
    if info["type"] not in ("file", "directory"):
        return StorageEntry(name, "other")
    return StorageEntry(name, info["type"], info.get("size") or 0)
