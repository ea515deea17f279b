"""Stores and what stands in for the services that they talk to."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider.runner import CheckpointState, InMemoryCheckpointStore


class FakeTaskState:
    """What ``context["task_state_store"]`` does, without Airflow: values pass through JSON."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    def get(self, key: str) -> Any:
        return json.loads(self.rows[key]) if key in self.rows else None

    def set(self, key: str, value: Any) -> None:
        if len(key) > 512:
            raise ValueError("Airflow's column holds 512 characters")
        self.rows[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self.rows.pop(key, None)


class FlakyStore(InMemoryCheckpointStore):
    """A store whose saves fail when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[BaseException] = []
        """Raised by the next saves, one each."""
        self.saves = 0

    def save(self, state: CheckpointState) -> None:
        self.saves += 1
        if self.failures:
            raise self.failures.pop(0)
        super().save(state)
