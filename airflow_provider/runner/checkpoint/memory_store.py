"""A store for tests and notebooks: gone with the process."""

from __future__ import annotations

from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.checkpoint.files import Memory, RecordFiles


class InMemoryCheckpointStore(FileCheckpointStore):
    """Keeps checkpoints in memory, as JSON documents like the other stores."""

    def __init__(self) -> None:
        super().__init__("memory")
        self._memory = Memory()

    def _files(self) -> RecordFiles:
        return self._memory
