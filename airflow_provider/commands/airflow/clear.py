"""Clears a task as Airflow's own command does: it keeps the task state, with the checkpoint and the request in it."""

from __future__ import annotations

from airflow_provider.errors import ClearError
from airflow_provider.runner.record.run_key import RunKey


def clear_task(key: RunKey) -> list[str]:
    """Clear the task instance that a checkpoint belongs to, and the tasks downstream of it, in the same DAG run.

    :param key: which checkpoint
    :return: the ids of the tasks that were cleared
    :raises ClearError: the DAG lacks the task, Airflow lacks the task instance, or the task is in a loop over tasks
    """
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    dag_id, task_id, map_index, *region = key.scope
    if region:
        raise ClearError(
            f"task {dag_id}.{task_id} is in a loop over tasks; clear the iteration in Airflow's UI, with "
            "'Keep task state and resume' ticked"
        )
    with create_session() as session:
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        if dag is None or not dag.has_task(task_id):
            raise ClearError(f"DAG {dag_id!r} no longer has the task {task_id!r}, so it cannot be cleared")
        downstream = sorted(dag.get_task(task_id).get_flat_relative_ids(upstream=False))
        itself = task_id if int(map_index) < 0 else (task_id, int(map_index))
        if not dag.clear(task_ids=[itself, *downstream], run_id=key.run_id, session=session):
            raise ClearError(f"Airflow has no task instance of {dag_id}.{task_id} in run {key.run_id!r} to clear")
    return [task_id, *downstream]
