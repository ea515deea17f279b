"""Reads Airflow's task state store from outside a task, through the metadata database as Airflow's own commands do."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from airflow_provider.commands.airflow.task_instance_row import (
    names_task_instance,
    running_activity,
    task_instance_activity,
    task_instance_coordinates,
)
from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError, CheckpointReadError
from airflow_provider.runner import CheckpointState, CheckpointStore
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.housekeeping.activity import Activity, ActivityKind
from airflow_provider.runner.housekeeping.prune import CheckpointLookup
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import DirectoryMarker
from airflow_provider.stores.task_state import TASK_STATE_ADDRESS, TaskStateCheckpointStore
from airflow_provider.stores.task_state_head import HEAD_PREFIX, CheckpointHead, head_key

logger = logging.getLogger(__name__)


class MetastoreAccessor:
    """What ``context["task_state_store"]`` is in a task, for a process that has access to the metadata database.

    :param dag_id: the DAG
    :param task_id: the task
    :param run_id: the DAG run
    :param index: the task instance's index as stored: that of a mapped task or of an iteration, otherwise -1
    :param region: in which region the index counts; None before Airflow 3.4
    """

    def __init__(self, dag_id: str, task_id: str, run_id: str, index: int = -1, region: UUID | None = None) -> None:
        from airflow.state import TaskScope, get_state_backend

        self._backend: Any = get_state_backend()
        where: dict[str, Any] = {} if region is None else {"region_id": region}
        self._scope = TaskScope(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=index, **where)

    @classmethod
    def of(cls, key: RunKey) -> MetastoreAccessor:
        """Return the accessor of the task instance that a checkpoint belongs to.

        :raises CheckpointReadError: the key is not one of Airflow's
        """
        if not names_task_instance(key):
            raise CheckpointReadError(
                f"{'/'.join(key.scope)} does not name a task instance; give a DAG, a task and a map index, and in a "
                "loop over tasks also the id and the index of a region"
            )
        return cls(key.scope[0], key.scope[1], key.run_id, *task_instance_coordinates(key))

    def get(self, key: str) -> Any:
        text = self._backend.get(self._scope, key)
        return None if text is None else json.loads(text)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        # timedelta.max is Airflow's NEVER_EXPIRE
        expires_at = None if retention in (None, timedelta.max) else datetime.now(UTC) + retention
        self._backend.set(self._scope, key, json.dumps(value), expires_at=expires_at)

    def delete(self, key: str) -> None:
        self._backend.delete(self._scope, key)


@dataclass(frozen=True)
class MetastoreLookup:
    """Looks up the checkpoint that a marker names, and whether its task instance is active.

    :param store: where checkpoints are kept beside the task state store, None for nowhere
    :param deployment: which Airflow this is
    """

    store: CheckpointStore | None
    deployment: str

    def __call__(self, marker: DirectoryMarker, key: RunKey) -> CheckpointLookup:
        ours = names_task_instance(key) and marker.deployment == self.deployment
        activity = task_instance_activity(key) if ours else running_activity(key)
        if ours and activity is None:
            activity = Activity(ActivityKind.ENDED)
        if self.store is not None and marker.checkpoint == store_address(self.store):
            return CheckpointLookup(True, load(self.store, key), activity)
        if ours and marker.checkpoint == TASK_STATE_ADDRESS:
            return CheckpointLookup(True, _in_task_state(key), activity)
        return CheckpointLookup(False, None, activity)


def _in_task_state(key: RunKey) -> CheckpointState | None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        statement = select(DagRun.id).where(DagRun.dag_id == key.scope[0], DagRun.run_id == key.run_id)
        if session.execute(statement).first() is None:
            return None  # and with it the rows
    return load(TaskStateCheckpointStore(MetastoreAccessor.of(key)), key)


def stored_checkpoints(dag_id: str | None = None) -> list[CheckpointState]:
    """Return the checkpoints in the task state store.

    :param dag_id: only those of this DAG
    """
    from airflow.models.task_state_store import TaskStateStoreModel as Row
    from airflow.utils.session import create_session
    from sqlalchemy import select

    regional = hasattr(Row, "region_id")  # Airflow 3.4
    where = (Row.region_index, Row.region_id) if regional else (Row.map_index,)
    statement = select(Row.key, Row.value, Row.dag_id, Row.task_id, Row.run_id, *where).where(
        Row.key.startswith(HEAD_PREFIX, autoescape=True)
    )
    if dag_id is not None:
        statement = statement.where(Row.dag_id == dag_id)
    with create_session() as session:
        rows = list(session.execute(statement))
    found = []
    for row in rows:
        try:
            head = CheckpointHead.from_json(row.value)
            if head_key(head.key) != row.key:
                continue  # it was copied here
            accessor = MetastoreAccessor(row.dag_id, row.task_id, row.run_id, *row[5:])
            state = load(TaskStateCheckpointStore(accessor), head.key)
        except (CheckpointCorruptError, CheckpointFormatError) as error:
            logger.warning("ignoring row %r of task %s.%s: %s", row.key, row.dag_id, row.task_id, error)
            continue
        if state is not None:
            found.append(state)
    return found
