"""Checkpoints in Airflow's own task state store (Airflow 3.3 and later). Nothing to set up.

They are visible and can be deleted in the UI under Storage. Airflow keeps one set of rows per DAG run, task and
map index, looks the live task instance up by the id of the attempt, and so refuses a replaced attempt itself.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
    CheckpointWriteError,
    StaleAttemptError,
    describe,
)
from airflow_provider.runner.checkpoint.store import Claim, Takeover, read_request, replaced, shut_out
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.runner.record.state import CheckpointState, CheckpointUpdate
from airflow_provider.stores.task_state_rows import Head, Rows, TaskStateAccessor, head_key, request_key

logger = logging.getLogger(__name__)

_FOR_EVER = timedelta.max  # this very object is what Airflow calls NEVER_EXPIRE; None would mean its 30 days
_SHUT_OUT = "shut-out"


class TaskStateCheckpointStore:
    """Keeps the checkpoint with the task instance that it belongs to.

    Works only inside the task's process, and only for that task. A small row, the **head**, says which attempt owns the
    checkpoint and which other rows hold the record; no row is larger than 50 kB, see
    :class:`~airflow_provider.stores.task_state_rows.Rows`. Rows are written whole or not at all.

    An attempt takes over by writing the head with its own fence; that leaves the record as it is. When it begins it
    writes the whole record into rows of new names, then lets the head name those, then removes the old ones: a kill at
    any point leaves a head that names complete rows. After each component it reads the head, and if that is still its
    own it writes one row.

    Airflow refuses every write of an attempt that it has replaced, and answers its reads as if nothing were there. So a
    head that is missing is written again, which shows whether the attempt was replaced or a person deleted the row.

    A request to restart is kept under ``pyspark_pipeline_restart_from/<pipeline>``. Instead of the JSON that
    :meth:`leave_request` writes, a person may type the bare name of a component there in Airflow's UI. Typed text
    has no id, so it counts as a new request each time it is found; it is removed once it has been carried out.

    :param accessor: ``context["task_state_store"]``
    :param retention: how long Airflow keeps what was last saved; None for ever
    """

    def __init__(self, accessor: TaskStateAccessor, *, retention: timedelta | None = None) -> None:
        self._accessor = accessor
        self._retention = _FOR_EVER if retention is None else retention

    def __repr__(self) -> str:
        return "Airflow's task state store"

    def save(self, state: CheckpointState) -> None:
        head = self.head(state.key)
        if head is not None and (
            head.fence > state.fence or (head.fence == state.fence and head.owner not in ("", state.owner))
        ):
            raise replaced(state.key, state.attempt, head.attempt)
        record = head.record if head is not None else None
        _Writer(self, Head.of(state.key, state.fence, state.attempt, state.owner, record)).write_whole(state)

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is None:
            raise CheckpointReadError("the task state store is read by name; give the pipeline name")
        key = RunKey(scope, run_id, pipeline_name)
        head = self.head(key)
        return self._read(key, head) if head is not None else None

    def take_over(self, claim: Claim) -> Takeover:
        head = self.head(claim.key)
        recorded = self._read(claim.key, head) if head is not None else None
        if recorded is None:
            head = self.head(claim.key)  # a damaged one has been set aside
        fence = head.fence + 1 if head is not None else 1
        mine = Head.of(claim.key, fence, claim.number_after(recorded), claim.owner, head.record if head else None)
        with self.refusals(claim.key, mine.attempt):
            self.put(head_key(claim.key), mine.to_json())
        if recorded is not None:
            recorded = recorded.model_copy(update={"fence": fence, "owner": claim.owner})
        return Takeover(recorded, fence, mine.attempt, _Writer(self, mine))

    def shut_out(self, key: RunKey) -> None:
        head = self.head(key)
        fence = head.fence + 1 if head is not None else 1
        self.put(head_key(key), Head.of(key, fence, 0, _SHUT_OUT, head.record if head else None).to_json())

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        key = RunKey(scope, run_id, pipeline_name)
        head = self.head(key)
        if head is not None and head.record is not None:
            self.rows(key, head.record).remove()
        if head is not None and head.owner == _SHUT_OUT:  # whoever was shut out stays so
            self.put(head_key(key), Head.of(key, head.fence, 0, _SHUT_OUT, None).to_json())
        else:
            self._accessor.delete(head_key(key))
        self._accessor.delete(request_key(key))
        return head is not None and head.record is not None

    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        self.put(request_key(key), request.model_dump(mode="json"))

    def find_request(self, key: RunKey) -> RestartRequest | None:
        data = self.get(request_key(key))
        if data is None:
            return None
        if isinstance(data, str) and (component := data.strip()) and not component.startswith("{"):
            return RestartRequest(component=component)
        return read_request(data, f"{request_key(key)!r} in Airflow's task state store")

    def drop_request(self, key: RunKey) -> None:
        self._accessor.delete(request_key(key))

    def rows(self, key: RunKey, record: str) -> Rows:
        """Return access to the rows of a record."""
        return Rows(self.get, self.put, self._accessor.delete, key, record)

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
            if _is_replaced(error):
                raise replaced(key, attempt) from error
            raise

    def head(self, key: RunKey) -> Head | None:
        """Return the head of a checkpoint, None if there is none."""
        data = self.get(head_key(key))
        if data is None:
            return None
        try:
            return Head.from_json(data, key)
        except CheckpointCorruptError as error:
            self._set_aside(key, data, error)
            return None

    def _read(self, key: RunKey, head: Head) -> CheckpointState | None:
        if head.record is None:
            return None
        try:
            state = self.rows(key, head.record).read()
            if state.key != key:
                raise CheckpointCorruptError(f"it is the record of {state.key}")
        except CheckpointCorruptError as error:
            self._set_aside(key, head.to_json(), error)
            return None
        return state.model_copy(update={"fence": head.fence, "owner": head.owner})

    def _set_aside(self, key: RunKey, data: Any, error: Exception) -> None:
        aside = f"{head_key(key)}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        try:
            self.put(aside, data)
            self._accessor.delete(head_key(key))
        except Exception as failure:
            raise CheckpointWriteError(f"the damaged checkpoint {head_key(key)!r} cannot be set aside") from failure
        logger.warning(
            "the checkpoint in Airflow's task state store is damaged (%s); it was set aside as %r and the "
            "pipeline starts afresh",
            error,
            aside,
        )


@dataclass
class _Writer:
    """Writes what one attempt records.

    :param store: where
    :param head: the attempt's own head
    """

    store: TaskStateCheckpointStore
    head: Head
    _rows: Rows | None = None

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
            before, self.head = self.head.record, self.head.model_copy(update={"record": record})
            self.store.put(head_key(key), self.head.to_json())
        self._rows = rows
        if before is not None:
            self._tidy(before)

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        with self.store.refusals(self.head.key, self.head.attempt):
            if self._rows is not None and self._refuse_replaced():
                self._rows.append(update)
                return
        logger.warning(
            "the row %r is gone from Airflow's task state store; it is written again", head_key(self.head.key)
        )
        self.begin(whole())

    def _refuse_replaced(self) -> bool:
        """Return whether the attempt's head is there.

        :raises StaleAttemptError: it is another attempt's
        """
        found = self.store.head(self.head.key)
        if found is None or (found.fence, found.owner) == (self.head.fence, self.head.owner):
            return found is not None
        if found.owner == _SHUT_OUT:
            raise shut_out(self.head.key, self.head.attempt)
        raise replaced(self.head.key, self.head.attempt, found.attempt)

    def _tidy(self, record: str) -> None:
        try:
            self.store.rows(self.head.key, record).remove()
        except Exception as error:  # noqa: BLE001 - nothing depends on it
            logger.warning("old rows of %s cannot be removed: %s", self.head.key, describe(error))


def refuse_replaced(accessor: TaskStateAccessor | None) -> None:
    """Raise if the task instance that this process runs has been replaced by a newer attempt.

    :param accessor: ``context["task_state_store"]``; without one it cannot be told, and nothing is raised
    :raises StaleAttemptError: it has been replaced
    """
    if accessor is None:
        return
    key = "pyspark_pipeline_alive"
    try:  # to write: a read of a replaced attempt is answered as if nothing were there
        accessor.set(key, True)
        accessor.delete(key)
    except Exception as error:
        if _is_replaced(error):
            raise StaleAttemptError("this attempt has been replaced by a newer one; it stops here") from error
        raise


def _is_replaced(error: Exception) -> bool:
    # Airflow answers 404 when the task instance id is not the live attempt's any more.
    response = getattr(error, "error", None)
    detail = getattr(response, "detail", None)
    return isinstance(detail, dict) and detail.get("status_code") == 404
