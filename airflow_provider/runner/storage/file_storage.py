"""What checkpoints, saved views and housekeeping need of a storage, and the guarantees that correctness stands on."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


@dataclass(frozen=True)
class StorageEntry:
    """One name in a directory.

    :param kind: what the name leads to; ``other`` for what is neither file nor directory
    :param size: bytes of a file
    :param is_link: the name is a symbolic link
    """

    name: str
    kind: Literal["file", "directory", "other"]
    size: int = 0
    is_link: bool = False


Entries = list[StorageEntry]
"""What a directory holds."""


class StoredFile(NamedTuple):
    """A file found by walking a directory: its path, relative to the base of the storage, and its bytes."""

    path: str
    size: int


class FileStorage(Protocol):
    """Files below one base. Paths are relative to the base and separated by ``/``; ``""`` is the base itself.

    To add a storage, implement these methods with these guarantees. The proof in
    :mod:`airflow_provider.runner.checkpoint.file_store` cites them by number.

    1. **Atomic visibility.** No process ever reads or lists a part of a file: until :meth:`write` is through, its path
       shows the earlier file or none. A kill or a power failure in the middle leaves no part either.
    2. **Durability.** What :meth:`write` wrote is there from its return on, even after a power failure.
    3. **Consistent listing.** :meth:`list` shows every file whose write returned before the listing began and that
       was not deleted since, and no file whose delete returned before it began, whichever process wrote, deleted and
       lists. It never answers from a cache.
    4. **Order of calls.** Calls of one process take effect in their order. The files of one :meth:`delete` go in any
       order, so a kill in the middle leaves any of them.
    5. **Last write wins.** Where two processes write one path at the same time, it ends as one of the two, whole.

    Nothing else is needed: no lock, no compare-and-swap, no clock, no atomic rename of directories. Backends raise
    their own errors, except where a method names one.

    :ivar can_delete: False where deleting is impossible; :meth:`delete` then leaves an empty file
    """

    can_delete: bool

    def list(self, directory: str) -> Entries:
        """Return what a directory holds, sorted by name; empty if there is no such directory."""

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        """Yield every file below a directory, except in directories whose name starts with a dot."""

    def exists(self, path: str) -> bool:
        """Return whether there is a file or a directory under this path."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        :raises FileNotFoundError: there is no such file
        """

    def write(self, path: str, content: bytes) -> None:
        """Write a whole file, with the directories above it; replaces an earlier one."""

    def move(self, path: str, target: str) -> None:
        """Give a file another path in the same directory.

        :raises FileNotFoundError: there is no such file
        """

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files, and the directories above them that are empty then. They need not exist."""

    def delete_tree(self, directory: str) -> None:
        """Delete a directory with everything in it. It need not exist."""

    def delete_empty(self, directories: Iterable[str]) -> None:
        """Delete directories in this order, and those above them, where they are empty. They need not exist."""


def file_names(storage: FileStorage, directory: str) -> list[str]:
    """Return the names of the files in a directory, sorted; empty if there is no such directory."""
    return [entry.name for entry in storage.list(directory) if entry.kind == "file"]


def directory_names(storage: FileStorage, directory: str) -> list[str]:
    """Return the names of the directories in a directory, sorted; empty if there is no such directory."""
    return [entry.name for entry in storage.list(directory) if entry.kind == "directory"]


def temporary_name(name: str) -> str:
    """Return a new name under which to write a file before it is renamed to its own."""
    return f".{name}.{uuid.uuid4().hex[:8]}.tmp"


def interrupted_writes(storage: FileStorage, path: str) -> list[str]:
    """Return the paths of temporary files that kills have left of writes to this path."""
    directory, _, name = path.rpartition("/")
    pattern = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}\.tmp")
    return [joined(directory, found) for found in file_names(storage, directory) if pattern.fullmatch(found)]


def below_hidden(path: str) -> bool:
    """Return whether a directory on this path has a name that starts with a dot."""
    return any(part.startswith(".") for part in path.split("/")[:-1])


def joined(directory: str, name: str) -> str:
    """Return the path of a name in a directory."""
    return f"{directory}/{name}" if directory else name
