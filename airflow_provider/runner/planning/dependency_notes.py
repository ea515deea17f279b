"""What people read of dependencies that a pipeline lacks."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.undeclared_dependencies import (
    LeftBySeveral,
    UndeclaredDependencies,
    UndeclaredRead,
)


def dependency_warnings(config: PipelineConfig, found: UndeclaredDependencies) -> Iterator[str]:
    """Yield what will go wrong when components run side by side; nothing if they run one after the other."""
    if runs_side_by_side(config):
        yield from (f"{_reads(read)}. Side by side it will not see that view: {_add(read)}" for read in found.reads)
        yield from (
            f"{_leave(left)}. Side by side that is an error: {_add_between(left)}, or use different names"
            for left in found.lefts
        )


def dependency_notes(config: PipelineConfig, found: UndeclaredDependencies) -> Iterator[str]:
    """Yield where only the place in the file decides, because components run one after the other.

    In a pipeline without any ``depends_on`` the place is all that the author has said.
    """
    if not runs_side_by_side(config) and any(config.dependencies.values()):
        yield from (
            f"{_reads(read)}, so only their place in the file decides whether it sees that view: {_add(read)}"
            for read in found.reads
            if read.runs_before
        )
        yield from (
            f"{_leave(left)}, so only their place in the file decides which of them counts: {_add_between(left)}, or "
            "use different names"
            for left in found.lefts
        )


def runs_side_by_side(config: PipelineConfig) -> bool:
    """Whether a pipeline may run components side by side."""
    return config.max_parallel_components != 1


def _reads(read: UndeclaredRead) -> str:
    return (
        f"component {read.component!r} reads view {read.view!r}, which component {read.left_by!r} leaves, and does not "
        "depend on it"
    )


def _add(read: UndeclaredRead) -> str:
    return f"add {read.left_by!r} to depends_on of {read.component!r}"


def _leave(left: LeftBySeveral) -> str:
    names = [repr(name) for name in left.components]
    return (
        f"components {', '.join(names[:-1])} and {names[-1]} leave the same view {left.view!r}, and there is no order "
        "between them"
    )


def _add_between(left: LeftBySeveral) -> str:
    return f"add {left.components[0]!r} to depends_on of {left.components[-1]!r}"
