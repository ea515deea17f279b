"""A store for tests and notebooks: gone with the process."""

from __future__ import annotations

from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.memory_storage import MemoryStorage


class InMemoryCheckpointStore(FileCheckpointStore):
    """Keeps checkpoints in memory, as JSON documents like the other stores.

    >>> store = InMemoryCheckpointStore()
    >>> store.load("run-001") is None
    True
    """

    def __init__(self) -> None:
        super().__init__("memory", "memory")
        self._memory = MemoryStorage()

    def storage(self) -> FileStorage:
        return self._memory
