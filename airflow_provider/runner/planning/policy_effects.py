"""What must run, and for which reason: one function per policy, and a tuple that puts them in order.

A new policy is a function and a line in :data:`POLICIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from airflow_provider.errors import CodeChangedError, ConfigChangedError, PySparkPipelineError
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_changes import ConfigChange
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.changed_code import CodeChanges, code_changes, describe_all
from airflow_provider.runner.planning.changed_config import changed_before_completing, changed_since, describe_changes
from airflow_provider.runner.planning.changed_sources import refuse_changed_sources, run_changed_sources_again
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.reasons import (
    AlwaysRun,
    CodeChanged,
    CodeRestart,
    ConfigChanged,
    ConfigMayHaveChanged,
    ConfigRestart,
    DamagedState,
    DependencyChanged,
    NewInConfig,
    NotCompleted,
    OwnConfigReason,
    Reason,
    Requested,
)
from airflow_provider.runner.planning.restart_plan import run_again
from airflow_provider.runner.record.checkpoint_state import CheckpointState


@dataclass(frozen=True)
class PlanInputs:
    """What the policies look at.

    :param config: the pipeline as it is today
    :param facts: what has been found out
    :param checkpoint: the record among the facts
    """

    config: PipelineConfig
    facts: Facts
    checkpoint: CheckpointState

    @cached_property
    def hashes(self) -> ConfigHashes:
        """Those of today's config."""
        return self.facts.hashes or ConfigHashes.of(self.config)

    @cached_property
    def config_changed(self) -> bool:
        """Whether the checkpoint was made under another config."""
        return self.checkpoint.pipeline_fingerprint != self.hashes.pipeline

    @cached_property
    def config_changes(self) -> tuple[ConfigChange, ...]:
        """What differs from that config, as far as it is known."""
        return tuple(changed_since(self.config, self.checkpoint, self.hashes)) if self.config_changed else ()

    @cached_property
    def code(self) -> CodeChanges:
        """How today's code differs from the recorded one."""
        return code_changes(self.config, self.facts, self.checkpoint)

    @cached_property
    def completed(self) -> frozenset[str]:
        """Names of the components that the checkpoint has as completed."""
        return frozenset(self.checkpoint.completed_components)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the enabled components, in the order of execution."""
        return tuple(component.name for component in self.config.ordered)

    def completed_dependents(self, changed: Iterable[str]) -> set[str]:
        """Return the completed components that depend on something that changed.

        :param changed: names of components
        """
        changed = set(changed)
        return (descendants(self.config.dependencies, changed) - changed) & self.completed


@dataclass(frozen=True)
class PolicyEffect:
    """What a policy, or several of them in order, do to the plan.

    :param reasons: component to the reason for those that must run
    :param obstacle: why there must be no plan; it ends planning
    :param restarted_by: the policy that restarts everything, if one does
    :param kept_by_rerun_affected: what its value ``rerun_affected`` would have kept then
    """

    reasons: Mapping[str, Reason] = field(default_factory=dict)
    obstacle: PySparkPipelineError | None = None
    restarted_by: str = ""
    kept_by_rerun_affected: tuple[str, ...] = ()

    def then(self, later: PolicyEffect) -> PolicyEffect:
        """Return the effect of both; a later policy's reason for a component replaces an earlier one's."""
        return replace(later if later.restarted_by else self, reasons={**self.reasons, **later.reasons})


Policy = Callable[[PlanInputs, PolicyEffect], PolicyEffect]
"""Takes what is known and the effect of the policies before it; returns its own effect."""


def effect_of_policies(inputs: PlanInputs) -> PolicyEffect:
    """Return which components must run, whatever that means for the session state of the others.

    :param inputs: what the policies look at
    :raises PySparkPipelineError: the obstacle of a policy
    """
    so_far = PolicyEffect()
    for policy in POLICIES:
        effect = policy(inputs, so_far)
        if effect.obstacle is not None:
            raise effect.obstacle
        so_far = so_far.then(effect)
    return so_far


def damaged_state(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What saved its session state, and it is damaged, runs again, unless the run is complete and nothing needs it."""
    if inputs.checkpoint.status == "completed":
        return PolicyEffect()
    return PolicyEffect(
        {name: DamagedState(what) for name, what in inputs.facts.damaged.items() if _counts(inputs, name)}
    )


