"""Where a store keeps its documents: files that are written whole and listed as they are now."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from airflow_provider.runner.checkpoint.durable_files import make_directories, write_durably

_RACES = 10


@dataclass(frozen=True)
class Entry:
    """What lies in a directory under one name.

    :param name: the name
    :param kind: ``file``, ``directory``, or ``other``: a symbolic link for one
    :param size: bytes of a file
    """

    name: str
    kind: Literal["file", "directory", "other"]
    size: int = 0


class RecordFiles(Protocol):
    """What a store needs of a backend. Paths are relative to its base and separated by ``/``.

    Whatever goes wrong is raised as the backend raises it.
    """

    def files(self, directory: str) -> list[str]:
        """Return the names of the files in a directory, as they are now; empty if there is no such directory."""

    def directories(self, directory: str) -> list[str]:
        """Return the names of the directories in a directory; empty if there is no such directory."""

    def walk(self) -> Iterator[str]:
        """Yield the path of every file below the base, except below directories whose name starts with a dot."""

    def entries(self, directory: str) -> list[Entry]:
        """Return what a directory holds, and follow no link; empty if there is no such directory."""

    def read(self, path: str) -> bytes:
        """Return the content.

        :raises FileNotFoundError: there is no such file
        """

    def write(self, path: str, content: bytes) -> None:
        """Make the content durable under this path, all of it or nothing; an earlier one is replaced."""

    def move(self, path: str, target: str) -> None:
        """Give a file another path in the same directory.

        :raises FileNotFoundError: there is no such file
        """

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files in this order, those that there are, and directories that are empty then."""

    def remove_empty(self, directories: Iterable[str]) -> None:
        """Remove directories in this order, those that are empty."""


class Directory:
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

    def entries(self, directory: str) -> list[Entry]:
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


def _entry(entry: os.DirEntry[str]) -> Entry:
    if entry.is_dir(follow_symlinks=False):
        return Entry(entry.name, "directory")
    if entry.is_file(follow_symlinks=False):
        return Entry(entry.name, "file", entry.stat(follow_symlinks=False).st_size)
    return Entry(entry.name, "other")


class Memory:
    """Files in memory: gone with the process."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, bytes]] = {}
        self._lock = threading.Lock()

    def files(self, directory: str) -> list[str]:
        with self._lock:
            return list(self._folders.get(directory, ()))

    def directories(self, directory: str) -> list[str]:
        with self._lock:
            prefix = f"{directory}/" if directory else ""
            below = [folder.removeprefix(prefix) for folder in self._folders if folder.startswith(prefix)]
        return sorted({folder.partition("/")[0] for folder in below if folder})

    def entries(self, directory: str) -> list[Entry]:
        with self._lock:
            found = [Entry(name, "file", len(text)) for name, text in self._folders.get(directory, {}).items()]
        return sorted([*found, *(Entry(n, "directory") for n in self.directories(directory))], key=lambda e: e.name)

    def walk(self) -> Iterator[str]:
        with self._lock:
            found = [f"{folder}/{name}" for folder, names in self._folders.items() for name in names]
        yield from found

    def read(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        with self._lock:
            try:
                return self._folders[folder][name]
            except KeyError:
                raise FileNotFoundError(path) from None

    def write(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        with self._lock:
            self._folders.setdefault(folder, {})[name] = content

    def move(self, path: str, target: str) -> None:
        content = self.read(path)
        self.write(target, content)
        self.remove([path])

    def remove(self, paths: Iterable[str]) -> None:
        with self._lock:
            for path in paths:
                folder, _, name = path.rpartition("/")
                names = self._folders.get(folder, {})
                names.pop(name, None)
                if not names:
                    self._folders.pop(folder, None)

    def remove_empty(self, directories: Iterable[str]) -> None:
        """Nothing: there are no empty directories."""
