"""From the config and the facts to a plan. Nothing here touches anything."""

from __future__ import annotations

from collections.abc import Collection

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.changed_sources import reasons_not_to_mix
from airflow_provider.runner.planning.component_decisions import decisions_for
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.planning.plan_checks import check_plan
from airflow_provider.runner.planning.policy_effects import PlanInputs, effect_of_policies, reasons_to_always_run
from airflow_provider.runner.planning.reasons import NoCheckpoint, NotGivenAsCompleted, Reason
from airflow_provider.runner.planning.restart_plan import refuse_old_results, why_impossible
from airflow_provider.runner.planning.reuse_reasons import GivenAsCompleted
from airflow_provider.runner.record.checkpoint_state import CheckpointState


def plan_fresh(config: PipelineConfig, reason: Reason, checkpoint: CheckpointState | None = None) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    :param checkpoint: the record of the earlier attempts, which is left aside
    """
    decisions = tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered)
    recorded = frozenset(checkpoint.completed_components if checkpoint is not None else ())
    return RunPlan(config.name, decisions, before=checkpoint, recorded_when_planned=recorded)


def plan_skipping(config: PipelineConfig, completed: Collection[str]) -> RunPlan:
    """Plan to leave out the components that the caller says are complete.

    :param config: the pipeline
    :param completed: names of components; a name that the pipeline does not have is ignored
    """
    return RunPlan(
        config.name,
        tuple(
            Decision(c.name, Action.REUSE, GivenAsCompleted())
            if c.name in completed
            else Decision(c.name, Action.RUN, NotGivenAsCompleted(any_given=bool(completed)))
            for c in config.ordered
        ),
    )


def decide(config: PipelineConfig, facts: Facts) -> RunPlan:
    """Plan to continue where the checkpoint says the run stopped.

    First the policies say what must run (:mod:`airflow_provider.runner.planning.policy_effects`), then each other
    component is reused, or replayed if its session state was not saved and comes before one that runs
    (:mod:`airflow_provider.runner.planning.component_decisions`), then the whole is checked
    (:mod:`airflow_provider.runner.planning.plan_checks`).

    :param config: the pipeline as it is today, with its policies
    :param facts: what has been found out
    :return: the plan; with an ``obstacle`` if it must not be carried out
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises CodeChangedError: code has changed and the policy is to fail
    :raises SourceChangedError: a source has changed and the policy is to fail
    :raises PipelineConfigError: a requested restart makes no sense for this pipeline
    :raises RestartRefusedError: a requested restart would keep results of what it replaces
    """
    for restart in facts.restarts:
        if (message := why_impossible(config, restart)) is not None:
            raise PipelineConfigError([ConfigProblem(message, None, "restart_from")], config.source)
    checkpoint = facts.checkpoint
    if checkpoint is None:
        return plan_fresh(config, NoCheckpoint())
    inputs = PlanInputs(config, facts, checkpoint)
    effect = effect_of_policies(inputs)
    decisions = _decisions(inputs, dict(effect.reasons))
    refuse_old_results(config, facts.restarts, checkpoint, decisions)
    finding = check_plan(inputs, decisions)
    return RunPlan(
        config.name,
        tuple(decisions),
        config_changed=inputs.config_changed,
        config_changes=inputs.config_changes,
        code_changes=inputs.code.completed,
        kept_by_rerun_affected=effect.kept_by_rerun_affected,
        restarted_by=effect.restarted_by,
        notes=finding.notes,
        obstacle=finding.obstacle,
        live=facts.live,
        before=checkpoint,
        recorded_when_planned=inputs.completed,
    )


def _decisions(inputs: PlanInputs, reasons: dict[str, Reason]) -> list[Decision]:
    """Return all decisions. That a component is replayed may be a reason for others to run."""
    config, facts = inputs.config, inputs.facts
    while True:
        reasons |= reasons_to_always_run(config, reasons)
        decisions = decisions_for(config, facts, inputs.checkpoint, reasons)
        more = reasons_not_to_mix(config, facts.sources, decisions)
        if not more:
            return decisions
        reasons |= more
