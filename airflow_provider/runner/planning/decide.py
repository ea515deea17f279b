"""From the config and the facts to a plan. Nothing here touches anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from airflow_provider.errors import CodeChangedError, ConfigChangedError, ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import suggest
from airflow_provider.runner.fingerprint.config import ConfigHashes
from airflow_provider.runner.planning.code import CodeChanges, code_changes, describe_all
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import STILL_THERE, Action, Decision, RunPlan
from airflow_provider.runner.planning.reasons import changed_since, describe_changes, reasons_to_run
from airflow_provider.runner.record.state import CheckpointState, ComponentRecord


def plan_fresh(config: PipelineConfig, reason: str, checkpoint: CheckpointState | None = None) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    :param checkpoint: the record of the earlier attempts, which is left aside
    """
    decisions = tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered)
    known = frozenset(checkpoint.completed_components if checkpoint is not None else ())
    return RunPlan(config.name, decisions, restart_from=config.restart_from, before=checkpoint, known=known)


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
        restart_from=config.restart_from,
    )


def decide(config: PipelineConfig, facts: Facts) -> RunPlan:
    """Plan to go on where the checkpoint says the run stopped.

    A component runs if it has not completed, if its config or code or that of something it depends on has changed, if
    it was asked for, or if what it saved is damaged. The others are reused, except those whose session state was not
    saved and that come before one that runs: they are replayed.

    :param config: the pipeline as it is today, with its policies
    :param facts: what has been found out
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises CodeChangedError: code has changed and the policy is to fail
    :raises PipelineConfigError: there is no enabled component ``restart_from``
    """
    checkpoint, restart_from = facts.checkpoint, facts.restart_from
    names = [component.name for component in config.ordered]
    if restart_from is not None and restart_from not in names:
        message = f"unknown or disabled component {restart_from!r}{suggest(restart_from, names)}"
        raise PipelineConfigError([ConfigProblem(message, None, "restart_from")], config.source)
    if checkpoint is None:
        return plan_fresh(config, "no checkpoint yet")
    hashes = facts.hashes or ConfigHashes.of(config)
    changed = checkpoint.pipeline_fingerprint != hashes.pipeline
    found = changed_since(config, checkpoint, hashes) if changed else []
    what = describe_changes(checkpoint, found)
    if changed and config.on_config_change == "fail":
        raise ConfigChangedError(config.name, what)
    code = code_changes(config, facts, checkpoint)
    without_code = reasons_to_run(config, facts, checkpoint, hashes, changed)
    counts = config.on_code_change != "reuse" and not (changed and config.on_config_change == "restart")
    reasons = reasons_to_run(config, facts, checkpoint, hashes, changed, code) if counts else dict(without_code)
    # What runs anyway, with all that depends on it, uses no old result: then there is nothing to decide.
    old = {**code.completed, **code.unfinished} if set(reasons) - set(without_code) else {}
    if old and config.on_code_change == "fail":
        raise CodeChangedError(config.name, describe_all(old))
    would_be_kept: tuple[str, ...] = ()
    restarted_by = ""
    if reasons:
        reasons |= {c.name: "always_run" for c in config.ordered if c.always_run and c.name not in reasons}
    if changed and config.on_config_change == "restart":
        would_be_kept = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"config changed: {what}")
        restarted_by = "on_config_change"
    elif old and config.on_code_change == "restart":
        would_be_kept = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"code changed: {describe_all(old)}")
        restarted_by = "on_code_change"
    until = max((index for index, name in enumerate(names) if name in reasons), default=-1)
    decisions: list[Decision] = []
    policies = {c.name: c.session_state or config.session_state for c in config.ordered}
    untouched = True  # once something runs, it may replace what a later component had left in the session
    for index, name in enumerate(names):
        if name in reasons:
            decision = Decision(name, Action.RUN, reasons[name])
        else:
            is_present = untouched and name in facts.present
            decision = _keep(
                name,
                checkpoint.components.get(name),
                needed=index < until and not is_present,
                vouched=policies[name] == "replay",
            )
            if (
                facts.live
                and is_present
                and decision.session_state is not None
                and decision.session_state.left_something
            ):
                decision = replace(decision, reason=f"{decision.reason}; {STILL_THERE}")
        untouched = untouched and decision.action is Action.REUSE
        decisions.append(decision)
    return RunPlan(
        config.name,
        tuple(decisions),
        config_changed=changed,
        config_changes=tuple(found),
        code_changes=code.completed,
        would_be_kept=would_be_kept,
        restarted_by=restarted_by,
        restart_from=config.restart_from,
        notes=tuple(_code_notes(config.on_code_change, code, decisions)),
        live=facts.live,
        before=checkpoint,
        known=frozenset(checkpoint.completed_components),
    )


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


def _keep(name: str, record: ComponentRecord | None, *, needed: bool, vouched: bool) -> Decision:
    if record is None:
        return Decision(name, Action.REUSE, "completed in an earlier attempt")
    state = record.session_state
    when = f"completed in attempt {record.attempt} at {record.completed_at:%Y-%m-%d %H:%M:%S} UTC"
    again = state is not None and (state.handling == "replay" or (state.handling == "unrepeatable" and vouched))
    if needed and state is not None and again:
        why = f"completed in attempt {record.attempt}, but later ones need its session state, which was not saved"
        return Decision(name, Action.REPLAY, f"{why}: {state.reason}", session_state=state)
    if needed and state is not None and state.views:
        count = f"{len(state.views)} saved {'view' if len(state.views) == 1 else 'views'}"
        when = f"{when}; {count} to restore"
    return Decision(name, Action.REUSE, when, record.duration_seconds, state, restore=needed and state is not None)
