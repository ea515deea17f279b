"""The error that ends the log of an attempt: what failed, what is complete and what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider.errors import ComponentFailedError, PySparkPipelineError, SparkLostError
from airflow_provider.runner.observing.failure import explain
from airflow_provider.runner.observing.result import ComponentStatus, PipelineResult

_NAMES_SHOWN = 5


def attempt_error(result: PipelineResult, resumed_by: str) -> PySparkPipelineError | None:
    """Return the error that ends the log of an attempt, None if every component is complete.

    :param result: how the attempt went
    :param resumed_by: who starts the next attempt, such as ``a retry or a clear of this task``
    """
    total = len(result.component_results)
    for position, component in enumerate(result.component_results, start=1):
        if component.error is None:
            continue
        failure = component.failure or explain(component.error)
        details = [*failure.lines(), *status_lines(result, component.component_name, resumed_by)]
        if isinstance(component.error, SparkLostError):
            text = (
                f"pipeline {result.pipeline_name!r}: Spark was lost while component {component.component_name!r} "
                f"({position} of {total}) ran: {failure.what}"
            )
            return SparkLostError("\n".join([text, *details]))
        error = ComponentFailedError(
            result.pipeline_name, component.component_name, position, total, failure.what, details
        )
        error.cause = component.error
        return error
    return None


def status_lines(result: PipelineResult, failed: str, resumed_by: str) -> list[str]:
    """Return what is complete and what comes next.

    :param result: how the attempt went
    :param failed: the component that failed
    :param resumed_by: who starts the next attempt
    """
    complete = [r.component_name for r in result.component_results if r.status is ComponentStatus.COMPLETED]
    others = [name for name, _ in result.failed_components if name != failed]
    return [
        complete_in_words(complete, len(result.component_results)),
        *([f"failed as well: {', '.join(map(repr, others))}"] if others else []),
        f"next: {resumed_by} resumes at {failed!r}",
    ]


def complete_in_words(complete: Sequence[str], total: int) -> str:
    """Return which components are recorded as complete."""
    if not complete:
        return f"complete: none of {total}"
    hidden = len(complete) - _NAMES_SHOWN
    names = ", ".join(map(repr, complete[-_NAMES_SHOWN:]))
    return f"complete: {len(complete)} of {total}: {f'{hidden} others, ' if hidden > 0 else ''}{names}"
