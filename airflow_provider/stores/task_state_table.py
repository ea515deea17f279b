"""Reads and writes rows of Airflow's task state store, and translates its errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_provider.errors import CheckpointReadError, CheckpointWriteError
from airflow_provider.runner.checkpoint.store import replaced_error
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.task_state_head import TaskStateAccessor, aside_key, head_key
from airflow_provider.stores.task_state_rows import RecordRows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskStateTable:
    """The rows of one task instance.

    :param accessor: ``context["task_state_store"]``
    :param retention: how long Airflow keeps a row after it was last written
    """

    accessor: TaskStateAccessor
    retention: timedelta

    def rows(self, key: RunKey, record: str) -> RecordRows:
        """Return access to the rows of a record."""
        return RecordRows(self.get, self.put, self.accessor.delete, key, record)

    def get(self, key: str) -> Any:
        """Return the value of a row, None if there is none."""
        try:
            return self.accessor.get(key)
        except Exception as error:
            raise CheckpointReadError(f"cannot read {key!r} from Airflow's task state store: {error}") from error

    def put(self, key: str, value: Any) -> None:
        """Write a row."""
        self.accessor.set(key, value, retention=self.retention)

    @contextmanager
    def refusals(self, key: RunKey, attempt: int) -> Iterator[None]:
        """Raise StaleAttemptError where Airflow refuses a write because the attempt has been replaced."""
        try:
            yield
        except Exception as error:
            if is_replaced(error):
                raise replaced_error(key, attempt) from error
            raise

    def set_aside(self, key: RunKey, data: Any, error: Exception) -> None:
        """Keep the content of a head's row under another key; the caller writes the row itself."""
        aside = aside_key(key)
        try:
            self.put(aside, data)
        except Exception as failure:
            if is_replaced(failure):
                raise
            raise CheckpointWriteError(f"cannot set the damaged checkpoint {head_key(key)!r} aside") from failure
        logger.warning(
            "the checkpoint in Airflow's task state store is damaged (%s); it was set aside as %r, and the pipeline "
            "starts from the beginning",
            error,
            aside,
        )


def is_replaced(error: Exception) -> bool:
    """Return whether Airflow refused to write because a newer attempt has replaced this one."""
    # Airflow answers 404 when the task instance id is not the live attempt's any more.
    response = getattr(error, "error", None)
    detail = getattr(response, "detail", None)
    return isinstance(detail, dict) and detail.get("status_code") == 404
