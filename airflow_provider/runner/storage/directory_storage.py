"""Files in a directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from airflow_provider.runner.storage.durable_write import make_directories, write_durably
from airflow_provider.runner.storage.file_storage import StorageEntry

_RACES = 10


class DirectoryStorage:
    """A directory, on one host or shared by all workers.

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
        for folder, inner, names in os.walk(self._base):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(self._base).as_posix()

    def entries(self, directory: str) -> list[StorageEntry]:
        try:
            with os.scandir(self._base / directory) as found:
                return sorted((_entry(entry) for entry in found), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, path: str) -> bytes:
        return (self._base / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        target = self._base / path
        for _ in range(_RACES):
            # Another process removes directories that are empty, perhaps this one before the file is in it.
            with suppress(FileNotFoundError):
                make_directories(target.parent)
                write_durably(target, content)
                return
        make_directories(target.parent)
        write_durably(target, content)

    def move(self, path: str, target: str) -> None:
        (self._base / path).rename(self._base / target)

    def remove(self, paths: Iterable[str]) -> None:
        folders: dict[Path, None] = {}
        for path in paths:
            target = self._base / path
            target.unlink(missing_ok=True)
            folders[target.parent] = None
        for folder in folders:
            self._remove_empty(folder)

    def remove_empty(self, directories: Iterable[str]) -> None:
        for directory in directories:
            self._remove_empty(self._base / directory)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._base and folder.is_relative_to(self._base):
            try:
                folder.rmdir()
            except OSError:  # there is something in it, or another process was faster
                return
            folder = folder.parent

    def _list(self, directory: str, is_kind: Callable[[os.DirEntry[str]], bool]) -> list[str]:
        try:
            with os.scandir(self._base / directory) as entries:
                return sorted(entry.name for entry in entries if is_kind(entry))
        except (FileNotFoundError, NotADirectoryError):
            return []


def _entry(entry: os.DirEntry[str]) -> StorageEntry:
    if entry.is_dir(follow_symlinks=False):
        return StorageEntry(entry.name, "directory")
    if entry.is_file(follow_symlinks=False):
        return StorageEntry(entry.name, "file", entry.stat(follow_symlinks=False).st_size)
    return StorageEntry(entry.name, "other")
