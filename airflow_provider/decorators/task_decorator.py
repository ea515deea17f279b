"""``@task.pyspark_pipeline``: runs the pipeline that a function builds, for instance from other tasks' results."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    DecoratedOperator,
    TaskDecorator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec


class _PySparkPipelineDecoratedOperator(DecoratedOperator, PySparkPipelineOperator):
    """Calls the function, then runs the pipeline that it returned.

    :param python_callable: returns the pipeline: a dict, a ``PipelineConfig`` or the path of a file
    :param op_args: positional arguments of the function (templated)
    :param op_kwargs: keyword arguments of the function (templated)
    """

    custom_operator_name: str = "@task.pyspark_pipeline"
    template_fields: Sequence[str] = (
        "op_args",
        "op_kwargs",
        *PySparkPipelineOperator.template_fields,
    )
    template_fields_renderers = {  # noqa: RUF012 - as in BaseOperator
        **DecoratedOperator.template_fields_renderers,
        **PySparkPipelineOperator.template_fields_renderers,
    }

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if "pipeline" in kwargs:
            raise TypeError(
                f"@task.pyspark_pipeline on {python_callable.__name__!r}: remove the argument 'pipeline'; the function "
                "returns the pipeline"
            )
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            pipeline="",
            **kwargs,
        )

    def _pipeline_run(self, context: Context) -> AirflowAttemptSpec:
        context_merge(context, self.op_kwargs)
        arguments = determine_kwargs(self.python_callable, self.op_args, context)
        built = self.python_callable(*self.op_args, **arguments)
        self.pipeline = os.fspath(built) if isinstance(built, os.PathLike) else built
        return super()._pipeline_run(context)


def pyspark_pipeline_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Turn a function that returns a pipeline into a task that runs it.

    :param python_callable: the function; it may take other tasks' results and Airflow's context variables, and returns
        a dict with the fields of a pipeline, a ``PipelineConfig``, or the path of a pipeline file
    :param kwargs: arguments of :class:`~airflow_provider.operators.pyspark_pipeline.PySparkPipelineOperator`
        other than ``pipeline``
    """
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=_PySparkPipelineDecoratedOperator,
        **kwargs,
    )
