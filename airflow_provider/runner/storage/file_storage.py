"""Where a store keeps its documents: files that are written whole and listed as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class StorageEntry:
    """What lies in a directory under one name.

    :param name: the name
    :param kind: ``file``, ``directory``, or ``other``: a symbolic link for one
    :param size: bytes of a file
    """

    name: str
    kind: Literal["file", "directory", "other"]
    size: int = 0


class FileStorage(Protocol):
    """What a store needs of a backend. Paths are relative to its base and separated by ``/``.

    Whatever goes wrong is raised as the backend raises it.
    """

    def files(self, directory: str) -> list[str]:
        """Return the names of the files in a directory, as they are now; empty if there is no such directory."""

    def directories(self, directory: str) -> list[str]:
        """Return the names of the directories in a directory; empty if there is no such directory."""

    def walk(self) -> Iterator[str]:
        """Yield the path of every file below the base, except below directories whose name starts with a dot."""

    def entries(self, directory: str) -> list[StorageEntry]:
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
