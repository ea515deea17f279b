"""Files in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

from airflow_provider.runner.storage.file_storage import Entries, StorageEntry, StoredFile, below_hidden


class MemoryStorage:
    """Files that go with the process."""

    can_delete = True

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, bytes]] = {}
        self._lock = threading.Lock()

    def list(self, directory: str) -> Entries:
        prefix = f"{directory}/" if directory else ""
        with self._lock:
            found = [StorageEntry(name, "file", len(text)) for name, text in self._folders.get(directory, {}).items()]
            below = {folder.removeprefix(prefix) for folder in self._folders if folder.startswith(prefix)}
        names = {folder.partition("/")[0] for folder in below if folder}
        return sorted([*found, *(StorageEntry(name, "directory") for name in names)], key=lambda entry: entry.name)

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        prefix = f"{directory}/" if directory else ""
        for path, size in self._all():
            if path.startswith(prefix) and not below_hidden(path.removeprefix(prefix)):
                yield StoredFile(path, size)

    def exists(self, path: str) -> bool:
        return any(found == path or found.startswith(f"{path}/") for found, _ in self._all())

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
        self.delete([path])

    def delete(self, paths: Iterable[str]) -> None:
        with self._lock:
            for path in paths:
                folder, _, name = path.rpartition("/")
                names = self._folders.get(folder, {})
                names.pop(name, None)
                if not names:
                    self._folders.pop(folder, None)

    def delete_tree(self, directory: str) -> None:
        self.delete([path for path, _ in self._all() if not directory or path.startswith(f"{directory}/")])

    def delete_empty(self, directories: Iterable[str]) -> None:
        """Do nothing: there are no empty directories."""

    def _all(self) -> Sequence[tuple[str, int]]:
        with self._lock:
            return [
                (f"{folder}/{name}" if folder else name, len(text))
                for folder, names in self._folders.items()
                for name, text in names.items()
            ]
