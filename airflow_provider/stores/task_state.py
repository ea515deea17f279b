"""Checkpoints in Airflow's own task state store (Airflow 3.3 and later). Nothing to set up.

They are visible and can be deleted in the UI under Storage. Airflow keeps one set of rows per DAG run, task and
map index, looks the live task instance up by the id of the attempt, and so refuses a replaced attempt itself.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
    CheckpointWriteError,
    StaleAttemptError,
)
from airflow_provider.runner.checkpoint import CheckpointState
from airflow_provider.runner.checkpoint.state import Scope

logger = logging.getLogger(__name__)

_PREFIX = "pyspark_pipeline/"
_LONGEST_KEY = 400  # Airflow's column holds 512 characters


class TaskStateAccessor(Protocol):
    """The part of ``context["task_state_store"]`` that is used here."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...

    def delete(self, key: str) -> None: ...


class TaskStateCheckpointStore:
    """Keeps the checkpoint with the task instance that it belongs to.

    Works only inside the task's process, and only for that task.

    :param accessor: ``context["task_state_store"]``
    """

    def __init__(self, accessor: TaskStateAccessor) -> None:
        self._accessor = accessor

    def __repr__(self) -> str:
        return "Airflow's task state store"

    def save(self, state: CheckpointState) -> None:
        try:
            self._accessor.set(_key(state.pipeline_name), state.to_json())
        except Exception as error:
            if _is_replaced(error):
                raise StaleAttemptError(
                    f"attempt {state.attempt} of pipeline {state.pipeline_name!r}, run {state.run_id!r}, has "
                    "been replaced by a newer one; it stops here and leaves the checkpoint alone"
                ) from error
            raise

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is None:
            raise CheckpointReadError("the task state store is read by name; give the pipeline name")
        key = _key(pipeline_name)
        try:
            data = self._accessor.get(key)
        except Exception as error:
            raise CheckpointReadError(f"cannot read {key!r} from Airflow's task state store: {error}") from error
        if data is None:
            return None
        try:
            state = CheckpointState.from_json(data)
            if (state.run_id, state.pipeline_name, state.scope) != (run_id, pipeline_name, scope):
                raise CheckpointCorruptError("it is the record of another run or pipeline")
        except CheckpointCorruptError as error:
            aside = f"{key}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
            try:
                self._accessor.set(aside, data)
                self._accessor.delete(key)
            except Exception as failure:
                raise CheckpointWriteError(f"the damaged checkpoint {key!r} cannot be set aside") from failure
            logger.warning(
                "the checkpoint in Airflow's task state store is damaged (%s); it was set aside as %r and the "
                "pipeline starts afresh",
                error,
                aside,
            )
            return None
        return state

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        existed = self._accessor.get(_key(pipeline_name)) is not None
        self._accessor.delete(_key(pipeline_name))
        return existed


def _key(pipeline_name: str) -> str:
    if len(pipeline_name) <= _LONGEST_KEY:
        return _PREFIX + pipeline_name
    digest = hashlib.sha256(pipeline_name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_PREFIX}{pipeline_name[: _LONGEST_KEY - 65]}~{digest}"


def _is_replaced(error: Exception) -> bool:
    # Airflow answers 404 when the task instance id is not the live attempt's any more.
    response = getattr(error, "error", None)
    detail = getattr(response, "detail", None)
    return isinstance(detail, dict) and detail.get("status_code") == 404
