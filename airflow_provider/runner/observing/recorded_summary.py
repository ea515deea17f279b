"""How an attempt went, as far as the checkpoint shows, for an operator that cannot see the attempt itself."""

from __future__ import annotations

from typing import Any

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.result import ComponentStatus, PipelineResultStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.checkpoint_state import CheckpointState

DETAILS = "the driver's log has the details"


def recorded_summary(config: PipelineConfig, checkpoint: CheckpointState) -> dict[str, Any]:
    """Return a summary in the form of :meth:`PipelineResult.summary`.

    The record does not show whether a completed component was replayed, nor what a component raised.

    :param config: the pipeline
    :param checkpoint: the record of the newest attempt
    """
    parts = []
    spent = saved = 0.0
    for component in config.ordered:
        name = component.name
        record = checkpoint.components.get(name)
        part = {"name": name, "action": Action.RUN.value, "reason": DETAILS, "duration_seconds": 0.0}
        if name not in checkpoint.completed_components:
            failed = name == checkpoint.failed_component
            part["status"] = (ComponentStatus.FAILED if failed else ComponentStatus.NOT_RUN).value
            part |= {"error": DETAILS} if failed else {}
        elif record is None or record.attempt != checkpoint.attempt:
            when = f"completed in attempt {record.attempt}" if record else "completed earlier"
            part |= {"action": Action.REUSE.value, "status": ComponentStatus.COMPLETED.value, "reason": when}
            if record is not None and record.duration_seconds:
                part["seconds_saved"] = record.duration_seconds
                saved += record.duration_seconds
        else:
            part |= {"status": ComponentStatus.COMPLETED.value, "duration_seconds": record.duration_seconds}
            spent += record.duration_seconds
        parts.append(part)
    complete = checkpoint.status == "completed"
    return {
        "pipeline": config.name,
        "status": (PipelineResultStatus.SUCCESS if complete else PipelineResultStatus.FAILURE).value,
        "duration_seconds": round(spent, 3),
        "seconds_saved": round(saved, 3),
        "components": parts,
    }
