"""Which pipeline a task of Airflow runs in which attempt, and how that attempt starts.

It imports nothing of Airflow: a Spark driver that spark-submit started decides by what the operator passed to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.changed_config import changed_since
from airflow_provider.runner.planning.start_mode import AirflowTry, StartMode, how_to_start
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey

TemplatedField = tuple[str, str]
"""A component and a field, named as in :class:`~airflow_provider.runner.fingerprint.config_changes.ConfigChange`."""


@dataclass(frozen=True)
class AirflowAttemptSpec:
    """A pipeline that a task runs, and in which attempt.

    :param config: the pipeline, rendered and validated
    :param key: which checkpoint
    :param attempt: what Airflow says of this attempt
    :param templated: which fields of the pipeline hold a template
    :param requests: restart requests of the run's conf; each attempt finds them again
    """

    config: PipelineConfig
    key: RunKey
    attempt: AirflowTry
    templated: tuple[TemplatedField, ...] = ()
    requests: tuple[RestartRequest, ...] = ()


def start_mode_of(run: AirflowAttemptSpec, checkpoint: CheckpointState | None, *, asked: bool) -> StartMode:
    """Return how an attempt starts.

    :param run: what to run
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param asked: whether a restart from a component was requested
    """
    mode = how_to_start(checkpoint, run.attempt, run.config.on_clear, asked=asked)
    return replace(mode, notes=tuple(_notes(run, checkpoint))) if checkpoint is not None and mode.resumes else mode


def _notes(run: AirflowAttemptSpec, checkpoint: CheckpointState) -> list[str]:
    notes = unstable_templates(run.templated, run.config, checkpoint)
    before: Mapping[str, Any] = checkpoint.airflow
    versions = before.get("bundle_version"), run.attempt.bundle_version
    if None not in versions and versions[0] != versions[1]:
        notes.append(
            f"the DAG bundle's version was {versions[0]} in attempt {checkpoint.attempt} and is now {versions[1]}; "
            "components are reused if their config and the code that they reach are unchanged"
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
        f"{checkpoint.attempt}, so what had completed counts as made under another config. In templates use only "
        "values that stay the same within a DAG run, such as ds or run_id, not try_number or the time"
        for change in changed_since(config, checkpoint)
        if change.kind == "changed" and (change.component, change.field) in templated
    ]
