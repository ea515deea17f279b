"""The plan: for every component of this attempt a decision, and a reason that a person can read.

Pure functions: they look at the config and the checkpoint and touch nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider.errors import ConfigChangedError, ConfigProblem, PipelineConfigError
from airflow_provider.runner.checkpoint.state import CheckpointState, ComponentRecord
from airflow_provider.runner.config import PipelineConfig
from airflow_provider.runner.config_problems import suggest
from airflow_provider.runner.fingerprint import (
    Change,
    changes,
    component_fingerprint,
    compute_pipeline_fingerprint,
    field_hashes,
)
from airflow_provider.runner.graph import descendants
from airflow_provider.runner.session_state.record import SessionStateRecord

STILL_THERE = "still in the session on the server"


class Action(StrEnum):
    """What an attempt does with a component.

    ``RUN`` it; ``REUSE`` it: it finished earlier and is left alone, its session state is restored; ``REPLAY`` it: it
    finished earlier but must run again, because what it left in the session is needed and was not saved.
    """

    RUN = "RUN"
    REUSE = "REUSE"
    REPLAY = "REPLAY"


@dataclass(frozen=True)
class Decision:
    """What happens to one component, and why.

    :param component: name of the component
    :param action: run, reuse or replay
    :param reason: why
    :param seconds_saved: how long the component ran when it ran, if it is reused
    :param session_state: what it left in the session, if it is reused
    :param restore: whether that is needed and not in the session
    """

    component: str
    action: Action
    reason: str
    seconds_saved: float = 0.0
    session_state: SessionStateRecord | None = None
    restore: bool = False


@dataclass(frozen=True)
class RunPlan:
    """One decision per enabled component, in the order of execution.

    :param pipeline_name: name of the pipeline
    :param decisions: the decisions
    :param config_changed: whether the checkpoint was made under another config
    :param config_changes: what differs from the config of the checkpoint, as far as it is known
    :param would_be_kept: components that ``on_config_change: rerun_affected`` would have kept
    :param restart_from: the config's request to restart from a component, carried out now or earlier
    :param notes: what else the person who reads the plan should know
    :param live: whether the session begins with what the server has kept of the last attempt's
    """

    pipeline_name: str
    decisions: tuple[Decision, ...]
    config_changed: bool = False
    config_changes: tuple[Change, ...] = ()
    would_be_kept: tuple[str, ...] = ()
    restart_from: str | None = None
    notes: tuple[str, ...] = ()
    live: bool = False

    @property
    def kept(self) -> list[str]:
        """Names of the components that stay completed: the reused and the replayed ones."""
        return [d.component for d in self.decisions if d.action is not Action.RUN]

    @property
    def runs_until(self) -> int:
        """Number of decisions up to and including the last one to run; 0 if nothing runs."""
        return max((i for i, d in enumerate(self.decisions, start=1) if d.action is Action.RUN), default=0)


def plan_fresh(config: PipelineConfig, reason: str) -> RunPlan:
    """Plan to run everything.

    :param config: the pipeline
    :param reason: why nothing is reused
    """
    decisions = tuple(Decision(c.name, Action.RUN, reason) for c in config.ordered)
    return RunPlan(config.name, decisions, restart_from=config.restart_from)


def plan_skipping(config: PipelineConfig, completed: Collection[str]) -> RunPlan:
    """Plan to leave out the components that the caller says are complete.

    :param config: the pipeline
    :param completed: names of components; a name that the pipeline does not have is ignored
    """
    if not completed:
        return plan_fresh(config, "no component was given as completed")
    return RunPlan(
        config.name,
        tuple(
            Decision(c.name, Action.REUSE, "given as completed")
            if c.name in completed
            else Decision(c.name, Action.RUN, "not completed yet")
            for c in config.ordered
        ),
    )


def plan_from_checkpoint(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    *,
    restart_from: str | None = None,
    lost: Mapping[str, str] | None = None,
    present: Collection[str] = (),
    live: bool = False,
) -> RunPlan:
    """Plan to go on where the checkpoint says the run stopped.

    A component runs if it has not completed, if its config or that of something it depends on has changed, if it was
    asked for, or if what it saved is lost. The others are reused, except those whose session state was not saved and
    that come before one that runs: they are replayed.

    :param config: the pipeline as it is today, with its policies
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param restart_from: run this component again with all its descendants
    :param lost: component to what is wrong with what it saved
    :param present: components whose session state is in the session that will be used
    :param live: whether a server has kept that session since the last attempt
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises PipelineConfigError: there is no enabled component ``restart_from``
    """
    names = [component.name for component in config.ordered]
    if restart_from is not None and restart_from not in names:
        message = f"unknown or disabled component {restart_from!r}{suggest(restart_from, names)}"
        raise PipelineConfigError([ConfigProblem(message, None, "restart_from")], config.source)
    if checkpoint is None:
        return plan_fresh(config, "no checkpoint yet")
    changed = checkpoint.pipeline_fingerprint != compute_pipeline_fingerprint(config)
    found = changed_since(config, checkpoint) if changed else []
    what = describe_changes(checkpoint, found)
    if changed and config.on_config_change == "fail":
        raise ConfigChangedError(config.name, what)
    reasons = _reasons_to_run(config, checkpoint, changed, restart_from, lost or {})
    would_be_kept: tuple[str, ...] = ()
    if reasons:
        reasons |= {c.name: "always_run" for c in config.ordered if c.always_run and c.name not in reasons}
    if changed and config.on_config_change == "restart":
        would_be_kept = tuple(name for name in names if name not in reasons)
        reasons = dict.fromkeys(names, f"config changed: {what}")
    until = max((index for index, name in enumerate(names) if name in reasons), default=-1)
    decisions: list[Decision] = []
    untouched = True  # once something runs, it may replace what a later component had left in the session
    for index, name in enumerate(names):
        if name in reasons:
            decision = Decision(name, Action.RUN, reasons[name])
        else:
            there = untouched and name in present
            decision = _keep(name, checkpoint.components.get(name), needed=index < until and not there)
            if live and there and decision.session_state is not None and decision.session_state.left_something:
                decision = replace(decision, reason=f"{decision.reason}; {STILL_THERE}")
        untouched = untouched and decision.action is Action.REUSE
        decisions.append(decision)
    return RunPlan(
        config.name,
        tuple(decisions),
        config_changed=changed,
        config_changes=tuple(found),
        would_be_kept=would_be_kept,
        restart_from=config.restart_from,
        live=live,
    )


def _reasons_to_run(
    config: PipelineConfig,
    checkpoint: CheckpointState,
    changed: bool,
    restart_from: str | None,
    lost: Mapping[str, str],
) -> dict[str, str]:
    """Return component to reason for all that must run, whatever the policy for a changed config."""
    completed = set(checkpoint.completed_components)
    depends_on = {component.name: component.depends_on for component in config.components}
    own = {}
    for component in config.components:
        record = checkpoint.components.get(component.name)
        if component.name not in completed:
            continue
        if changed and record is None:
            own[component.name] = "config changed, and the checkpoint does not say whether that concerns it"
        elif changed and record and record.fingerprint != component_fingerprint(component, config.base_dir):
            own[component.name] = "its config changed"
    if changed:
        # A component that is new changes what its descendants get.
        own |= {name: "new in the config" for name in depends_on if checkpoint.fields and name not in checkpoint.fields}
    reasons: dict[str, str] = {}
    affected = descendants(depends_on, set(own) | _changed_before_it_completed(config, checkpoint))
    asked_for = descendants(depends_on, {restart_from}) if restart_from is not None else set()
    for component in config.ordered:
        name = component.name
        if name in own:
            reasons[name] = own[name]
        elif name not in completed:
            how = "failed" if name == checkpoint.failed_component else "not completed"
            reasons[name] = f"{how} in attempt {checkpoint.attempt}"
        elif name in affected:
            reasons[name] = "a component that it depends on has changed"
        elif name in asked_for:
            reasons[name] = f"restart from {restart_from!r} was asked for"
        elif name in lost:
            reasons[name] = lost[name]
    return reasons


def _changed_before_it_completed(config: PipelineConfig, checkpoint: CheckpointState) -> set[str]:
    """Return what has changed and is not recorded as complete, although something that depends on it may be."""
    found = set()
    for component in config.components:
        before = checkpoint.fields.get(component.name)
        today = field_hashes(component, config.base_dir)
        if component.name in checkpoint.completed_components or before is None or before == today:
            continue
        if component.enabled or before.get("enabled") != today["enabled"]:
            found.add(component.name)
    return found


def _keep(name: str, record: ComponentRecord | None, *, needed: bool) -> Decision:
    if record is None:
        return Decision(name, Action.REUSE, "completed in an earlier attempt")
    state = record.session_state
    when = f"completed in attempt {record.attempt} at {record.completed_at:%Y-%m-%d %H:%M:%S} UTC"
    if needed and state is not None and state.handling == "replay":
        why = f"completed in attempt {record.attempt}, but later ones need its session state, which was not saved"
        return Decision(name, Action.REPLAY, f"{why}: {state.reason}", session_state=state)
    if needed and state is not None and state.views:
        count = f"{len(state.views)} saved {'view' if len(state.views) == 1 else 'views'}"
        when = f"{when}; {count} to restore"
    return Decision(name, Action.REUSE, when, record.duration_seconds, state, restore=needed and state is not None)


def changed_since(config: PipelineConfig, checkpoint: CheckpointState) -> list[Change]:
    """List the differences between the config of a checkpoint and today's, without any value."""
    if not checkpoint.fields:
        return []
    today = {c.name: field_hashes(c, config.base_dir) for c in config.components}
    return changes(checkpoint.fields, today)


def describe_changes(checkpoint: CheckpointState, found: Sequence[Change]) -> str:
    """Name the first three differences and count the rest."""
    if not checkpoint.fields:
        return "the checkpoint does not say in what"
    if not found:
        return "the order of its components"
    text = ", ".join(str(change) for change in found[:3])
    return text if len(found) <= 3 else f"{text} and {len(found) - 3} more"
