"""What Airflow's context says of the task instance: which run it belongs to, and which try it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider.operators.airflow_config import clear_discards_task_state
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores.task_state_marker import leave_marker

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_key(context: Context, pipeline_name: str) -> RunKey:
    """Return what identifies the checkpoint of a pipeline in this task instance."""
    ti: Any = context["ti"]
    scope: tuple[str, ...] = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
    if context.get("loop") is not None:
        # In a loop over tasks (Airflow 3.4) each iteration. A mapped task has a region, too, but its index suffices.
        scope = (*scope, str(ti.region_id), str(ti.region_index))
    return RunKey(scope, str(context["run_id"]), pipeline_name)


def airflow_try(context: Context, retries: int) -> AirflowTry:
    """Return what Airflow says of this try, and leave a marker in the task state store by which a clear shows.

    :param context: of the task
    :param retries: how many retries the task has
    :raises StaleAttemptError: the attempt has been replaced by a newer one
    """
    ti: Any = context["ti"]
    marker = leave_marker(context.get("task_state_store"))
    if not clear_discards_task_state():
        marker = None
    return AirflowTry(
        ti.try_number,
        ti.max_tries,
        retries,
        getattr(context.get("dag_run"), "clear_number", None),
        getattr(getattr(ti, "bundle_instance", None), "version", None),
        marker.id if marker else None,
        marker is not None and marker.found,
    )
