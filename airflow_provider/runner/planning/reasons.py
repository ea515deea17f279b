"""Why a component must run, and how the config differs from the checkpoint's."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_changes import ConfigChange, compare_config
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.changed_code import CodeChanges, describe_code
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.restart_plan import reasons_by_request
from airflow_provider.runner.record.checkpoint_state import CheckpointState


def reasons_to_run(
    config: PipelineConfig,
    facts: Facts,
    checkpoint: CheckpointState,
    hashes: ConfigHashes,
    changed: bool,
    code: CodeChanges | None = None,
) -> dict[str, str]:
    """Return component to reason for all that must run, whatever the policy for a changed config.

    :param config: the pipeline
    :param facts: what has been found out
    :param checkpoint: the record among the facts
    :param hashes: those of the config
    :param changed: whether the config differs from the checkpoint's
    :param code: changes of code that count; None to leave them aside
    """
    code = code or CodeChanges()
    completed = set(checkpoint.completed_components)
    depends_on = {component.name: component.depends_on for component in config.components}
    own = {}
    for component in config.components:
        record = checkpoint.components.get(component.name)
        if component.name not in completed:
            continue
        if changed and record is None:
            own[component.name] = "config changed, and the checkpoint does not say whether that concerns it"
        elif changed and record and record.fingerprint != hashes.components[component.name]:
            own[component.name] = "its config changed"
    if changed:
        # A component that is new changes what its descendants get.
        own |= {name: "new in the config" for name in depends_on if checkpoint.fields and name not in checkpoint.fields}
    own |= {name: f"code changed: {describe_code(what)}" for name, what in code.completed.items() if name not in own}
    reasons: dict[str, str] = {}
    unfinished = _changed_before_it_completed(config, checkpoint, hashes) if changed else set()
    unfinished |= set(code.unfinished)
    affected = descendants(depends_on, set(own) | unfinished)
    asked_for = reasons_by_request(config, facts.restarts)
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
            reasons[name] = asked_for[name]
        elif name in facts.damaged and checkpoint.status != "completed":
            reasons[name] = facts.damaged[name]
    return reasons


def _changed_before_it_completed(config: PipelineConfig, checkpoint: CheckpointState, hashes: ConfigHashes) -> set[str]:
    """Return what has changed and is not recorded as complete, although something that depends on it may be."""
    found = set()
    completed = set(checkpoint.completed_components)
    for component in config.components:
        before, today = checkpoint.fields.get(component.name), hashes.fields[component.name]
        if component.name in completed or before is None or before == today:
            continue
        if component.enabled or before.get("enabled") != today["enabled"]:
            found.add(component.name)
    return found


def changed_since(
    config: PipelineConfig, checkpoint: CheckpointState, hashes: ConfigHashes | None = None
) -> list[ConfigChange]:
    """List the differences between the config of a checkpoint and today's, without any value.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts
    :param hashes: those of the config; None to look now
    """
    return compare_config(checkpoint.fields, (hashes or ConfigHashes.of(config)).fields) if checkpoint.fields else []


def describe_changes(checkpoint: CheckpointState, found: Sequence[ConfigChange]) -> str:
    """Name the first three differences and count the rest."""
    if not checkpoint.fields:
        return "the checkpoint does not say in what"
    if not found:
        return "the order of its components"
    text = ", ".join(str(change) for change in found[:3])
    return text if len(found) <= 3 else f"{text} and {len(found) - 3} more"
