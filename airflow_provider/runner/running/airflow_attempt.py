"""An attempt at a pipeline that Airflow started, wherever its driver runs.

It imports nothing of Airflow: a Spark driver that spark-submit started decides by what the operator passed to it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider.runner.checkpoint.checkpoint_hooks import AttemptMetadata
from airflow_provider.runner.checkpoint.store import CheckpointStore, load
from airflow_provider.runner.observing.progress_document import timestamp
from airflow_provider.runner.observing.progress_recorder import ProgressRecorder
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.observing.unfailing import observe
from airflow_provider.runner.planning.start_mode import StartMode
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec, start_mode_of
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from airflow_provider.runner.running.what_if import what_if

logger = logging.getLogger(__name__)


def run_airflow_attempt(
    run: AirflowAttemptSpec, store: CheckpointStore, *, progress: ProgressRecorder | None = None, **how: Any
) -> PipelineResult:
    """Decide whether the attempt continues from the checkpoint, log which case it is, and run it.

    :param run: what to run
    :param store: where checkpoints are kept
    :param progress: records how it gets on, for people; None to record nothing
    :param how: further fields of :class:`~airflow_provider.runner.running.attempt.AttemptSpec`
    :raises PySparkPipelineError: as :func:`~airflow_provider.runner.running.attempt.run_attempt`
    """

    def start_mode(checkpoint: CheckpointState | None, asked: bool) -> StartMode:
        mode = start_mode_of(run, checkpoint, asked=asked)
        logger.info("run %r, try %d: %s (checkpoints in %s)", run.key.run_id, run.attempt.try_number, mode.case, store)
        if progress is not None:
            progress.starts_as(mode)
        return mode

    if progress is not None:
        how["after_the_record"] = [*how.get("after_the_record", ()), progress]
        how["environment"] = replace(how.get("environment", RunnerEnvironment()), progress=progress)
    spec = AttemptSpec(
        run.config,
        store,
        run.key,
        start_mode,
        AttemptMetadata(run.attempt.try_number, run.attempt.record()),
        config_requests=run.requests,
        **how,
    )
    try:
        result = run_attempt(spec)
    except Exception:  # a kill is none, and leaves no time for this
        _record_what_if(run, store, progress)
        raise
    _record_what_if(run, store, progress)
    return result


def _record_what_if(run: AirflowAttemptSpec, store: CheckpointStore, progress: ProgressRecorder | None) -> None:
    """Record what the next attempt would do, for people."""

    def record(recorder: ProgressRecorder) -> None:
        checkpoint: CheckpointState | None = load(store, run.key)
        if checkpoint is not None:
            found = what_if(run, checkpoint).to_json(recorder.components)
            recorder.add_what_if({"as_of": timestamp(datetime.now(UTC)), **found})

    if progress is not None:
        observe("what the next attempt would do", lambda: record(progress), None)
