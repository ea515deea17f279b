"""The plan: for every component of this attempt a decision, and a reason that a person can read.

Pure functions: they look at the config and the checkpoint and touch nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider.runner.checkpoint.state import CheckpointState
from airflow_provider.runner.config import PipelineConfig
from airflow_provider.runner.fingerprint import Change, changes, compute_pipeline_fingerprint, field_hashes


class Action(StrEnum):
    """What an attempt does with a component."""

    RUN = "RUN"
    REUSE = "REUSE"


@dataclass(frozen=True)
class Decision:
    """What happens to one component, and why.

    :param component: name of the component
    :param action: run it or reuse it
    :param reason: why
    :param seconds_saved: how long the component ran when it ran, if it is reused
    """

    component: str
    action: Action
    reason: str
    seconds_saved: float = 0.0


@dataclass(frozen=True)
class RunPlan:
    """One decision per enabled component, in the order of execution.

    :param pipeline_name: name of the pipeline
    :param decisions: the decisions
    :param config_changes: what differs from the config of the checkpoint, as far as it is known
    :param config_changed: whether the checkpoint was made under another config
    """

    pipeline_name: str
    decisions: tuple[Decision, ...]
    config_changes: tuple[Change, ...] = ()
    config_changed: bool = False

    @property
    def reused(self) -> list[str]:
        """Names of the components that are left alone."""
        return [d.component for d in self.decisions if d.action is Action.REUSE]


def plan_fresh(config: PipelineConfig, reason: str) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    """
    return RunPlan(config.name, tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered))


def plan_skipping(config: PipelineConfig, completed: Collection[str]) -> RunPlan:
    """Plan to leave out the components that the caller says are complete.

    :param config: the pipeline
    :param completed: names of components; a name that the pipeline does not have is ignored
    """
    if not completed:
        return plan_fresh(config, "no component was given as completed")
    return RunPlan(
        config.name,
        tuple(
            Decision(c.name, Action.REUSE, "given as completed")
            if c.name in completed
            else Decision(c.name, Action.RUN, "not completed yet")
            for c in config.ordered
        ),
    )


def plan_from_checkpoint(config: PipelineConfig, checkpoint: CheckpointState | None) -> RunPlan:
    """Plan to go on where the checkpoint says the run stopped.

    :param config: the pipeline as it is today
    :param checkpoint: the record of the earlier attempts, None if there is none
    """
    if checkpoint is None:
        return plan_fresh(config, "no checkpoint yet")
    if checkpoint.pipeline_fingerprint != compute_pipeline_fingerprint(config):
        found = changed_since(config, checkpoint)
        return RunPlan(
            config.name,
            plan_fresh(config, "config changed" + (f": {shorten(found)}" if checkpoint.fields else "")).decisions,
            tuple(found),
            config_changed=True,
        )
    completed = set(checkpoint.completed_components)
    decisions = []
    for component in config.ordered:
        record = checkpoint.components.get(component.name)
        if component.name not in completed:
            reason = "failed" if component.name == checkpoint.failed_component else "not completed"
            reason += f" in attempt {checkpoint.attempt}"
            decisions.append(Decision(component.name, Action.RUN, reason))
        elif record is None:
            decisions.append(Decision(component.name, Action.REUSE, "completed in an earlier attempt"))
        else:
            reason = f"completed in attempt {record.attempt} at {record.completed_at:%Y-%m-%d %H:%M:%S} UTC"
            decisions.append(Decision(component.name, Action.REUSE, reason, record.duration_seconds))
    return RunPlan(config.name, tuple(decisions))


def changed_since(config: PipelineConfig, checkpoint: CheckpointState) -> list[Change]:
    """List the differences between the config of a checkpoint and today's, without any value."""
    today = {c.name: field_hashes(c, config.base_dir) for c in config.components}
    return changes(checkpoint.fields, today)


def shorten(found: Sequence[Change]) -> str:
    """Name the first three differences and count the rest."""
    if not found:
        return "the order of its components"
    text = ", ".join(str(change) for change in found[:3])
    return text if len(found) <= 3 else f"{text} and {len(found) - 3} more"
