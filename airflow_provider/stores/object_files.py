"""Objects in a bucket, or files in a shared directory: written whole, and listed as they are now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.checkpoint.durable_files import make_directories, write_durably


class ObjectFiles(Protocol):
    """What a store needs of a backend. Paths are relative to its base and separated by ``/``.

    Whatever goes wrong is raised as the backend raises it.
    """

    def files(self, directory: str) -> list[str]:
        """Return the names of the files in a directory, as they are now; empty if there is no such directory."""

    def directories(self, directory: str) -> list[str]:
        """Return the names of the directories in a directory; empty if there is no such directory."""

    def walk(self) -> Iterator[str]:
        """Yield the path of every file below the base."""

    def read(self, path: str) -> bytes:
        """Return the content.

        :raises FileNotFoundError: there is no such file
        """

    def write(self, path: str, content: bytes) -> None:
        """Make the content durable under this path, all of it or nothing; an earlier one is replaced."""

    def move(self, path: str, target: str) -> None:
        """Give a file another path.

        :raises FileNotFoundError: there is no such file
        """

    def remove(self, path: str) -> None:
        """Remove a file, if there is one."""


def files_at(url: str, conn_id: str | None = None) -> ObjectFiles:
    """Return the backend for an address of ``ObjectStoragePath``. Looks the connection up, which may fail."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    base = ObjectStoragePath(url, conn_id=conn_id)
    if base.protocol in ("", "file", "local"):
        return Directory(Path(base.path))
    return Bucket(base.fs, base.path.rstrip("/"))


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


class Bucket:
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
            yield path.removeprefix(f"{self._base}/")

    def read(self, path: str) -> bytes:
        content: bytes = self._fs.cat_file(f"{self._base}/{path}")
        return content

    def write(self, path: str, content: bytes) -> None:
        self._fs.pipe_file(f"{self._base}/{path}", content)

    def move(self, path: str, target: str) -> None:
        self._fs.cp_file(f"{self._base}/{path}", f"{self._base}/{target}")
        self.remove(path)

    def remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._base}/{path}")

    def _list(self, directory: str, kind: str) -> list[str]:
        path = f"{self._base}/{directory}"
        # fsspec keeps listings for the whole process. Not every backend knows `refresh`, and not every one stops
        # at an invalidated cache, so both.
        self._fs.invalidate_cache(path)
        try:
            entries = self._fs.ls(path, detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return [entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == kind]


class Directory:
    """A directory that every worker sees.

    :param base: the directory; created when first needed
    """

    def __init__(self, base: Path) -> None:
        self._base = base

    def files(self, directory: str) -> list[str]:
        names = self._list(directory, os.DirEntry.is_file)
        # A scan may miss a name that is added and one that is removed meanwhile, so only what is seen twice counts.
        while (again := self._list(directory, os.DirEntry.is_file)) != names:
            names = again
        return names

    def directories(self, directory: str) -> list[str]:
        return self._list(directory, os.DirEntry.is_dir)

    def walk(self) -> Iterator[str]:
        for path in self._base.rglob("*"):
            if path.is_file():
                yield path.relative_to(self._base).as_posix()

    def read(self, path: str) -> bytes:
        return (self._base / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        target = self._base / path
        make_directories(target.parent)
        write_durably(target, content)

    def move(self, path: str, target: str) -> None:
        (self._base / path).rename(self._base / target)

    def remove(self, path: str) -> None:
        (self._base / path).unlink(missing_ok=True)

    def _list(self, directory: str, is_kind: Any) -> list[str]:
        try:
            with os.scandir(self._base / directory) as entries:
                return sorted(entry.name for entry in entries if is_kind(entry))
        except FileNotFoundError:
            return []
