"""A store for tests and notebooks: gone with the process."""

from __future__ import annotations

from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.memory_storage import MemoryStorage


class InMemoryCheckpointStore(FileCheckpointStore):
    """Keeps checkpoints in memory, as JSON documents like the other stores.

    >>> from airflow_provider.runner import CheckpointState, InMemoryCheckpointStore
    >>> store = InMemoryCheckpointStore()
    >>> store.save(CheckpointState(run_id="run-1", pipeline_name="daily", pipeline_fingerprint="f"))
    >>> store.exists("run-1", "daily")
    True
    """

    def __init__(self) -> None:
        super().__init__("memory", "memory")
        self._memory = MemoryStorage()

    def storage(self) -> FileStorage:
        return self._memory
