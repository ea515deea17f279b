"""What became of the components' code since they completed, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.code import compare_code
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.code_record import CodeRecord


@dataclass(frozen=True)
class CodeChanges:
    """How today's code differs from the recorded one.

    :param completed: completed component to what changed in its code
    :param unfinished: the same for components that are not complete, although what depends on them may be
    :param unknown: completed components of which it is not known, to why
    """

    completed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unfinished: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


def code_changes(config: PipelineConfig, facts: Facts, checkpoint: CheckpointState) -> CodeChanges:
    """Compare the code of all enabled components.

    A component that failed may change: it has no record, and runs anyway. Only where it was complete before, and what
    depends on it still is, its earlier record counts.
    """
    if facts.code is None:
        return CodeChanges()
    completed: dict[str, Sequence[str]] = {}
    unfinished: dict[str, Sequence[str]] = {}
    unknown: dict[str, str] = {}
    done = set(checkpoint.completed_components)
    for component in config.ordered:
        name, today = component.name, facts.code.get(component.name)
        before = recorded_code(checkpoint, name)
        if name in done and (before is None or today is None):
            unknown[name] = "was not recorded" if before is None else "cannot be read today"
        if before is None or today is None:
            continue
        if found := compare_code(before, today):
            (completed if name in done else unfinished)[name] = found
    return CodeChanges(completed, unfinished, unknown)


def recorded_code(checkpoint: CheckpointState, name: str) -> CodeRecord | None:
    """Return what is recorded of a component's code, also if it was to run again and did not complete since."""
    if name in checkpoint.completed_components:
        record = checkpoint.components.get(name)
        return record.code if record is not None else None
    return checkpoint.earlier_code.get(name)


def entered_before(checkpoint: CheckpointState) -> dict[str, Sequence[str]]:
    """Return component to the functions that are known to have run although nothing refers to them."""
    names = {*checkpoint.components, *checkpoint.earlier_code}
    return {name: code.entered for name in names if (code := recorded_code(checkpoint, name)) is not None}


def describe_code(found: Sequence[str]) -> str:
    """Say what changed in a component's code, functions before constants, the first four and the number of the rest."""
    constants = [what for what in found if "the constant " in what]
    others = [what for what in found if what not in constants]
    shown = [*others, *constants][:4]
    rest = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    if len(others) == 1 and len(constants) == 1 and constants[0].startswith("the constant "):
        return f"{others[0]}, and {constants[0]} that it uses"
    return f"{', '.join(shown)}{rest}"


def describe_all(found: Mapping[str, Sequence[str]]) -> str:
    """Say what changed in the code of several components."""
    return "; ".join(f"{name!r}: {describe_code(what)}" for name, what in found.items())
