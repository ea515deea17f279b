"""Writes what one attempt records into rows of Airflow's task state store."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider.errors import CheckpointCorruptError, describe
from airflow_provider.runner.checkpoint.store import FENCED_OFF, fenced_off_error, replaced_error
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate
from airflow_provider.stores.task_state_head import CheckpointHead, head_key
from airflow_provider.stores.task_state_rows import RecordRows
from airflow_provider.stores.task_state_table import TaskStateTable

logger = logging.getLogger(__name__)


@dataclass
class RowsWriter:
    """Writes what one attempt records.

    :param head: the attempt's own head
    """

    table: TaskStateTable
    head: CheckpointHead
    _rows: RecordRows | None = None
    _unconfirmed: CheckpointUpdate | None = None

    def begin(self, state: CheckpointState) -> None:
        with self.table.refusals(self.head.key, self.head.attempt):
            self._refuse_replaced()
        self.write_whole(state)

    def write_whole(self, state: CheckpointState) -> None:
        """Write the whole record, whoever owns the checkpoint."""
        key = self.head.key
        record = uuid.uuid4().hex
        rows = self.table.rows(key, record)
        self._rows = None  # until the head names the new rows: what is added to the old ones might not count
        with self.table.refusals(key, self.head.attempt):
            rows.write(state)
            obsolete = {self.head.record, self.head.leftover}
            self.head = self.head.naming(record)
            self.table.put(head_key(key), self.head.to_json())
        self._rows, self._unconfirmed = rows, None
        for name in obsolete:
            if name is not None:
                self._tidy(name)

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        with self.table.refusals(self.head.key, self.head.attempt):
            if self._rows is not None:
                if update is not self._unconfirmed:
                    self._rows.append(update)
                    self._unconfirmed = update
                if self._refuse_replaced():
                    self._unconfirmed = None
                    return
        logger.warning("row %r disappeared from Airflow's task state store; writing it again", head_key(self.head.key))
        self.begin(whole())

    def _refuse_replaced(self) -> bool:
        """Return whether the attempt's head is there.

        :raises StaleAttemptError: it is another attempt's
        """
        key = self.head.key
        data = self.table.get(head_key(key))
        if data is None:
            return False
        try:
            found = CheckpointHead.from_json(data, key)
        except CheckpointCorruptError as error:
            self.table.set_aside(key, data, error)
            return False
        if found.of_same_attempt(self.head):
            return True
        if found.owner == FENCED_OFF:
            raise fenced_off_error(key, self.head.attempt)
        raise replaced_error(key, self.head.attempt, found.attempt)

    def _tidy(self, record: str) -> None:
        try:
            self.table.rows(self.head.key, record).remove()
        except Exception as error:  # noqa: BLE001 - nothing depends on it
            logger.warning("cannot delete old rows of %s: %s", self.head.key, describe(error))
