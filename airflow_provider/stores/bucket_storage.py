"""Where an address leads: a bucket behind an Airflow connection, or a directory that all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage, StorageEntry


def files_at(url: str, conn_id: str | None = None) -> FileStorage:
    """Return the backend for an address of ``ObjectStoragePath``. Looks the connection up, which may fail."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    base = ObjectStoragePath(url, conn_id=conn_id)
    if base.protocol in ("", "file", "local"):
        return DirectoryStorage(Path(base.path))
    return BucketStorage(base.fs, base.path.rstrip("/"))


def address(url: str, conn_id: str | None = None) -> str:
    """Return the address as it may be shown and logged: the connection's id is in it, never a credential.

    :raises PipelineConfigError: the address holds a password
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    place = f"{host}{parts.path}"
    if ":" in user:
        problem = (
            f"the address '{parts.scheme}://***@{place}' of the checkpoint store seems to hold a password; put the "
            f"credentials into an Airflow connection and name that: '{parts.scheme}://CONNECTION@{place}'"
        )
        raise PipelineConfigError([ConfigProblem(problem)])
    connection = conn_id or user
    return f"{parts.scheme}://{connection}@{place}" if connection else f"{parts.scheme}://{place}"


class BucketStorage:
    """A bucket, or a part of it, behind fsspec. Such a store writes an object whole or not at all.

    :param fs: fsspec's file system
    :param base: path in it
    """

    def __init__(self, fs: Any, base: str) -> None:
        self._fs = fs
        self._base = base

    def files(self, directory: str) -> list[str]:
        return self._list(directory, "file")

    def directories(self, directory: str) -> list[str]:
        return self._list(directory, "directory")

    def walk(self) -> Iterator[str]:
        self._fs.invalidate_cache()
        for path in self._fs.find(self._base):
            inner = path.removeprefix(f"{self._base}/")
            if not any(part.startswith(".") for part in inner.split("/")[:-1]):
                yield inner

    def entries(self, directory: str) -> list[StorageEntry]:
        return [
            StorageEntry(_last(entry["name"]), entry["type"], entry.get("size") or 0)
            if entry["type"] in ("file", "directory")
            else StorageEntry(_last(entry["name"]), "other")
            for entry in self._listed(directory)
            if entry["name"].rstrip("/")
            != f"{self._base}/{directory}".rstrip("/")  # what stands for the directory itself
        ]

    def read(self, path: str) -> bytes:
        content: bytes = self._fs.cat_file(f"{self._base}/{path}")
        return content

    def write(self, path: str, content: bytes) -> None:
        self._fs.pipe_file(f"{self._base}/{path}", content)

    def move(self, path: str, target: str) -> None:
        self._fs.cp_file(f"{self._base}/{path}", f"{self._base}/{target}")
        self.remove([path])

    def remove(self, paths: Iterable[str]) -> None:
        whole = [f"{self._base}/{path}" for path in paths]
        try:
            if len(whole) > 1:
                self._fs.rm(whole)
                return
        except FileNotFoundError:
            pass  # not every backend passes over what is gone
        for path in whole:
            with suppress(FileNotFoundError):
                self._fs.rm_file(path)

    def remove_empty(self, directories: Iterable[str]) -> None:
        """Nothing: a bucket has no directories."""

    def _list(self, directory: str, kind: str) -> list[str]:
        return [_last(entry["name"]) for entry in self._listed(directory) if entry["type"] == kind]

    def _listed(self, directory: str) -> list[Any]:
        path = f"{self._base}/{directory}".rstrip("/")
        # fsspec keeps listings for the whole process. Not every backend knows `refresh`, and not every one stops
        # at an invalidated cache, so both.
        self._fs.invalidate_cache(path)
        try:
            return list(self._fs.ls(path, detail=True, refresh=True))
        except FileNotFoundError:
            return []


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
