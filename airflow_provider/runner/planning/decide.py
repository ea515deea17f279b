"""From the config and the facts to a plan. Nothing here touches anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from airflow_provider.errors import CodeChangedError, ConfigChangedError, ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.changed_code import CodeChanges, code_changes, describe_all
from airflow_provider.runner.planning.changed_sources import judge_replays, reasons_by_source, reasons_not_to_mix
from airflow_provider.runner.planning.component_decisions import decisions_for, unrestorable_error
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.planning.reasons import changed_since, describe_changes, reasons_to_run
from airflow_provider.runner.planning.restart_plan import refuse_old_results, why_impossible
from airflow_provider.runner.record.checkpoint_state import CheckpointState


def plan_fresh(config: PipelineConfig, reason: str, checkpoint: CheckpointState | None = None) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    :param checkpoint: the record of the earlier attempts, which is left aside
    """
    decisions = tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered)
    known = frozenset(checkpoint.completed_components if checkpoint is not None else ())
    return RunPlan(config.name, decisions, before=checkpoint, recorded_when_planned=known)


def plan_skipping(config: PipelineConfig, completed: Collection[str]) -> RunPlan:
    """Plan to leave out the components that the caller says are complete.

    :param config: the pipeline
    :param completed: names of components; a name that the pipeline does not have is ignored
    """
    otherwise = "not completed yet" if completed else "no component was given as completed"
    return RunPlan(
        config.name,
        tuple(
            Decision(c.name, Action.REUSE, "given as completed")
            if c.name in completed
            else Decision(c.name, Action.RUN, otherwise)
            for c in config.ordered
        ),
    )


def decide(config: PipelineConfig, facts: Facts) -> RunPlan:
    """Plan to go on where the checkpoint says the run stopped.

    A component runs if it has not completed, if its config or code or that of something it depends on has changed, if
    it was asked for, if what it saved is damaged, or if its sources have changed and the policy says so. The others are
    reused, except those whose session state was not saved and that come before one that runs: they are replayed.

    :param config: the pipeline as it is today, with its policies
    :param facts: what has been found out
    :return: the plan; with an ``obstacle`` if it must not be carried out
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises CodeChangedError: code has changed and the policy is to fail
    :raises SourceChangedError: a source has changed and the policy is to fail
    :raises PipelineConfigError: what was asked for makes no sense for this pipeline
    :raises RestartRefusedError: what was asked for would keep results of what it replaces
    """
    checkpoint = facts.checkpoint
    names = [component.name for component in config.ordered]
    for restart in facts.restarts:
        if (message := why_impossible(config, restart)) is not None:
            raise PipelineConfigError([ConfigProblem(message, None, "restart_from")], config.source)
    if checkpoint is None:
        return plan_fresh(config, "no checkpoint yet")
    hashes = facts.hashes or ConfigHashes.of(config)
    changed = checkpoint.pipeline_fingerprint != hashes.pipeline
    found = changed_since(config, checkpoint, hashes) if changed else []
    what = describe_changes(checkpoint, found)
    if changed and config.on_config_change == "fail":
        raise ConfigChangedError(checkpoint.run_id, config.name, what)
    code = code_changes(config, facts, checkpoint)
    without_code = reasons_to_run(config, facts, checkpoint, hashes, changed)
    counts = config.on_code_change != "reuse" and not (changed and config.on_config_change == "restart")
    reasons = reasons_to_run(config, facts, checkpoint, hashes, changed, code) if counts else dict(without_code)
    # What runs anyway, with all that depends on it, uses no old result: then there is nothing to decide.
    old = {**code.completed, **code.unfinished} if set(reasons) - set(without_code) else {}
    if old and config.on_code_change == "fail":
        raise CodeChangedError(checkpoint.run_id, config.name, describe_all(old))
    reasons |= _always_run(config, reasons)
    kept_by_rerun_affected: tuple[str, ...] = ()
    restarted_by = ""
    if changed and config.on_config_change == "restart":
        kept_by_rerun_affected = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"config changed: {what}")
        restarted_by = "on_config_change"
    elif old and config.on_code_change == "restart":
        kept_by_rerun_affected = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"code changed: {describe_all(old)}")
        restarted_by = "on_code_change"
    elif reasons or checkpoint.status != "completed":
        reasons |= reasons_by_source(config, facts.sources, reasons)
    while True:
        reasons |= _always_run(config, reasons)
        decisions = decisions_for(config, facts, checkpoint, reasons)
        more = reasons_not_to_mix(config, facts.sources, decisions)
        if not more:
            break
        reasons |= more
    refuse_old_results(config, facts.restarts, checkpoint, decisions)
    source_notes, refusal = judge_replays(config, facts.sources, decisions)
    return RunPlan(
        config.name,
        tuple(decisions),
        config_changed=changed,
        config_changes=tuple(found),
        code_changes=code.completed,
        kept_by_rerun_affected=kept_by_rerun_affected,
        restarted_by=restarted_by,
        notes=(*_code_notes(config.on_code_change, code, decisions), *source_notes),
        obstacle=refusal or unrestorable_error(config.name, decisions),
        live=facts.live,
        before=checkpoint,
        recorded_when_planned=frozenset(checkpoint.completed_components),
    )


def _always_run(config: PipelineConfig, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return what runs because something else does."""
    return {c.name: "always_run" for c in config.ordered if reasons and c.always_run and c.name not in reasons}


def _code_notes(policy: str, code: CodeChanges, decisions: Sequence[Decision]) -> Iterator[str]:
    """Say which results are used without knowing that today's code would have made them."""
    kept = [decision.component for decision in decisions if decision.action is not Action.RUN]
    changed = {name: what for name, what in code.completed.items() if name in kept}
    changed |= code.unfinished if kept else {}
    if changed and policy == "reuse":
        yield f"on_code_change is 'reuse', so results are kept although their code changed: {describe_all(changed)}"
    for why in dict.fromkeys(code.unknown.values()):
        names = [name for name in kept if code.unknown.get(name) == why]
        if names:
            yield (
                f"kept without a look at their code, which {why}: {', '.join(map(repr, names))}; if it has changed "
                "since, restart from the first of them"
            )
