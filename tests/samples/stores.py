"""Stores and what stands in for the services that they talk to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from airflow_provider.runner import CheckpointState, InMemoryCheckpointStore


class FakeTaskState:
    """What ``context["task_state_store"]`` does, without Airflow: values pass through JSON, and nothing is None.

    :ivar replaced: a newer attempt is the live one. Then Airflow refuses to write and finds nothing to read
    """

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.retention: dict[str, timedelta | None] = {}
        self.replaced = False

    def get(self, key: str) -> Any:
        return json.loads(self.rows[key]) if key in self.rows and not self.replaced else None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        if len(key) > 512:
            raise ValueError("Airflow's column holds 512 characters")
        if value is None:
            raise ValueError("Cannot set value as None")
        self._refuse_replaced()
        self.rows[key] = json.dumps(value)
        self.retention[key] = retention

    def delete(self, key: str) -> None:
        self._refuse_replaced()
        self.rows.pop(key, None)

    def _refuse_replaced(self) -> None:
        if self.replaced:
            from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
            from airflow.sdk.execution_time.comms import ErrorResponse

            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404}))


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
