"""The layout of a record in rows of Airflow's task state store: sizes, and which row means what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider.errors import CheckpointCorruptError
from airflow_provider.runner.record.checkpoint_state import (
    FORMAT_VERSION,
    CheckpointState,
    CheckpointUpdate,
    read_document,
)
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.task_state_head import record_prefix

_LARGEST_ROW = 45_000  # characters of JSON; Airflow warns above 65,535 bytes, and its REST API refuses such a row
_SEGMENT = 16  # updates


class RecordRows:
    """The rows of one record, from one attempt's beginning to the next one's.

    ``checkpoint`` is the whole record as it was then. An update goes into one of 16 rows ``recent-<n>``, which are
    used in turn. Every 16th update, or when they reach 45,000 characters, the recent ones and the new one are
    written together as ``segment-<n>`` instead. So an update costs one row, or two if it is large itself; a thousand
    take some 80 rows; and each is written at most twice, however many there are. A value that is too large for one row
    is split over several, which are written first.

    Every update has a number. A reader takes the segments until one is missing, then the recent rows that follow. An
    attempt may be writing meanwhile: a reader that misses the newest segment finds recent rows that have been used
    again since, so a number is missing. ``checkpoint`` is deleted last, so it is there as long as anything is.

    :param get: returns the value of a row, None if there is none
    :param put: writes a row
    :param delete: removes a row
    :param key: which checkpoint
    :param record: name of the record
    """

    def __init__(
        self,
        get: Callable[[str], Any],
        put: Callable[[str, Any], None],
        delete: Callable[[str], object],
        key: RunKey,
        record: str,
    ) -> None:
        self._get, self._put, self._delete = get, put, delete
        self._record = record
        self._base = record_prefix(key, record)
        self._count = 0
        self._segments = 0
        self._recent: list[dict[str, Any]] = []
        self._recent_size = 0

    def write(self, state: CheckpointState) -> None:
        """Write the whole record."""
        self._write("checkpoint", {"record": self._record, **state.to_json()})

    def append(self, update: CheckpointUpdate) -> None:
        """Write what has happened since."""
        entry = {"number": self._count, **update.to_json()}
        size = len(json.dumps(entry))
        full = len(self._recent) == _SEGMENT - 1
        if self._recent and self._recent_size + size > _LARGEST_ROW:
            self._close_segment([])
        if full or size > _LARGEST_ROW:
            self._close_segment([entry])
        else:
            self._write(f"recent-{self._count % _SEGMENT}", entry)
            self._recent.append(entry)
            self._recent_size += size
        self._count += 1

    def read(self) -> CheckpointState:
        """Return the record.

        :raises CheckpointCorruptError: it is damaged
        """
        whole = self._read("checkpoint")
        if whole is None:
            raise CheckpointCorruptError("the row of the whole record is missing")
        if not isinstance(whole, dict) or whole.get("record") != self._record:
            raise CheckpointCorruptError("the row of the whole record is that of another record")
        entries: dict[int, Any] = {}
        segment = 0
        while (found := self._read(f"segment-{segment}")) is not None:
            if not isinstance(found, list) or not found:
                raise CheckpointCorruptError(f"segment {segment} is not a list of updates")
            entries |= {_number(entry): entry for entry in found}
            segment += 1
        covered = len(entries)
        for slot in range(_SEGMENT):
            entry = self._read(f"recent-{slot}")
            if entry is not None and (number := _number(entry)) >= covered:
                entries[number] = entry
        if sorted(entries) != list(range(len(entries))):
            raise CheckpointCorruptError("the rows of some components are missing")
        updates = [
            read_document(CheckpointUpdate, {"format_version": FORMAT_VERSION, **entries[number]})
            for number in range(len(entries))
        ]
        return CheckpointState.from_json(whole).updated(updates)

    def remove(self) -> None:
        """Remove all rows."""
        if self._get(f"{self._base}/checkpoint") is None:
            return
        segment = 0
        while self._get(f"{self._base}/segment-{segment}") is not None:
            segment += 1
        for number in reversed(range(segment)):  # so that they are found after a kill
            self._remove(f"segment-{number}")
        for slot in range(_SEGMENT):
            self._remove(f"recent-{slot}")
        self._remove("checkpoint")

    def _close_segment(self, more: list[dict[str, Any]]) -> None:
        self._write(f"segment-{self._segments}", [*self._recent, *more])
        self._segments += 1
        self._recent, self._recent_size = [], 0

    def _write(self, name: str, value: Any) -> None:
        text = json.dumps(value)
        if len(text) <= _LARGEST_ROW:
            self._put(f"{self._base}/{name}", value)
            return
        # A row's size is that of its JSON, in which each quote of a text takes two characters.
        length = _LARGEST_ROW // 2
        parts = [text[start : start + length] for start in range(0, len(text), length)]
        for index, part in enumerate(parts):
            self._put(f"{self._base}/{name}/part-{index}", part)
        self._put(f"{self._base}/{name}", {"parts": len(parts)})

    def _read(self, name: str) -> Any:
        value = self._get(f"{self._base}/{name}")
        if not isinstance(value, dict) or set(value) != {"parts"}:
            return value
        texts = []
        for index in range(_parts(value)):
            part = self._get(f"{self._base}/{name}/part-{index}")
            if not isinstance(part, str):
                raise CheckpointCorruptError(f"part {index} of {name} is missing")
            texts.append(part)
        try:
            return json.loads("".join(texts))
        except (ValueError, RecursionError) as error:
            raise CheckpointCorruptError(f"{name} is not JSON: {error}") from error

    def _remove(self, name: str) -> None:
        value = self._get(f"{self._base}/{name}")
        if isinstance(value, dict) and set(value) == {"parts"}:
            for index in range(_parts(value)):
                self._delete(f"{self._base}/{name}/part-{index}")
        if value is not None:
            self._delete(f"{self._base}/{name}")


def _parts(value: dict[str, Any]) -> int:
    count = value["parts"]
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= _MOST_PARTS:
        raise CheckpointCorruptError("a row has an impossible number of parts")
    return count


_MOST_PARTS = 10_000


def _number(entry: Any) -> int:
    number = entry.get("number") if isinstance(entry, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise CheckpointCorruptError("an update has no number")
    return number
