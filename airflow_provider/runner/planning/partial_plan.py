"""Restricts a plan to a part of the pipeline, for an author who tries it out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import suggestion
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.planning.reuse_reasons import LeftOut


def restrict_plan(
    plan: RunPlan, config: PipelineConfig, only: Collection[str] = (), until: str | None = None
) -> RunPlan:
    """Return a plan that runs a part of what it would run. What is left out stays incomplete.

    :param plan: the plan
    :param config: the pipeline
    :param only: run these components only; empty for all
    :param until: run what comes up to this component in the order of execution; None for all
    :raises PipelineConfigError: there is no such enabled component, or one needs another that is not complete
    """
    order = [decision.component for decision in plan.decisions]
    for name in [*only, *([until] if until is not None else [])]:
        if name not in order:
            raise _wrong(config, f"unknown or disabled component {name!r}{suggestion(name, order)}")
    wanted = set(only or order) & set(order[: order.index(until) + 1] if until is not None else order)
    to_run = [d.component for d in plan.decisions if d.action is Action.RUN]
    depends_on = config.dependencies
    for name in to_run:
        missing = [other for other in depends_on[name] if other in to_run and other not in wanted]
        if name in wanted and missing:
            names = ", ".join(map(repr, missing))
            raise _wrong(
                config,
                f"component {name!r} needs {names}, not complete in this run; run it first, or use --until {name}",
            )
    last = max(
        (i for i, d in enumerate(plan.decisions) if d.action is Action.RUN and d.component in wanted), default=-1
    )
    left_out = {name for name in to_run if name not in wanted}
    left_out |= {d.component for d in plan.decisions[last + 1 :] if d.action is Action.REPLAY}
    decisions = [
        replace(d, reason=LeftOut(d.reason) if d.component in left_out else d.reason, restore=d.restore and i < last)
        for i, d in enumerate(plan.decisions)
    ]
    return replace(plan, decisions=tuple(decisions), left_out=frozenset(left_out))


def _wrong(config: PipelineConfig, message: str) -> PipelineConfigError:
    return PipelineConfigError([ConfigProblem(message)], config.source)
