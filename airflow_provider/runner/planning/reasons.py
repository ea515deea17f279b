"""Why a component must run, and how the config differs from the checkpoint's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.changes import Change, changes
from airflow_provider.runner.fingerprint.config import component_fingerprint, field_hashes
from airflow_provider.runner.record.state import CheckpointState


def reasons_to_run(
    config: PipelineConfig,
    checkpoint: CheckpointState,
    changed: bool,
    restart_from: str | None,
    lost: Mapping[str, str],
) -> dict[str, str]:
    """Return component to reason for all that must run, whatever the policy for a changed config."""
    completed = set(checkpoint.completed_components)
    depends_on = {component.name: component.depends_on for component in config.components}
    own = {}
    for component in config.components:
        record = checkpoint.components.get(component.name)
        if component.name not in completed:
            continue
        if changed and record is None:
            own[component.name] = "config changed, and the checkpoint does not say whether that concerns it"
        elif changed and record and record.fingerprint != component_fingerprint(component, config.base_dir):
            own[component.name] = "its config changed"
    if changed:
        # A component that is new changes what its descendants get.
        own |= {name: "new in the config" for name in depends_on if checkpoint.fields and name not in checkpoint.fields}
    reasons: dict[str, str] = {}
    affected = descendants(depends_on, set(own) | _changed_before_it_completed(config, checkpoint))
    asked_for = descendants(depends_on, {restart_from}) if restart_from is not None else set()
    for component in config.ordered:
        name = component.name
        if name in own:
            reasons[name] = own[name]
        elif name not in completed:
            how = "failed" if name == checkpoint.failed_component else "not completed"
            reasons[name] = f"{how} in attempt {checkpoint.attempt}"
        elif name in affected:
            reasons[name] = "a component that it depends on has changed"
        elif name in asked_for:
            reasons[name] = f"restart from {restart_from!r} was asked for"
        elif name in lost:
            reasons[name] = lost[name]
    return reasons


def _changed_before_it_completed(config: PipelineConfig, checkpoint: CheckpointState) -> set[str]:
    """Return what has changed and is not recorded as complete, although something that depends on it may be."""
    found = set()
    for component in config.components:
        before = checkpoint.fields.get(component.name)
        today = field_hashes(component, config.base_dir)
        if component.name in checkpoint.completed_components or before is None or before == today:
            continue
        if component.enabled or before.get("enabled") != today["enabled"]:
            found.add(component.name)
    return found


def changed_since(config: PipelineConfig, checkpoint: CheckpointState) -> list[Change]:
    """List the differences between the config of a checkpoint and today's, without any value."""
    if not checkpoint.fields:
        return []
    today = {c.name: field_hashes(c, config.base_dir) for c in config.components}
    return changes(checkpoint.fields, today)


def describe_changes(checkpoint: CheckpointState, found: Sequence[Change]) -> str:
    """Name the first three differences and count the rest."""
    if not checkpoint.fields:
        return "the checkpoint does not say in what"
    if not found:
        return "the order of its components"
    text = ", ".join(str(change) for change in found[:3])
    return text if len(found) <= 3 else f"{text} and {len(found) - 3} more"
