"""Checkpoints in Airflow's own task state store (Airflow 3.3 and later). Nothing to set up.

They are visible and can be deleted in the UI under Storage. Airflow keeps one set of rows per DAG run, task and
map index, looks the live task instance up by the id of the attempt, and so refuses a replaced attempt itself.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
    CheckpointWriteError,
    describe,
)
from airflow_provider.runner.checkpoint.store import (
    Takeover,
    TakeoverClaim,
    fenced_off_error,
    read_request,
    replaced_error,
)
from airflow_provider.runner.record.checkpoint_state import LAST_NUMBER, CheckpointState, CheckpointUpdate
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.stores.task_state_rows import (
    CheckpointHead,
    RecordRows,
    TaskStateAccessor,
    aside_key,
    head_key,
    request_key,
)

logger = logging.getLogger(__name__)

TASK_STATE_ADDRESS = "Airflow's task state store"
"""Identifies the store as the place of a checkpoint; which rows it means follows from the run key."""

_FOR_EVER = timedelta.max  # this very object is what Airflow calls NEVER_EXPIRE; None would mean its 30 days
_FENCED_OFF = "shut-out"
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

    Who looks while an attempt writes may find a part. So a record is believed if its head is the same afterwards, and
    damage if a second look finds the same head, the same rows and the same damage. A look changes nothing; only an
    attempt that has taken over sets aside what is damaged.

    Airflow refuses every write of an attempt that it has replaced, and answers its reads as if nothing were there. So a
    head that is missing is written again, which shows whether the attempt was replaced or a person deleted the row.

    A request to restart is kept under ``pyspark_pipeline_restart_from/<pipeline>``. Instead of the JSON that
    :meth:`leave_request` writes, a person may type the name of a component there in Airflow's UI, a list of names, or
    ``{"components": […], "only": true}``. What was typed has no id; the attempt that finds it gives it one.

    :param accessor: ``context["task_state_store"]``
    :param retention: how long Airflow keeps what was last saved; None for ever
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
        _RowsWriter(self, mine).write_whole(state)

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is None:
            raise CheckpointReadError("the task state store is read by name; give the pipeline name")
        key = RunKey(scope, run_id, pipeline_name)
        look = self._settled(key)
        if look.error is not None:
            logger.warning(
                "the checkpoint %r in Airflow's task state store is damaged (%s); it counts as none, and the next "
                "attempt will set it aside",
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
        with self.refusals(key, number):
            self.put(head_key(key), mine.to_json())
            recorded, mine = self._take(mine)
        return Takeover(recorded, fence, number, _RowsWriter(self, mine))

    def fence_off(self, key: RunKey) -> None:
        head = self._usable_head(key) or CheckpointHead.of(key, 0, 0, "")
        shut = head.model_copy(update={"fence": head.fence + 1, "attempt": 0, "owner": _FENCED_OFF})
        self.put(head_key(key), shut.to_json())

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        key = RunKey(scope, run_id, pipeline_name)
        head = self._usable_head(key)
        last = head
        if head is not None and head.record is not None:
            # First, so that what a kill leaves is the checkpoint as it was, or none.
            last = head.naming(None)
            self.put(head_key(key), last.to_json())
        if last is not None and last.leftover is not None:
            self.rows(key, last.leftover).remove()
        if last is None:
            self._accessor.delete(head_key(key))  # there is none, or what was there has been set aside
        elif last.owner != _FENCED_OFF and self.get(head_key(key)) == last.to_json():
            # Otherwise whoever was shut out stays so, or an attempt has taken over since and goes on.
            self._accessor.delete(head_key(key))
        self._accessor.delete(request_key(key))
        return head is not None and head.record is not None

    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        self.put(request_key(key), request.model_dump(mode="json"))

    def find_request(self, key: RunKey) -> RestartRequest | None:
        data = self.get(request_key(key))
        if data is None:
            return None
        return read_request(data, f"{request_key(key)!r} in Airflow's task state store")

    def drop_request(self, key: RunKey) -> None:
        self._accessor.delete(request_key(key))

    def rows(self, key: RunKey, record: str) -> RecordRows:
        """Return access to the rows of a record."""
        return RecordRows(self.get, self.put, self._accessor.delete, key, record)

    def get(self, key: str) -> Any:
        """Return the value of a row, None if there is none."""
        try:
            return self._accessor.get(key)
        except Exception as error:
            raise CheckpointReadError(f"cannot read {key!r} from Airflow's task state store: {error}") from error

    def put(self, key: str, value: Any) -> None:
        """Write a row."""
        self._accessor.set(key, value, retention=self._retention)

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
        """Keep what was in the row of a head under another key; the row itself is the caller's to write."""
        aside = aside_key(key)
        try:
            self.put(aside, data)
        except Exception as failure:
            if is_replaced(failure):
                raise
            raise CheckpointWriteError(f"the damaged checkpoint {head_key(key)!r} cannot be set aside") from failure
        logger.warning(
            "the checkpoint in Airflow's task state store is damaged (%s); it was set aside as %r and the "
            "pipeline starts afresh",
            error,
            aside,
        )

    def _usable_head(self, key: RunKey) -> CheckpointHead | None:
        """Return the head, None if there is none; a damaged one is set aside, and about to be replaced."""
        data = self.get(head_key(key))
        try:
            head = CheckpointHead.from_json(data, key) if data is not None else None
            if head is not None and max(head.fence, head.attempt) >= LAST_NUMBER:
                raise CheckpointCorruptError(f"there is no number after attempt {head.attempt} and fence {head.fence}")
        except CheckpointCorruptError as error:
            self.set_aside(key, data, error)
            return None
        return head

    def _take(self, mine: CheckpointHead) -> tuple[CheckpointState | None, CheckpointHead]:
        """Return what an attempt has taken over, and its head, which names no record if that was damaged.

        :raises StaleAttemptError: another attempt has taken over since
        """
        look = self._settled(mine.key)
        if look.head is not None and not look.head.of_same_attempt(mine):
            raise replaced_error(mine.key, mine.attempt, look.head.attempt)
        if look.error is not None:
            self.set_aside(mine.key, look.data, look.error)
        if look.state is None and (mine.record is not None or look.head is None):
            mine = mine.model_copy(update={"record": None})
            # To a replaced attempt it seems as if nothing were there; Airflow refuses to write for it.
            self.put(head_key(mine.key), mine.to_json())
        return look.state, mine

    def _settled(self, key: RunKey) -> _RowsSnapshot:
        """Look until what is found can be believed: a record whose head has not changed meanwhile, or none, or twice
        the same damage in the same rows.
        """
        before = None
        for _ in range(_LOOKS):
            look = self._look(key)
            if look.error is None:
                if look.state is None or self.get(head_key(key)) == look.data:
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
            seen[name] = self.get(name)
            return seen[name]

        data, head = self.get(head_key(key)), None
        try:
            head = CheckpointHead.from_json(data, key) if data is not None else None
            if head is None or head.record is None:
                return _RowsSnapshot(data, head)
            state = RecordRows(get, self.put, self._accessor.delete, key, head.record).read()
            if state.key != key:
                raise CheckpointCorruptError(f"it is the record of {state.key}")
        except CheckpointCorruptError as error:
            return _RowsSnapshot(data, head, None, error, str(error), seen)
        return _RowsSnapshot(data, head, state.model_copy(update={"fence": head.fence, "owner": head.owner}))