def restart_requests(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What a person or the config asked for runs again."""
    reasons: dict[str, Reason] = {}
    for restart in inputs.facts.restarts:
        for name in run_again(inputs.config, restart):
            if _counts(inputs, name):
                reasons.setdefault(name, Requested(restart))
    return PolicyEffect(reasons)


def unfinished(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What has not completed runs."""
    checkpoint = inputs.checkpoint
    return PolicyEffect(
        {
            name: NotCompleted(checkpoint.attempt, failed=name == checkpoint.failed_component)
            for name in inputs.names
            if name not in inputs.completed
        }
    )


def on_config_change(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What has another config than when it completed runs again, with its descendants; or everything does."""
    if not inputs.config_changed:
        return PolicyEffect()
    config, checkpoint, policy = inputs.config, inputs.checkpoint, inputs.config.on_config_change
    recorded = bool(checkpoint.fields)
    if policy == "fail":
        what = describe_changes(inputs.config_changes, recorded=recorded)
        return PolicyEffect(obstacle=ConfigChangedError(checkpoint.run_id, config.name, what))
    own: dict[str, Reason] = {}
    for component in config.components:
        name, record = component.name, checkpoint.components.get(component.name)
        if recorded and name not in checkpoint.fields:
            own[name] = NewInConfig()  # a component that is new changes what its descendants get
        elif name in inputs.completed and record is None:
            own[name] = ConfigMayHaveChanged()
        elif name in inputs.completed and record and record.fingerprint != inputs.hashes.components[name]:
            own[name] = ConfigChanged()
    changed = set(own) | changed_before_completing(config, checkpoint, inputs.hashes)
    affected = dict.fromkeys(inputs.completed_dependents(changed), DependencyChanged())
    effect = PolicyEffect(_of_enabled(inputs, {**affected, **own}))
    if policy == "restart":
        return _restart(inputs, so_far.then(effect), ConfigRestart(inputs.config_changes, recorded), "on_config_change")
    return effect


def on_code_change(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What has other code than when it completed runs again, with its descendants; or everything does."""
    config, code, policy = inputs.config, inputs.code, inputs.config.on_code_change
    if policy == "reuse" or so_far.restarted_by:
        return PolicyEffect()
    own: dict[str, Reason] = {
        name: CodeChanged(tuple(what))
        for name, what in code.completed.items()
        if not isinstance(so_far.reasons.get(name), OwnConfigReason)
    }
    affected = {
        name: DependencyChanged()
        for name in inputs.completed_dependents({*code.completed, *code.unfinished})
        if not isinstance(so_far.reasons.get(name), OwnConfigReason)
    }
    effect = PolicyEffect(_of_enabled(inputs, {**affected, **own}))
    if set(effect.reasons) <= set(so_far.reasons):
        # What runs anyway, with all that depends on it, uses no old result: then there is nothing to decide.
        return effect
    old = {**code.completed, **code.unfinished}
    if policy == "fail":
        return PolicyEffect(obstacle=CodeChangedError(inputs.checkpoint.run_id, config.name, describe_all(old)))
    if policy == "restart":
        reason = CodeRestart(tuple((name, tuple(what)) for name, what in old.items()))
        return _restart(inputs, so_far.then(effect), reason, "on_code_change")
    return effect


def always_run(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What its author marked with ``always_run`` runs where anything does."""
    return PolicyEffect(reasons_to_always_run(inputs.config, so_far.reasons))


def on_source_change(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    """What had read a source that others changed runs again, with its descendants, if the policy says so."""
    if so_far.restarted_by or not (so_far.reasons or inputs.checkpoint.status != "completed"):
        return PolicyEffect()
    error = refuse_changed_sources(inputs.config, inputs.facts.sources, so_far.reasons)
    if error is not None:
        return PolicyEffect(obstacle=error)
    return PolicyEffect(run_changed_sources_again(inputs.config, inputs.facts.sources, so_far.reasons))


POLICIES: tuple[Policy, ...] = (
    damaged_state,
    restart_requests,
    unfinished,
    on_config_change,
    on_code_change,
    always_run,
    on_source_change,
)
"""In the order in which they act, the weakest reason first."""


def reasons_to_always_run(config: PipelineConfig, reasons: Mapping[str, Reason]) -> dict[str, Reason]:
    """Return the reasons for what runs because something else does.

    :param config: the pipeline
    :param reasons: what runs anyway
    """
    return {c.name: AlwaysRun() for c in config.ordered if reasons and c.always_run and c.name not in reasons}


def _restart(inputs: PlanInputs, otherwise: PolicyEffect, reason: Reason, policy: str) -> PolicyEffect:
    """Return the effect of a policy that restarts everything, and whose other value is ``rerun_affected``.

    :param inputs: what the policies look at
    :param otherwise: what would run if the policy were ``rerun_affected``
    :param reason: why everything runs
    :param policy: name of the policy
    """
    runs = {*otherwise.reasons, *reasons_to_always_run(inputs.config, otherwise.reasons)}
    kept = tuple(name for name in inputs.names if name not in runs)
    return PolicyEffect(dict.fromkeys(inputs.names, reason), restarted_by=policy, kept_by_rerun_affected=kept)


def _counts(inputs: PlanInputs, name: str) -> bool:
    return name in inputs.completed and name in inputs.names


def _of_enabled(inputs: PlanInputs, reasons: Mapping[str, Reason]) -> dict[str, Reason]:
    return {name: reason for name, reason in reasons.items() if name in inputs.names}
