"""The keys of a checkpoint's rows in Airflow's task state store, and the row that says who owns the checkpoint."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import Field

from airflow_provider.errors import CheckpointCorruptError
from airflow_provider.runner.record.checkpoint_state import FORMAT_VERSION, LAST_NUMBER, read_document
from airflow_provider.runner.record.json_record import JsonRecord
from airflow_provider.runner.record.run_key import RunKey, Scope

HEAD_PREFIX = "pyspark_pipeline/"
_ASIDE_PREFIX = "pyspark_pipeline_corrupt/"
_RECORD_PREFIX = "pyspark_pipeline_record/"
_REQUEST_PREFIX = "pyspark_pipeline_restart_from/"
_PROGRESS_PREFIX = "pyspark_pipeline_progress/"
_LONGEST_KEY = 400  # Airflow's column holds 512 characters
_RECORD = "^[0-9a-f]{1,32}$"


class TaskStateAccessor(Protocol):
    """The part of ``context["task_state_store"]`` that this package uses."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None: ...

    def delete(self, key: str) -> None: ...


def head_key(key: RunKey) -> str:
    """Return the key of the row that says who owns a checkpoint and where its record is."""
    return HEAD_PREFIX + _shortened(key.pipeline_name)


def aside_key(key: RunKey) -> str:
    """Return a new key for a row that is set aside."""
    return f"{_ASIDE_PREFIX}{_shortened(key.pipeline_name)}/{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"


def record_prefix(key: RunKey, record: str) -> str:
    """Return how the keys of the rows of a record begin."""
    return f"{_RECORD_PREFIX}{_shortened(key.pipeline_name)}/{record}"


def request_key(key: RunKey) -> str:
    """Return the key of the row that holds a request to restart."""
    return _REQUEST_PREFIX + _shortened(key.pipeline_name)


def progress_key(key: RunKey) -> str:
    """Return the key of the row that shows people how far a run is."""
    return _PROGRESS_PREFIX + _shortened(key.pipeline_name)


class CheckpointHead(JsonRecord):
    """The row that says who owns a checkpoint.

    :param fence: grows by one with each takeover
    :param owner: random id of the attempt
    :param attempt: its number
    :param record: names the rows that hold the record; None before the first attempt has begun
    :param leftover: names rows that no longer count, some of which a kill may have left
    """

    format_version: int = FORMAT_VERSION
    run_id: str
    pipeline_name: str
    scope: Scope = ()
    fence: int = Field(ge=0, le=10**9)
    owner: str
    attempt: int = Field(ge=0, le=10**9)
    record: str | None = Field(default=None, pattern=_RECORD)
    leftover: str | None = Field(default=None, pattern=_RECORD)

    @classmethod
    def of(cls, key: RunKey, fence: int, attempt: int, owner: str) -> CheckpointHead:
        """Return the head of an attempt that has no record yet."""
        return cls(
            run_id=key.run_id,
            pipeline_name=key.pipeline_name,
            scope=key.scope,
            fence=fence,
            owner=owner,
            attempt=attempt,
        )

    def naming(self, record: str | None) -> CheckpointHead:
        """Return this head with another record in place of the one that it names."""
        return self.model_copy(update={"record": record, "leftover": self.record or self.leftover})

    def of_same_attempt(self, other: CheckpointHead) -> bool:
        return (self.fence, self.owner) == (other.fence, other.owner)

    @classmethod
    def from_json(cls, data: object, key: RunKey | None = None) -> CheckpointHead:
        """Read a row.

        :param key: which checkpoint it should be of
        :raises CheckpointCorruptError: it is not a head, belongs to another checkpoint, or has an impossible number
        :raises CheckpointFormatError: written by a newer version
        """
        head = read_document(cls, data)
        if key is not None and head.key != key:
            raise CheckpointCorruptError(f"it is the record of {head.key}")
        if max(head.fence, head.attempt) > LAST_NUMBER:
            raise CheckpointCorruptError(f"attempt {head.attempt} and fence {head.fence} are impossible numbers")
        return head

    @property
    def key(self) -> RunKey:
        return RunKey(self.scope, self.run_id, self.pipeline_name)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def _shortened(name: str) -> str:
    if len(name) < _LONGEST_KEY:  # a name that is cut has exactly that many
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: _LONGEST_KEY - 65]}~{digest}"
