"""Turns a driver's report into the summary or the error of the task that submitted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider import errors
from airflow_provider.errors import (
    CheckpointError,
    ComponentFailedError,
    DriverError,
    NotRetriableError,
    SparkLostError,
    StaleAttemptError,
)
from airflow_provider.runner import PipelineConfig


def summary_or_error(
    config: PipelineConfig, outcome: Mapping[str, Any] | None, error: Exception | None
) -> dict[str, Any]:
    """Return the summary of a driver that succeeded; raise what a failed one reported.

    :param config: the pipeline
    :param outcome: the driver's report, None if there is none
    :param error: what the Spark provider raised, None if the driver ended with status 0
    """
    if outcome is None:
        if error is None:
            raise DriverError(
                f"the driver of pipeline {config.name!r} ended without a report, so its outcome is unknown"
            )
        raise error
    if "message" in outcome:
        raise _error_type(outcome["error_type"])(outcome["message"]) from None
    summary: dict[str, Any] = outcome["summary"]
    details = outcome.get("details", [])
    for position, component in enumerate(summary["components"], start=1):
        if "error" in component:
            failed = ComponentFailedError(
                summary["pipeline"],
                component["name"],
                position,
                len(summary["components"]),
                component["error"],
                details,
            )
            failed.cause = error
            raise failed
    if error is not None:
        raise error
    if summary["status"] != "success":
        raise DriverError(
            f"the driver of pipeline {config.name!r} ended with status 0, but not every component is complete"
        )
    return summary


def _error_type(reported_name: str) -> type[errors.PySparkPipelineError]:
    """Return an error to raise for the one that the driver reports: as retriable, and made from a message alone."""
    reported = getattr(errors, reported_name, None)
    kinds = (NotRetriableError, StaleAttemptError, CheckpointError, SparkLostError)
    return next((kind for kind in kinds if isinstance(reported, type) and issubclass(reported, kind)), DriverError)
