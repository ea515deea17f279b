"""What a driver's report means for the task that submitted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider.errors import (
    CheckpointError,
    ComponentFailedError,
    DriverError,
    DriverSetupError,
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
        raise _ERRORS.get(outcome["error_type"], DriverError)(outcome["message"]) from error
    summary: dict[str, Any] = outcome["summary"]
    for position, component in enumerate(summary["components"], start=1):
        if "error" in component:
            raise ComponentFailedError(
                summary["pipeline"], component["name"], position, len(summary["components"]), component["error"]
            ) from error
    if error is not None:
        raise error
    if summary["status"] != "success":
        raise DriverError(f"the driver of pipeline {config.name!r} ended well, but not every component is complete")
    return summary


_ERRORS: Mapping[str, type[Exception]] = {
    "CodeChangedError": DriverSetupError,
    "ConfigChangedError": DriverSetupError,
    "SourceChangedError": DriverSetupError,
    "DriverSetupError": DriverSetupError,
    "PipelineConfigError": DriverSetupError,
    "SparkConfigError": DriverSetupError,
    "StaleAttemptError": StaleAttemptError,
    **dict.fromkeys(
        ("CheckpointCorruptError", "CheckpointFormatError", "CheckpointReadError", "CheckpointWriteError"),
        CheckpointError,
    ),
}
