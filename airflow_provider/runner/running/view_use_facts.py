"""Collects which views the components of a pipeline leave and read: from their config, code and earlier records."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider.runner.config.graph import ancestors
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.dependency_notes import dependency_warnings, runs_side_by_side
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.undeclared_dependencies import (
    UndeclaredDependencies,
    ViewUseFacts,
    find_undeclared_dependencies,
)
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.running.component_contexts import later_component
from airflow_provider.runner.session_state.needs.later_reads import (
    views_declared_to_be_left,
    views_declared_to_be_read,
)
from airflow_provider.runner.session_state.needs.view_use import find_views_read


def undeclared_dependencies(
    config: PipelineConfig, checkpoint: CheckpointState | None = None, *, code: bool = False
) -> UndeclaredDependencies:
    """Return which dependencies a pipeline lacks, as far as can be known before it runs.

    :param config: the pipeline
    :param checkpoint: the record of earlier attempts, which tells what components left; None if there is none
    :param code: whether to read in the code of the author's components, too, which views they read: that takes
        milliseconds for each
    """
    facts = view_use_facts(config, checkpoint, code=code)
    return find_undeclared_dependencies(facts, ancestors(config.dependencies, [fact.component for fact in facts]))


def with_dependency_warnings(plan: RunPlan, config: PipelineConfig) -> RunPlan:
    """Return a plan with notes on the dependencies that will be missed, if components run side by side.

    Only config and records count: to read code would take longer than to start.
    """
    if not runs_side_by_side(config):
        return plan
    found = undeclared_dependencies(config, plan.before)
    return replace(plan, notes=(*plan.notes, *dependency_warnings(config, found)))


def view_use_facts(
    config: PipelineConfig, checkpoint: CheckpointState | None = None, *, code: bool = False
) -> list[ViewUseFacts]:
    """Return what is known of the views of each component, in the order of execution.

    Arguments are those of :func:`undeclared_dependencies`.
    """
    recorded = checkpoint.components if checkpoint is not None else {}
    components = [later_component(component) for component in config.ordered]
    leaves: dict[str, set[str]] = {}
    for component in components:
        leaves[component.name] = views_declared_to_be_left(component, config.base_dir)
        record = recorded.get(component.name)
        if record is not None and record.session_state is not None:
            leaves[component.name] |= {str(view).lower() for view in record.session_state.left_views}
    every_view = set().union(*leaves.values())
    facts = []
    for component in components:
        reads = views_declared_to_be_read(component, every_view, config.base_dir)
        if code and component.kind is None:
            reads |= find_views_read(component.target, every_view - reads)
        facts.append(ViewUseFacts(component.name, frozenset(leaves[component.name]), frozenset(reads)))
    return facts
