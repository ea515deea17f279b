"""A request to restart that was left in Airflow's task state store, while the checkpoint is kept elsewhere.

The task state store is the one place that a person reaches through Airflow itself: in the UI under Storage, and through
the REST API.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_provider.errors import UnreadableRequestError, describe
from airflow_provider.runner import CheckpointStore
from airflow_provider.runner.checkpoint.store import RestartRequests
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.stores.task_state import TaskStateCheckpointStore

logger = logging.getLogger(__name__)


def with_carried_request(
    run: AirflowAttemptSpec, task_state: Any, open_store: Callable[[], CheckpointStore]
) -> AirflowAttemptSpec:
    """Carry a request from Airflow's task state store over to the store of the checkpoint, where the attempt finds it.

    It is removed only when it is safe there, and keeps its id, so it is carried out once whatever happens between.

    :param run: the attempt that begins
    :param task_state: Airflow's accessor, None before Airflow 3.3
    :param open_store: returns where the checkpoint is kept
    :returns: the attempt; with the request, if the store cannot take it
    """
    if task_state is None:
        return run
    key, rows = run.key, TaskStateCheckpointStore(task_state)
    try:
        request = rows.find_request(key)
        if request is None:
            return run
        if not request.id:
            request = request.adopted()
            rows.leave_request(request, key)
    except UnreadableRequestError as error:
        logger.warning("ignoring a request to restart: %s", error)
        _drop(rows, key)
        return run
    except Exception as error:  # noqa: BLE001 - whoever left it sees that it still waits
        logger.warning("cannot look for a request to restart in Airflow's task state store: %s", describe(error))
        return run
    try:
        store = open_store()
        if not isinstance(store, RestartRequests):
            return replace(run, requests=(*run.requests, request))
        store.leave_request(request, key)
    except Exception as error:  # noqa: BLE001 - the driver may reach storage that the worker does not
        logger.warning("cannot move the request to %s to where the checkpoint is: %s", request, describe(error))
        return replace(run, requests=(*run.requests, request))
    _drop(rows, key)
    return run


def _drop(rows: TaskStateCheckpointStore, key: RunKey) -> None:
    try:
        rows.drop_request(key)
    except Exception as error:  # noqa: BLE001 - found again it has the same id, or is ignored again
        logger.warning("cannot remove the request to restart from Airflow's task state store: %s", describe(error))
