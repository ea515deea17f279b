"""Finds the task instance that a checkpoint belongs to in Airflow's database, and whether it is active."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from airflow_provider.runner.housekeeping.activity import Activity, ActivityKind
from airflow_provider.runner.record.run_key import RunKey

_NO_REGION = UUID(int=0)
"""What Airflow 3.4 calls the region of a task that is neither mapped nor in a loop."""

_DUE = ("scheduled", "queued", "restarting", "deferred")


def names_task_instance(key: RunKey) -> bool:
    """Return whether the scope of a key has the form that one of Airflow's task instances has."""
    numbers = key.scope[2:3] + key.scope[4:]
    try:
        regions = [UUID(region) for region in key.scope[3:4]]
    except ValueError:
        return False
    return len(key.scope) == 3 + 2 * len(regions) and all(re.fullmatch(r"-1|\d{1,9}", number) for number in numbers)


def task_instance_conditions(key: RunKey) -> list[Any]:
    """Return the conditions for the row of a run's task instance in Airflow's database, that of its last try.

    :param key: which run
    """
    from airflow.models.taskinstance import TaskInstance as Row

    dag_id, task_id = key.scope[:2]
    index, region = task_instance_coordinates(key)
    found = [Row.dag_id == dag_id, Row.task_id == task_id, Row.run_id == key.run_id, Row.map_index == index]
    # Since Airflow 3.4, and there every try is a row of its own.
    return found if region is None else [*found, Row.region_id == region, Row.working_set.is_(True)]


def task_instance_coordinates(key: RunKey) -> tuple[int, UUID | None]:
    """Return a task instance's index and region in Airflow's database; before Airflow 3.4 there are no regions."""
    from airflow.models.taskinstance import TaskInstance as Row
    from airflow.utils.session import create_session
    from sqlalchemy import select

    dag_id, task_id, map_index, *region = key.scope
    if region:
        return int(region[1]), UUID(region[0])
    if not hasattr(Row, "region_id"):
        return int(map_index), None
    # Those of a mapped task are in a region of its own.
    statement = select(Row.region_id).where(
        Row.dag_id == dag_id, Row.task_id == task_id, Row.run_id == key.run_id, Row.map_index == int(map_index)
    )
    with create_session() as session:
        row = session.execute(statement.where(Row.working_set.is_(True))).first()
    return int(map_index), row.region_id if row is not None else _NO_REGION


def task_instance_activity(key: RunKey) -> Activity | None:
    """Return what Airflow's database says of a run's task instance, None if it has none.

    :param key: which run
    """
    from airflow.models.taskinstance import TaskInstance as Row
    from airflow.utils.session import create_session
    from sqlalchemy import select

    if not names_task_instance(key):
        return None
    statement = select(Row.state, Row.try_number, Row.start_date, Row.queued_dttm).where(*task_instance_conditions(key))
    with create_session() as session:
        row = session.execute(statement).first()
    if row is None:
        return None
    state = str(getattr(row.state, "value", row.state))
    since = row.start_date if state == "running" else row.queued_dttm
    due = ActivityKind.DUE if state in _DUE else ActivityKind.ENDED
    kind = ActivityKind.RUNNING if state == "running" else due
    return Activity(kind, row.try_number, since, airflow_state=state)


def running_activity(key: RunKey) -> Activity | None:
    """Return what Airflow's database says of a run's task instance if that is active.

    Otherwise nothing is known: another Airflow may keep its checkpoints in the same place.
    """
    activity = task_instance_activity(key)
    return activity if activity is not None and activity.active else None
