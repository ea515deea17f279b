"""Describes the next attempt at a task without starting it, from the DAG file as it is now."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import DagNotReadError, PySparkPipelineError, describe
from airflow_provider.operators.pipeline_operator import PipelineOperator
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.run_key import RunKey

if TYPE_CHECKING:
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

logger = logging.getLogger(__name__)

_BEGUN = ("scheduled", "queued")
_NOT_OVER = ("None", "up_for_retry", "running", "restarting", "deferred")


def describe_next_attempt(key: RunKey, config_file: str | None = None) -> AirflowAttemptSpec:
    """Return the pipeline and the attempt that would start next. Imports the DAG's code, and runs no task.

    :param key: which task instance; its pipeline's name does not count
    :param config_file: take the pipeline from this file instead of the task's own
    :raises DagNotReadError: the DAG, the task or the run is not there, or the DAG's code or templates fail here
    :raises PipelineConfigError: the config is wrong
    """
    row = _task_instance(key)
    try:
        task = _dag(key.scope[0]).get_task(key.scope[1])
    except Exception as error:  # the DAG's own code is imported, and may raise anything
        raise DagNotReadError(
            f"cannot read task {key.scope[0]}.{key.scope[1]} from its DAG file on this host: {describe(error)}"
        ) from error
    context = _context(row, task)
    if config_file is not None:
        task.pipeline = str(Path(config_file).absolute())
    try:
        task.render_template_fields(context)
        rendered: Any = context["task"]
        if not isinstance(rendered, PipelineOperator):
            raise DagNotReadError(f"task {rendered.task_id!r} is a {type(rendered).__name__}, which runs no pipeline")
        run = rendered.next_run(context)
    except PySparkPipelineError:
        raise
    except Exception as error:  # a template may ask for anything, such as what another task returned
        raise DagNotReadError(f"cannot render the task's templates on this host: {describe(error)}") from error
    return replace(run, attempt=_next(run.attempt, str(getattr(row.state, "value", row.state))))


def _task_instance(key: RunKey) -> Any:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    from airflow_provider.commands.airflow.task_instance_row import task_instance_conditions

    statement = select(TaskInstance).where(*task_instance_conditions(key)).options(joinedload(TaskInstance.dag_run))
    with create_session() as session:
        row = session.scalars(statement).first()
        if row is None:
            raise DagNotReadError(
                f"Airflow has no task instance of {key.scope[0]}.{key.scope[1]} in run {key.run_id!r}"
            )
        _ = row.dag_run.consumed_asset_events  # what templates may ask for
        _ = row.dag_model
        session.expunge_all()
    return row


def _dag(dag_id: str) -> Any:
    from airflow.models.dag import DagModel
    from airflow.utils import cli

    known = DagModel.get_current(dag_id)
    bundles = [known.bundle_name] if known is not None and getattr(known, "bundle_name", None) else None
    if hasattr(cli, "get_bagged_dag"):
        return cli.get_bagged_dag(bundles, dag_id, dagfile_path=known.fileloc if known is not None else None)
    return cli.get_dag(bundle_names=bundles, dag_id=dag_id)  # before Airflow 3.1


def _context(row: Any, task: Any) -> Any:
    from airflow.api_fastapi.execution_api.datamodels.taskinstance import DagRun, TaskInstance, TIRunContext
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    about = TaskInstance.model_validate(row, from_attributes=True).model_dump(exclude_unset=True)
    server = TIRunContext(
        dag_run=DagRun.model_validate(row.dag_run, from_attributes=True),
        max_tries=row.max_tries,
        variables=[],
        connections=[],
        xcom_keys_to_clear=[],
    )
    instance = RuntimeTaskInstance.model_construct(**about, task=task, _ti_context_from_server=server)
    context = instance.get_template_context()
    context.pop("task_state_store", None)  # it is for the task alone
    return context


def _next(last: AirflowTry, state: str) -> AirflowTry:
    """Return what Airflow will say of the next attempt; a task that has ended counts as cleared.

    :param last: what it says of the last one
    :param state: of the task instance now
    """
    if state in _BEGUN:
        return last
    if state in _NOT_OVER:
        return replace(last, try_number=last.try_number + 1)
    clears = None if last.clear_number is None else last.clear_number + 1
    return replace(last, try_number=last.try_number + 1, max_tries=last.try_number + last.retries, clear_number=clears)
