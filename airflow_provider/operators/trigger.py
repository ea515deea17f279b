"""What whoever triggered a run asked for: ``restart_from`` in its conf or params."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.problems import explain
from airflow_provider.runner.config.restart import RestartFrom
from airflow_provider.runner.planning.restart import why_impossible
from airflow_provider.runner.record.requests import AT_THE_TRIGGER, RestartRequest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.runner import PipelineConfig

logger = logging.getLogger(__name__)


def asked_at_the_trigger(context: Context, task_id: str, config: PipelineConfig) -> tuple[RestartRequest, ...]:
    """Return what the run's conf asks this task, otherwise what its params do.

    Only the task's first try refuses what makes no sense: nobody can change the conf of a run, so later ones go on
    without it.

    :param context: of the task
    :param task_id: the task
    :param config: its pipeline
    :raises PipelineConfigError: it makes no sense for the pipeline
    """
    dag_run = context.get("dag_run")
    ti: Any = context["ti"]
    for source in (getattr(dag_run, "conf", None), context.get("params")):
        written = _for_task((source or {}).get("restart_from"), task_id)
        if not written:
            continue
        try:
            asked = RestartFrom.model_validate(written)
        except ValidationError as error:
            problems = [
                ConfigProblem(found.message, None, f"restart_from.{found.field}" if found.field else "restart_from")
                for found in explain(error, RestartFrom, None)
            ]
            if ti.try_number <= 1:
                raise PipelineConfigError(problems, config.source) from None
            logger.warning("in the run's conf or params, and passed over: %s", "; ".join(map(str, problems)))
            return ()
        if ti.try_number <= 1 and (why := why_impossible(config, asked)) is not None:
            raise PipelineConfigError([ConfigProblem(why, None, "restart_from")], config.source)
        by = getattr(dag_run, "triggering_user_name", None)
        return (RestartRequest.standing(asked, AT_THE_TRIGGER, str(by) if by else None),)
    return ()


def _for_task(written: Any, task_id: str) -> Any:
    """Return what is meant for a task: a mapping may say it for each task."""
    if not isinstance(written, Mapping):
        return written
    return written.get(task_id, written if "components" in written else None)
