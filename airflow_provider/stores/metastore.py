"""Airflow's task state store from outside of a task: through the metadata database, as Airflow's own commands do."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from airflow_provider.stores.task_state_rows import HEAD_PREFIX, Head, head_key

logger = logging.getLogger(__name__)


class MetastoreAccessor:
    """What ``context["task_state_store"]`` is in a task, for a process that has access to the metadata database.

    :param dag_id: the DAG
    :param task_id: the task
    :param run_id: the DAG run
    :param map_index: index of a mapped task, -1 if it is not mapped
    """

    def __init__(self, dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> None:
        from airflow.state import TaskScope, get_state_backend

        self._backend: Any = get_state_backend()
        self._scope = TaskScope(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)

    def get(self, key: str) -> Any:
        text = self._backend.get(self._scope, key)
        return None if text is None else json.loads(text)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        # timedelta.max is Airflow's NEVER_EXPIRE
        expires_at = None if retention in (None, timedelta.max) else datetime.now(UTC) + retention
        self._backend.set(self._scope, key, json.dumps(value), expires_at=expires_at)

    def delete(self, key: str) -> None:
        self._backend.delete(self._scope, key)


def stored_checkpoints(dag_id: str | None = None) -> list[CheckpointState]:
    """Return the checkpoints in the task state store.

    :param dag_id: only those of this DAG
    """
    from airflow.models.task_state_store import TaskStateStoreModel as Row
    from airflow.utils.session import create_session
    from sqlalchemy import select

    statement = select(Row.key, Row.value, Row.dag_id, Row.task_id, Row.run_id, Row.map_index).where(
        Row.key.startswith(HEAD_PREFIX, autoescape=True)
    )
    if dag_id is not None:
        statement = statement.where(Row.dag_id == dag_id)
    with create_session() as session:
        rows = list(session.execute(statement))
    found = []
    for row in rows:
        try:
            head = Head.from_json(row.value)
            if head_key(head.key) != row.key:
                continue  # somebody copied it here
            accessor = MetastoreAccessor(row.dag_id, row.task_id, row.run_id, row.map_index)
            state = load(TaskStateCheckpointStore(accessor), head.key)
        except (CheckpointCorruptError, CheckpointFormatError) as error:
            logger.warning("passing over %r of %s.%s: %s", row.key, row.dag_id, row.task_id, error)
            continue
        if state is not None:
            found.append(state)
    return found
