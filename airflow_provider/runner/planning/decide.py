"""From the config and the facts to a plan. Nothing here touches anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from airflow_provider.errors import ConfigChangedError, ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import suggest
from airflow_provider.runner.fingerprint.config import ConfigHashes
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import STILL_THERE, Action, Decision, RunPlan
from airflow_provider.runner.planning.reasons import changed_since, describe_changes, reasons_to_run
from airflow_provider.runner.planning.sources import judge_replays, reasons_by_source, taken_along
from airflow_provider.runner.record.sources import SourceRecord
from airflow_provider.runner.record.state import CheckpointState, ComponentRecord


def plan_fresh(config: PipelineConfig, reason: str, checkpoint: CheckpointState | None = None) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    :param checkpoint: the record of the earlier attempts, which is left aside
    """
    decisions = tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered)
    known = frozenset(checkpoint.completed_components if checkpoint is not None else ())
    return RunPlan(config.name, decisions, restart_from=config.restart_from, known=known)


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

    A component runs if it has not completed, if its config or that of something it depends on has changed, if it was
    asked for, or if what it saved is damaged. The others are reused, except those whose session state was not saved and
    that come before one that runs: they are replayed.

    :param config: the pipeline as it is today, with its policies
    :param facts: what has been found out
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises SourceChangedError: a source has changed and the policy is to fail, or nothing right can be done
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
    reasons = reasons_to_run(config, facts, checkpoint, hashes, changed)
    reasons |= _always_run(config, reasons)
    would_be_kept: tuple[str, ...] = ()
    if changed and config.on_config_change == "restart":
        would_be_kept = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"config changed: {what}")
    elif reasons or checkpoint.status != "completed":
        reasons |= reasons_by_source(config, facts.sources, reasons)
    while True:
        reasons |= _always_run(config, reasons)
        decisions = _decisions(config, facts, checkpoint, reasons)
        more = taken_along(config, facts.sources, decisions)
        if not more:
            break
        reasons |= more
    return RunPlan(
        config.name,
        tuple(decisions),
        config_changed=changed,
        config_changes=tuple(found),
        would_be_kept=would_be_kept,
        restart_from=config.restart_from,
        notes=tuple(judge_replays(config, facts.sources, decisions)),
        live=facts.live,
        known=frozenset(checkpoint.completed_components),
    )


def _always_run(config: PipelineConfig, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return what runs because something else does."""
    return {c.name: "always_run" for c in config.ordered if reasons and c.always_run and c.name not in reasons}


def _decisions(
    config: PipelineConfig, facts: Facts, checkpoint: CheckpointState, reasons: Mapping[str, str]
) -> list[Decision]:
    """Return a decision for each component, given which must run and why."""
    names = [component.name for component in config.ordered]
    until = max((index for index, name in enumerate(names) if name in reasons), default=-1)
    decisions: list[Decision] = []
    untouched = True  # once something runs, it may replace what a later component had left in the session
    for index, name in enumerate(names):
        if name in reasons:
            decision = Decision(name, Action.RUN, reasons[name])
        else:
            is_present = untouched and name in facts.present
            needed = index < until and not is_present
            decision = _keep(name, checkpoint.components.get(name), facts.sources.unknown.get(name, ()), needed=needed)
            if (
                facts.live
                and is_present
                and decision.session_state is not None
                and decision.session_state.left_something
            ):
                decision = replace(decision, reason=f"{decision.reason}; {STILL_THERE}")
        untouched = untouched and decision.action is Action.REUSE
        decisions.append(decision)
    return decisions


def _keep(name: str, record: ComponentRecord | None, unknown: Sequence[SourceRecord], *, needed: bool) -> Decision:
    if record is None:
        return Decision(name, Action.REUSE, "completed in an earlier attempt")
    state, sources = record.session_state, tuple(record.sources)
    when = f"completed in attempt {record.attempt} at {record.completed_at:%Y-%m-%d %H:%M:%S} UTC"
    if needed and state is not None and state.handling == "replay":
        why = f"completed in attempt {record.attempt}, but later ones need its session state, which was not saved"
        names = ", ".join(source.name for source in unknown)
        untold = f"; whether {names} is as it was cannot be told" if unknown else ""
        return Decision(name, Action.REPLAY, f"{why}: {state.reason}{untold}", session_state=state, sources=sources)
    if needed and state is not None and state.views:
        count = f"{len(state.views)} saved {'view' if len(state.views) == 1 else 'views'}"
        when = f"{when}; {count} to restore"
    restore = needed and state is not None
    return Decision(name, Action.REUSE, when, record.duration_seconds, state, restore, sources)
