"""Files in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from airflow_provider.runner.storage.file_storage import StorageEntry


class MemoryStorage:
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

    def entries(self, directory: str) -> list[StorageEntry]:
        with self._lock:
            found = [StorageEntry(name, "file", len(text)) for name, text in self._folders.get(directory, {}).items()]
        return sorted(
            [*found, *(StorageEntry(n, "directory") for n in self.directories(directory))], key=lambda e: e.name
        )

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
