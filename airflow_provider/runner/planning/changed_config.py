"""How the config differs from the one under which the checkpoint was made."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_changes import ConfigChange, compare_config
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.record.checkpoint_state import CheckpointState

_CHANGES_SHOWN = 3


def changed_since(
    config: PipelineConfig, checkpoint: CheckpointState, hashes: ConfigHashes | None = None
) -> list[ConfigChange]:
    """List the differences between the config of a checkpoint and today's, without any value.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts
    :param hashes: those of the config; None to compute them now
    """
    return compare_config(checkpoint.fields, (hashes or ConfigHashes.of(config)).fields) if checkpoint.fields else []


def changed_before_completing(config: PipelineConfig, checkpoint: CheckpointState, hashes: ConfigHashes) -> set[str]:
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


def describe_changes(changes: Sequence[ConfigChange], *, recorded: bool = True) -> str:
    """Name the first three differences between two configs and count the rest.

    :param changes: what differs; empty if only the order does
    :param recorded: whether the checkpoint has the hashes that show it
    """
    if not recorded:
        return "the checkpoint does not show what"
    if not changes:
        return "the order of its components"
    text = ", ".join(str(change) for change in changes[:_CHANGES_SHOWN])
    more = len(changes) - _CHANGES_SHOWN
    return text if more <= 0 else f"{text} and {more} more"
