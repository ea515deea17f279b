"""The row of Airflow's task state store that shows people how far a run is. It is no part of the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.task_state_head import TaskStateAccessor, progress_key
from airflow_provider.stores.task_state_table import is_replaced


@dataclass(frozen=True)
class TaskStateProgress:
    """Keeps the newest document in a row. Airflow refuses the writes of a replaced attempt.

    :param accessor: ``context["task_state_store"]``
    :param key: which run
    :param retention: how long Airflow keeps the row after it was last written
    :param any_thread: see :class:`~airflow_provider.runner.observing.progress_writer.ProgressSink`
    """

    accessor: TaskStateAccessor
    key: RunKey
    retention: timedelta
    any_thread: bool

    def read(self) -> Any:
        """Return what is there, None if nothing is."""
        return self.accessor.get(progress_key(self.key))

    def write(self, document: dict[str, Any]) -> None:
        try:
            self.accessor.set(progress_key(self.key), document, retention=self.retention)
        except Exception as error:
            if is_replaced(error):
                raise StaleAttemptError("a newer attempt has replaced this one") from error
            raise
