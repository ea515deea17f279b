"""Files in a directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from airflow_provider.runner.storage.durable_write import make_directories, write_durably
from airflow_provider.runner.storage.file_storage import Entries, StorageEntry, StoredFile

_RACES = 10


class DirectoryStorage:
    """A directory of one host, or one that all workers share.

    A shared file system must give guarantee 3; NFS does so only without caching of attributes and names.

    :param base: the directory; the first write creates it
    """

    can_delete = True

    def __init__(self, base: Path) -> None:
        self._base = base

    def list(self, directory: str) -> Entries:
        # One scan may miss a name that is added while it runs, and show one that is removed: two equal ones do not.
        before, found = self._scan(directory), self._scan(directory)
        while _names(before) != _names(found):
            before, found = found, self._scan(directory)
        return found

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        for folder, inner, names in os.walk(self._base / directory):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder) / name
                with suppress(FileNotFoundError):
                    yield StoredFile(path.relative_to(self._base).as_posix(), path.stat().st_size)

    def exists(self, path: str) -> bool:
        return (self._base / path).exists()

    def read(self, path: str) -> bytes:
        return (self._base / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        target = self._base / path
        for _ in range(_RACES):
            # Another process deletes directories that are empty, perhaps this one before the file is in it.
            with suppress(FileNotFoundError):
                make_directories(target.parent)
                write_durably(target, content)
                return
        make_directories(target.parent)
        write_durably(target, content)

    def move(self, path: str, target: str) -> None:
        (self._base / path).rename(self._base / target)

    def delete(self, paths: Iterable[str]) -> None:
        folders: dict[Path, None] = {}
        for path in paths:
            target = self._base / path
            target.unlink(missing_ok=True)
            folders[target.parent] = None
        for folder in folders:
            self._delete_empty(folder)

    def delete_tree(self, directory: str) -> None:
        shutil.rmtree(self._base / directory, ignore_errors=True)

    def delete_empty(self, directories: Iterable[str]) -> None:
        for directory in directories:
            self._delete_empty(self._base / directory)

    def _delete_empty(self, folder: Path) -> None:
        while folder != self._base and folder.is_relative_to(self._base):
            try:
                folder.rmdir()
            except OSError:  # there is something in it, or another process was faster
                return
            folder = folder.parent

    def _scan(self, directory: str) -> Entries:
        try:
            with os.scandir(self._base / directory) as found:
                return sorted(filter(None, map(_entry, found)), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []


def _names(entries: Entries) -> Sequence[str]:
    return [entry.name for entry in entries]


def _entry(found: os.DirEntry[str]) -> StorageEntry | None:
    """Return what was found; None if it has gone since."""
    is_link = found.is_symlink()
    try:
        if found.is_dir():
            return StorageEntry(found.name, "directory", is_link=is_link)
        if not found.is_file():
            return StorageEntry(found.name, "other", is_link=is_link)
        return StorageEntry(found.name, "file", found.stat().st_size, is_link)
    except FileNotFoundError:
        return None
    except OSError:
        if not is_link:
            raise
        return StorageEntry(found.name, "file", is_link=True)  # a circle of links: whoever reads it gets the error
