"""Finds the restart request of the task's ``restart_from`` parameter, or of the run's conf or params."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.problems import validation_problems
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.restart_plan import why_impossible
from airflow_provider.runner.record.requests import AT_THE_TRIGGER, IN_THE_FILE, RestartRequest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.runner import PipelineConfig

logger = logging.getLogger(__name__)


def config_requests(
    context: Context, task_id: str, config: PipelineConfig, own: Any = None
) -> tuple[RestartRequest, ...]:
    """Return the request in the task's own parameter, otherwise in the run's conf, otherwise in its params.

    Only the task's first try refuses an invalid request. The parameter may be a template of params, and those of a
    run cannot be changed, so later tries ignore an invalid one.

    :param context: of the task
    :param task_id: the task
    :param config: its pipeline
    :param own: the operator's ``restart_from``, rendered
    :raises PipelineConfigError: the request is not valid for the pipeline
    """
    dag_run = context.get("dag_run")
    by = getattr(dag_run, "triggering_user_name", None)
    given_to_run = (getattr(dag_run, "conf", None), context.get("params"))
    candidates: list[tuple[Any, str, str | None]] = [(own, IN_THE_FILE, None)]
    candidates += [
        (_for_task((source or {}).get("restart_from"), task_id), AT_THE_TRIGGER, str(by) if by else None)
        for source in given_to_run
    ]
    for written, source, person in candidates:
        if written:
            found = _checked(written, config, refuse=_try_number(context) <= 1)
            return (RestartRequest.from_config_value(found, source, person),) if found is not None else ()
    return ()


def _checked(written: Any, config: PipelineConfig, *, refuse: bool) -> RestartFrom | None:
    try:
        asked = RestartFrom.model_validate(written)
    except ValidationError as error:
        problems = [
            ConfigProblem(found.message, None, f"restart_from.{found.field}" if found.field else "restart_from")
            for found in validation_problems(error, RestartFrom, None)
        ]
        if refuse:
            raise PipelineConfigError(problems, config.source) from None
        logger.warning("ignoring restart_from: %s", "; ".join(map(str, problems)))
        return None
    if refuse and (why := why_impossible(config, asked)) is not None:
        raise PipelineConfigError([ConfigProblem(why, None, "restart_from")], config.source)
    return asked


def _try_number(context: Context) -> int:
    ti: Any = context["ti"]
    return int(ti.try_number)


def _for_task(written: Any, task_id: str) -> Any:
    """Return the part for a task: a mapping may have one for each task."""
    if not isinstance(written, Mapping):
        return written
    return written.get(task_id, written if "components" in written else None)
