"""Checkpoints in Airflow's own task state store (Airflow 3.3 and later). Nothing to set up.

They are visible and can be deleted in the UI under Storage. Airflow keeps one set of rows per DAG run, task and
map index, looks the live task instance up by the id of the attempt, and so refuses a replaced attempt itself.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointReadError,
    CheckpointWriteError,
    StaleAttemptError,
)
from airflow_provider.runner.checkpoint import CheckpointState
from airflow_provider.runner.checkpoint.store import read_request
from airflow_provider.runner.record.state import RestartRequest, Scope

logger = logging.getLogger(__name__)

PREFIX = "pyspark_pipeline/"
_REQUEST_PREFIX = "pyspark_pipeline_restart_from/"
_LONGEST_KEY = 400  # Airflow's column holds 512 characters
_FOR_EVER = timedelta.max  # this very object is what Airflow calls NEVER_EXPIRE; None would mean its 30 days


class TaskStateAccessor(Protocol):
    """The part of ``context["task_state_store"]`` that is used here."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None: ...

    def delete(self, key: str) -> None: ...


class TaskStateCheckpointStore:
    """Keeps the checkpoint with the task instance that it belongs to.

    Works only inside the task's process, and only for that task.

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
        try:
            self._set(_key(state.pipeline_name), state.to_json())
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
        data = self._get(key)
        if data is None:
            return None
        try:
            state = CheckpointState.from_json(data)
            if (state.run_id, state.pipeline_name, state.scope) != (run_id, pipeline_name, scope):
                raise CheckpointCorruptError("it is the record of another run or pipeline")
        except CheckpointCorruptError as error:
            aside = f"{key}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
            try:
                self._set(aside, data)
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
        self._accessor.delete(_key(pipeline_name, _REQUEST_PREFIX))
        return existed

    def leave_request(self, request: RestartRequest, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        self._set(_key(pipeline_name, _REQUEST_PREFIX), request.model_dump(mode="json"))

    def find_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> RestartRequest | None:
        key = _key(pipeline_name, _REQUEST_PREFIX)
        data = self._get(key)
        if data is None:
            return None
        if isinstance(data, str) and (component := data.strip()) and not component.startswith("{"):
            return RestartRequest(component=component)
        return read_request(data, f"{key!r} in Airflow's task state store")

    def drop_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        self._accessor.delete(_key(pipeline_name, _REQUEST_PREFIX))

    def _get(self, key: str) -> Any:
        try:
            return self._accessor.get(key)
        except Exception as error:
            raise CheckpointReadError(f"cannot read {key!r} from Airflow's task state store: {error}") from error

    def _set(self, key: str, value: Any) -> None:
        self._accessor.set(key, value, retention=self._retention)


def _key(pipeline_name: str, prefix: str = PREFIX) -> str:
    if len(pipeline_name) <= _LONGEST_KEY:
        return prefix + pipeline_name
    digest = hashlib.sha256(pipeline_name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}{pipeline_name[: _LONGEST_KEY - 65]}~{digest}"


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
