"""Checkpoints in Airflow's own task state store (Airflow 3.3 and later). Nothing to set up.

The UI shows them under Storage, where people can delete them. Airflow keeps one set of rows per DAG run, task and map
index, finds the live task instance by the id of the attempt, and so refuses a replaced attempt itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
)
from airflow_provider.runner.checkpoint.store import (
    FENCED_OFF,
    Takeover,
    TakeoverClaim,
    read_request,
    replaced_error,
)
from airflow_provider.runner.record.checkpoint_state import LAST_NUMBER, CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.stores.task_state_head import (
    CheckpointHead,
    TaskStateAccessor,
    head_key,
    progress_key,
    request_key,
)
from airflow_provider.stores.task_state_rows import RecordRows
from airflow_provider.stores.task_state_table import TaskStateTable
from airflow_provider.stores.task_state_writer import RowsWriter

logger = logging.getLogger(__name__)

TASK_STATE_ADDRESS = "Airflow's task state store"
"""Identifies the store as the place of a checkpoint; which rows it means follows from the run key."""

_FOR_EVER = timedelta.max  # this very object is what Airflow calls NEVER_EXPIRE; None would mean its 30 days
_LOOKS = 20  # how often to look when an attempt keeps changing what is being read


class TaskStateCheckpointStore:
    """Keeps the checkpoint with the task instance that it belongs to.

    Works only inside the task's process, and only for that task. A small row, the **head**, says which attempt owns the
    checkpoint and which other rows hold the record; no row is larger than 50 kB, see
    :class:`~airflow_provider.stores.task_state_rows.RecordRows`. Rows are written whole or not at all.

    An attempt takes over by writing the head with its own fence, and then reads; that leaves the record as it is. When
    it begins it writes the whole record into rows of new names, then lets the head name those, then removes the old
    ones: a kill at any point leaves a head that names complete rows. After each component it writes one row and then
    reads the head; the record counts as saved if that is still its own.

    A reader may find a part of what an attempt is writing. So a record counts if its head is the same afterwards, and
    damage counts if a second look finds the same head, the same rows and the same damage. Reading changes nothing; only
    an attempt that has taken over sets aside what is damaged.

    Airflow refuses every write of a replaced attempt, and answers its reads as if nothing were there. So an attempt
    writes a missing head again, which shows whether it was replaced or a person deleted the row.

    A request to restart is in the row ``pyspark_pipeline_restart_from/<pipeline>``. Instead of the JSON that
    :meth:`leave_request` writes, a person may type the name of a component there in Airflow's UI, a list of names, or
    ``{"components": […], "only": true}``. A typed request has no id; the attempt that finds it gives it one.

    :param accessor: ``context["task_state_store"]``
    :param retention: how long Airflow keeps a row after it was last written; None for ever
    """

    def __init__(self, accessor: TaskStateAccessor, *, retention: timedelta | None = None) -> None:
        self._accessor = accessor
        self._retention = _FOR_EVER if retention is None else retention

    def __repr__(self) -> str:
        return TASK_STATE_ADDRESS

    @property
    def address(self) -> str:
        return TASK_STATE_ADDRESS

    def save(self, state: CheckpointState) -> None:
        key = state.key
        mine = CheckpointHead.of(key, state.fence, state.attempt, state.owner)
        found = self._usable_head(key)
        if found is not None and (
            found.fence > mine.fence or (found.fence == mine.fence and found.owner not in ("", mine.owner))
        ):
            raise replaced_error(key, state.attempt, found.attempt)
        if found is not None and not found.of_same_attempt(mine):
            self._take(found)
            found = self._usable_head(key)
        if found is not None:
            mine = mine.model_copy(update={"record": found.record, "leftover": found.leftover})
        RowsWriter(self._table, mine).write_whole(state)

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is None:
            raise CheckpointReadError("the task state store needs the pipeline name; give it")
        key = RunKey(scope, run_id, pipeline_name)
        look = self._settled(key)
        if look.error is not None:
            logger.warning(
                "the checkpoint %r in Airflow's task state store is damaged (%s); it is ignored, and the next attempt "
                "will set it aside",
                head_key(key),
                look.error,
            )
        return look.state

    def exists(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        """Return whether there is a checkpoint that can be loaded. Errors are those of :meth:`load`."""
        return self.load(run_id, pipeline_name, scope=scope) is not None

    def take_over(self, claim: TakeoverClaim) -> Takeover:
        key = claim.key
        head = self._usable_head(key)
        fence, number = 1, claim.attempt or 1
        if head is not None:
            fence = head.fence + 1
            number = claim.attempt or head.attempt + (head.owner != claim.owner)
        mine = CheckpointHead.of(key, fence, number, claim.owner)
        if head is not None:
            mine = mine.model_copy(update={"record": head.record, "leftover": head.leftover})
        with self._table.refusals(key, number):
            self._table.put(head_key(key), mine.to_json())
            recorded, mine = self._take(mine)
        return Takeover(recorded, fence, number, RowsWriter(self._table, mine))

    def fence_off(self, key: RunKey) -> None:
        head = self._usable_head(key) or CheckpointHead.of(key, 0, 0, "")
        shut = head.model_copy(update={"fence": head.fence + 1, "attempt": 0, "owner": FENCED_OFF})
        self._table.put(head_key(key), shut.to_json())

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        key = RunKey(scope, run_id, pipeline_name)
        head = self._usable_head(key)
        last = head
        if head is not None and head.record is not None:
            # First, so that a kill leaves the checkpoint as it was, or none.
            last = head.naming(None)
            self._table.put(head_key(key), last.to_json())
        if last is not None and last.leftover is not None:
            self._table.rows(key, last.leftover).remove()
        if last is None:
            self._accessor.delete(head_key(key))  # there is none, or it was set aside
        elif last.owner != FENCED_OFF and self._table.get(head_key(key)) == last.to_json():
            # Otherwise whoever was fenced off stays so, or an attempt has taken over since and goes on.
            self._accessor.delete(head_key(key))
        self._accessor.delete(request_key(key))
        self._accessor.delete(progress_key(key))
        return head is not None and head.record is not None

    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        self._table.put(request_key(key), request.model_dump(mode="json"))

    def find_request(self, key: RunKey) -> RestartRequest | None:
        data = self._table.get(request_key(key))
        if data is None:
            return None
        return read_request(data, f"{request_key(key)!r} in Airflow's task state store")

    def drop_request(self, key: RunKey) -> None:
        self._accessor.delete(request_key(key))

    @property
    def _table(self) -> TaskStateTable:
        return TaskStateTable(self._accessor, self._retention)

    def _usable_head(self, key: RunKey) -> CheckpointHead | None:
        """Return the head, None if there is none; set a damaged one aside, which the caller replaces."""
        data = self._table.get(head_key(key))
        try:
            head = CheckpointHead.from_json(data, key) if data is not None else None
            if head is not None and max(head.fence, head.attempt) >= LAST_NUMBER:
                raise CheckpointCorruptError(f"no number can follow attempt {head.attempt} and fence {head.fence}")
        except CheckpointCorruptError as error:
            self._table.set_aside(key, data, error)
            return None
        return head

    def _take(self, mine: CheckpointHead) -> tuple[CheckpointState | None, CheckpointHead]:
        """Return what an attempt has taken over, and its head, which names no record if that is damaged.

        :raises StaleAttemptError: another attempt has taken over since
        """
        look = self._settled(mine.key)
        if look.head is not None and not look.head.of_same_attempt(mine):
            raise replaced_error(mine.key, mine.attempt, look.head.attempt)
        if look.error is not None:
            self._table.set_aside(mine.key, look.data, look.error)
        if look.state is None and (mine.record is not None or look.head is None):
            mine = mine.model_copy(update={"record": None})
            # A replaced attempt finds nothing; then this write fails, because Airflow refuses it.
            self._table.put(head_key(mine.key), mine.to_json())
        return look.state, mine

    def _settled(self, key: RunKey) -> _RowsSnapshot:
        """Look until the result counts: a record whose head stayed the same, none, or twice the same damage."""
        before = None
        for _ in range(_LOOKS):
            look = self._look(key)
            if look.error is None:
                if look.state is None or self._table.get(head_key(key)) == look.data:
                    return look
                before = None
            elif look == before:
                return look
            else:
                before = look
        raise CheckpointReadError(
            f"the checkpoint {head_key(key)!r} in Airflow's task state store changed {_LOOKS} times while it was read"
        )

    def _look(self, key: RunKey) -> _RowsSnapshot:
        seen: dict[str, Any] = {}

        def get(name: str) -> Any:
            seen[name] = self._table.get(name)
            return seen[name]

        data, head = self._table.get(head_key(key)), None
        try:
            head = CheckpointHead.from_json(data, key) if data is not None else None
            if head is None or head.record is None:
                return _RowsSnapshot(data, head)
            state = RecordRows(get, self._table.put, self._accessor.delete, key, head.record).read()
            if state.key != key:
                raise CheckpointCorruptError(f"it is the record of {state.key}")
        except CheckpointCorruptError as error:
            return _RowsSnapshot(data, head, None, error, error.args, seen)
        return _RowsSnapshot(data, head, state.model_copy(update={"fence": head.fence, "owner": head.owner}))


@dataclass(frozen=True)
class _RowsSnapshot:
    """What one look at a checkpoint finds.

    :param data: the row of the head
    :param head: its content, None if there is none or it is damaged
    :param error: what is wrong with the record
    :param problem: the arguments of that error, to compare
    :param seen: the rows that were read
    """

    data: Any
    head: CheckpointHead | None
    state: CheckpointState | None = None
    error: CheckpointCorruptError | None = field(default=None, compare=False)
    problem: tuple[object, ...] = ()
    seen: dict[str, Any] = field(default_factory=dict)
