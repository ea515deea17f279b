"""An attempt at a pipeline that Airflow started, wherever its driver runs.

Nothing of Airflow is imported here: a Spark driver that spark-submit started decides by what the operator told it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.checkpoint.checkpoint_hooks import AttemptMetadata
from airflow_provider.runner.checkpoint.store import CheckpointStore
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.reasons import changed_since
from airflow_provider.runner.planning.start import AirflowAttempt, how_to_start
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import Attempt, Beginning, run_attempt

logger = logging.getLogger(__name__)

TemplatedField = tuple[str, str]
"""A component and a field, named as in :class:`~airflow_provider.runner.fingerprint.config_changes.Change`."""


@dataclass(frozen=True)
class AirflowRun:
    """A pipeline that a task has to run, and in which attempt.

    :param config: the pipeline, rendered and validated
    :param key: which checkpoint
    :param attempt: what Airflow says of this attempt
    :param templated: which fields of the pipeline hold a template
    :param requests: what whoever triggered the run asked for; each attempt finds it again
    """

    config: PipelineConfig
    key: RunKey
    attempt: AirflowAttempt
    templated: tuple[TemplatedField, ...] = ()
    requests: tuple[RestartRequest, ...] = ()


def run_airflow_attempt(run: AirflowRun, store: CheckpointStore, **how: Any) -> PipelineResult:
    """Decide whether the attempt resumes, log which case it is, and run it.

    :param run: what to run
    :param store: where checkpoints are kept
    :param how: further fields of :class:`~airflow_provider.runner.running.attempt.Attempt`
    :raises PySparkPipelineError: as :func:`~airflow_provider.runner.running.attempt.run_attempt`
    """
    return run_attempt(
        Attempt(
            run.config,
            store,
            run.key,
            lambda checkpoint, asked: _beginning(run, store, checkpoint, asked=asked),
            AttemptMetadata(run.attempt.try_number, run.attempt.record()),
            standing=run.requests,
            **how,
        )
    )


def beginning_of(run: AirflowRun, checkpoint: CheckpointState | None, *, asked: bool) -> tuple[Beginning, str]:
    """Return how an attempt begins, and which case it is.

    :param run: what is to run
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param asked: whether somebody asked to restart from a component
    """
    start = how_to_start(checkpoint, run.attempt, run.config.on_clear, asked=asked)
    beginning = Beginning(
        fresh=None if start.resume else start.reason,
        notes=tuple(_notes(run, checkpoint)) if checkpoint is not None and start.resume else (),
        cleared=start.cleared,
    )
    return beginning, start.reason


def _beginning(
    run: AirflowRun, store: CheckpointStore, checkpoint: CheckpointState | None, *, asked: bool
) -> Beginning:
    beginning, reason = beginning_of(run, checkpoint, asked=asked)
    logger.info("run %r, try %d: %s (checkpoints in %s)", run.key.run_id, run.attempt.try_number, reason, store)
    return beginning


def _notes(run: AirflowRun, checkpoint: CheckpointState) -> list[str]:
    notes = unstable_templates(run.templated, run.config, checkpoint)
    before: Mapping[str, Any] = checkpoint.airflow
    versions = before.get("bundle_version"), run.attempt.bundle_version
    if None not in versions and versions[0] != versions[1]:
        notes.append(
            f"the DAG bundle's version was {versions[0]} in attempt {checkpoint.attempt} and is now {versions[1]}; "
            "components are reused if their config and the code that they reach are the same"
        )
    return notes


def unstable_templates(
    templated: Collection[TemplatedField], config: PipelineConfig, checkpoint: CheckpointState
) -> list[str]:
    """Say which fields hold a template and have another value than in the attempt that wrote the checkpoint.

    :param templated: which fields hold a template
    :param config: the pipeline, rendered and validated
    :param checkpoint: the record of the earlier attempts
    """
    return [
        f"component {change.component!r}, field {change.field!r}: its template has another value than in attempt "
        f"{checkpoint.attempt}, so what had completed counts as made under another config; in a template use what "
        "stays the same within a DAG run, such as ds or run_id, not try_number or the time"
        for change in changed_since(config, checkpoint)
        if change.kind == "changed" and (change.component, change.field) in templated
    ]
