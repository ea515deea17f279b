"""How the components' code has changed since they completed, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.code import CodeChange, CodeReading, compare_code
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.code_record import CodeRecord

_MOST_CHANGES = 4


class UnknownCode(StrEnum):
    """Why a change in the code of a completed component would go unnoticed."""

    NOT_RECORDED = "was not recorded"
    UNREADABLE = "cannot be read today"


@dataclass(frozen=True)
class CodeChanges:
    """How today's code differs from the recorded one.

    :param completed: completed component to what changed in its code
    :param unfinished: the same for components that are not complete, although their descendants may be
    :param unknown: completed components whose code cannot be compared, and why
    """

    completed: Mapping[str, Sequence[CodeChange]] = field(default_factory=dict)
    unfinished: Mapping[str, Sequence[CodeChange]] = field(default_factory=dict)
    unknown: Mapping[str, UnknownCode] = field(default_factory=dict)


def code_changes(config: PipelineConfig, facts: Facts, checkpoint: CheckpointState) -> CodeChanges:
    """Compare the code of all enabled components.

    A component that failed may change: it has no record, and runs anyway. Only where it was complete before, and what
    depends on it still is, its earlier record counts.
    """
    if facts.code is None:
        return CodeChanges()
    completed: dict[str, Sequence[CodeChange]] = {}
    unfinished: dict[str, Sequence[CodeChange]] = {}
    unknown: dict[str, UnknownCode] = {}
    done = set(checkpoint.completed_components)
    for component in config.ordered:
        name, today = component.name, facts.code.get(component.name)
        before = recorded_code(checkpoint, name)
        if name in done and (before is None or today is None):
            unknown[name] = UnknownCode.NOT_RECORDED if before is None else UnknownCode.UNREADABLE
        if before is None or today is None:
            continue
        if _own_modules_not_found(before, today):
            unknown |= {name: UnknownCode.UNREADABLE} if name in done else {}
            continue
        if found := compare_code(before, today):
            (completed if name in done else unfinished)[name] = found
    return CodeChanges(completed, unfinished, unknown)


def _own_modules_not_found(before: CodeRecord, today: CodeReading) -> bool:
    """Whether modules are out of reach that were the author's own when the component completed.

    Another component gives them to the process when it runs, such as with ``addPyFile``: they have not changed.
    """
    found = {module.partition(".")[0] for module in today.modules}
    return any(module.partition(".")[0] in {*today.not_found} - found for module in before.modules)


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


def describe_code(found: Sequence[CodeChange]) -> str:
    """Say what changed in a component's code, functions before constants, the first four and the number of the rest."""
    constants = [change for change in found if change.kind == "constant"]
    others = [change for change in found if change.kind != "constant"]
    if len(others) == 1 and len(constants) == 1 and constants[0].change in ("changed", "renamed"):
        return f"{_in_words(others[0])}, and {_in_words(constants[0])} that it uses"
    shown = [_in_words(change) for change in [*others, *constants][:_MOST_CHANGES]]
    rest = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return f"{', '.join(shown)}{rest}"


def describe_all(found: Mapping[str, Sequence[CodeChange]]) -> str:
    """Say what changed in the code of several components."""
    return "; ".join(f"{name!r}: {describe_code(changes)}" for name, changes in found.items())


def _in_words(change: CodeChange) -> str:
    if change.kind == "python":
        versions = [f"Python {version}" if version else "source" for version in (change.before, change.after)]
        return f"{' -> '.join(versions)} (without source its bytecode counts)"
    subject = f"the constant {change.name}" if change.kind == "constant" else change.name
    if change.change in ("added", "removed"):
        version = change.after or change.before  # only a distribution has one
        return f"{'new' if change.change == 'added' else 'gone'}: {subject}{f' {version}' if version else ''}"
    if change.kind == "distribution":
        return f"{subject} {change.before} -> {change.after}"
    return f"{subject}, which was {change.before}" if change.change == "renamed" else subject
