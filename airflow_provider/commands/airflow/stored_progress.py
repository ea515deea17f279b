"""Reads from outside a task how far a run is, through the metadata database as Airflow's own commands do."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider.commands.airflow.task_instance_row import names_task_instance
from airflow_provider.runner.record.run_key import RunKey


def stored_progress(key: RunKey) -> Any:
    """Return the progress document of a run, None if there is none.

    :param key: which run
    """
    if not names_task_instance(key):
        return None
    try:
        from airflow.state import TaskScope  # noqa: F401 - Airflow 3.3 and later
    except ImportError:
        return _in_xcom(key)
    from airflow_provider.commands.airflow.metastore import MetastoreAccessor
    from airflow_provider.stores.task_state_head import progress_key

    return MetastoreAccessor.of(key).get(progress_key(key))


def _in_xcom(key: RunKey) -> Any:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    from airflow_provider.operators.airflow_progress import PROGRESS_KEY

    dag_id, task_id, index, *_ = key.scope
    found = XComModel.get_many(
        run_id=key.run_id, key=PROGRESS_KEY, task_ids=task_id, dag_ids=dag_id, map_indexes=int(index)
    )
    with create_session() as session:
        row = session.scalars(found.limit(1)).first()
        value = row.value if row is not None else None
    return json.loads(value) if isinstance(value, str) else value
