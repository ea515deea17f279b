"""What a driver's report means for the task that submitted it."""

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
    """Return the summary of a driver that succeeded; raise what it reported otherwise.

    :param config: the pipeline
    :param outcome: its report
    :param error: what the Spark provider said of its end, None if it ended well
    """
    if outcome is None:
        if error is None:
            raise DriverError(f"the driver of pipeline {config.name!r} ended without a report, so nothing is certain")
        raise error
    if "message" in outcome:
        raise _meaning(outcome["error_type"])(outcome["message"]) from None
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
        raise DriverError(f"the driver of pipeline {config.name!r} ended well, but not every component is complete")
    return summary


def _meaning(error_type: str) -> type[errors.PySparkPipelineError]:
    """Return what to raise for an error that the driver names: it takes a message only, and is as retriable."""
    reported = getattr(errors, error_type, None)
    kinds = (NotRetriableError, StaleAttemptError, CheckpointError, SparkLostError)
    return next((kind for kind in kinds if isinstance(reported, type) and issubclass(reported, kind)), DriverError)