@dataclass(frozen=True)
class _RowsSnapshot:
    """What one look at a checkpoint has found.

    :param data: the row of the head
    :param head: what it says, None if there is none or it is damaged
    :param state: the record
    :param error: what is wrong
    :param message: the same for a comparison
    :param seen: the rows that show it
    """

    data: Any
    head: CheckpointHead | None
    state: CheckpointState | None = None
    error: CheckpointCorruptError | None = field(default=None, compare=False)
    message: str = ""
    seen: dict[str, Any] = field(default_factory=dict)


@dataclass
class _RowsWriter:
    """Writes what one attempt records.

    :param store: where
    :param head: the attempt's own head
    """

    store: TaskStateCheckpointStore
    head: CheckpointHead
    _rows: RecordRows | None = None
    _unconfirmed: CheckpointUpdate | None = None

    def begin(self, state: CheckpointState) -> None:
        with self.store.refusals(self.head.key, self.head.attempt):
            self._refuse_replaced()
        self.write_whole(state)

    def write_whole(self, state: CheckpointState) -> None:
        """Write the whole record, whoever owns the checkpoint."""
        key = self.head.key
        record = uuid.uuid4().hex
        rows = self.store.rows(key, record)
        self._rows = None  # until the head names the new ones: what is added to the old ones might not count
        with self.store.refusals(key, self.head.attempt):
            rows.write(state)
            obsolete = {self.head.record, self.head.leftover}
            self.head = self.head.naming(record)
            self.store.put(head_key(key), self.head.to_json())
        self._rows, self._unconfirmed = rows, None
        for name in obsolete:
            if name is not None:
                self._tidy(name)

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        with self.store.refusals(self.head.key, self.head.attempt):
            if self._rows is not None:
                if update is not self._unconfirmed:
                    self._rows.append(update)
                    self._unconfirmed = update
                if self._refuse_replaced():
                    self._unconfirmed = None
                    return
        logger.warning(
            "the row %r is gone from Airflow's task state store; it is written again", head_key(self.head.key)
        )
        self.begin(whole())

    def _refuse_replaced(self) -> bool:
        """Return whether the attempt's head is there.

        :raises StaleAttemptError: it is another attempt's
        """
        key = self.head.key
        data = self.store.get(head_key(key))
        if data is None:
            return False
        try:
            found = CheckpointHead.from_json(data, key)
        except CheckpointCorruptError as error:
            self.store.set_aside(key, data, error)
            return False
        if found.of_same_attempt(self.head):
            return True
        if found.owner == _FENCED_OFF:
            raise fenced_off_error(key, self.head.attempt)
        raise replaced_error(key, self.head.attempt, found.attempt)

    def _tidy(self, record: str) -> None:
        try:
            self.store.rows(self.head.key, record).remove()
        except Exception as error:  # noqa: BLE001 - nothing depends on it
            logger.warning("old rows of %s cannot be removed: %s", self.head.key, describe(error))


def is_replaced(error: Exception) -> bool:
    """Return whether Airflow refused to write because the attempt that asked for it has been replaced."""
    # Airflow answers 404 when the task instance id is not the live attempt's any more.
    response = getattr(error, "error", None)
    detail = getattr(response, "detail", None)
    return isinstance(detail, dict) and detail.get("status_code") == 404
