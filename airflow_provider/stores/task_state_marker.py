"""A row in the task state store that shows the next attempt whether a clear has kept the task state.

From Airflow 3.4 on the clear dialog asks for that, and the person's choice counts wherever the checkpoint itself is.
The record of an attempt names the marker that the attempt found or, if there was none, left; when a later attempt finds
another marker, the task state has been discarded since.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from airflow_provider.errors import StaleAttemptError
from airflow_provider.stores.task_state_head import TaskStateAccessor
from airflow_provider.stores.task_state_table import is_replaced

MARKER_KEY = "pyspark_pipeline_kept"

_ABOUT = "a clear that keeps this row keeps the task state, so the next attempt resumes"


@dataclass(frozen=True)
class TaskStateMarker:
    """The marker of a task instance.

    :param id: distinguishes it from earlier markers
    :param found: whether it was there already
    """

    id: str
    found: bool


def leave_marker(accessor: TaskStateAccessor | None) -> TaskStateMarker | None:
    """Find the marker, or leave one.

    Writes it in either case: Airflow answers the reads of a replaced attempt as if nothing were there, and refuses its
    writes. So this also shows whether the attempt still counts.

    :param accessor: ``context["task_state_store"]``; None where Airflow has none; then there is no marker either
    :raises StaleAttemptError: the attempt has been replaced by a newer one
    """
    if accessor is None:
        return None
    row = accessor.get(MARKER_KEY)
    known = row.get("id") if isinstance(row, dict) else None
    found = isinstance(known, str) and known != ""
    marker = TaskStateMarker(str(known) if found else uuid.uuid4().hex, found)
    try:
        accessor.set(MARKER_KEY, {"id": marker.id, "about": _ABOUT}, retention=timedelta.max)  # Airflow's NEVER_EXPIRE
    except Exception as error:
        if is_replaced(error):
            raise StaleAttemptError("a newer attempt has replaced this one, which stops here") from error
        raise
    return marker
