"""What follows from a source that has changed since a completed component had read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider.errors import SourceChangedError
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import (
    DependencyReadsAgain,
    Reason,
    SharedChangedSource,
    SourceChanged,
    StateOfChangedSource,
)
from airflow_provider.runner.planning.source_facts import SourceChange, SourceFacts, list_changes
from airflow_provider.runner.session_state.sources.paths import overlap


def refuse_changed_sources(
    config: PipelineConfig, facts: SourceFacts, reasons: Mapping[str, Reason]
) -> SourceChangedError | None:
    """Return the error if others changed a source and the policy is to fail, None if it is right to go on.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param reasons: what runs anyway
    """
    changed = _changed(config, facts, reasons)
    if config.on_source_change != "fail" or not changed:
        return None
    remedy = (
        "on_source_change is 'fail'. Set it to 'rerun_affected' to read them again or to 'keep' to continue with what "
        "was read, or restart from the component that read them"
    )
    found = [_describe(facts.by_others(name), [name]) for name in changed]
    return SourceChangedError(config.name, found, remedy)


def run_changed_sources_again(
    config: PipelineConfig, facts: SourceFacts, reasons: Mapping[str, Reason]
) -> dict[str, Reason]:
    """Return component to reason for those that run because others changed a source.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param reasons: what runs anyway
    """
    policy = config.on_source_change
    if not (policy == "rerun_affected" or (policy == "auto" and facts.cleared)):
        return {}
    changed = _changed(config, facts, reasons)
    own: dict[str, Reason] = {name: SourceChanged(facts.by_others(name), policy) for name in changed}
    return own | _of_descendants(config, own, reasons)


def reasons_not_to_mix(config: PipelineConfig, facts: SourceFacts, decisions: Iterable[Decision]) -> dict[str, Reason]:
    """Return component to reason for those that must run so that nothing old is mixed with something new.

    A component that is replayed, or for another reason runs again, would read what others have changed: then all that
    had read it as it was runs again, with its descendants.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param decisions: the plan without these
    """
    policy = config.on_source_change
    if policy == "keep":
        return {}
    actions = {decision.component: decision.action for decision in decisions}
    kept = {name for name, action in actions.items() if action is not Action.RUN}
    own: dict[str, Reason] = {}
    for name, action in actions.items():
        changes = facts.by_others(name)
        if not changes or action is Action.REUSE:
            continue
        needed = action is Action.REPLAY
        if needed:
            own[name] = StateOfChangedSource(changes, policy)
        for other in kept - {name}:
            for source, change in facts.not_as_read(other):
                if any(overlap(source, changed.source) for changed in changes):
                    own.setdefault(other, SharedChangedSource(source, change, name, needed, policy))
    return own | _of_descendants(config, own, actions.keys() - kept) if own else {}


def replays_of_other_data(
    config: PipelineConfig, facts: SourceFacts, decisions: Sequence[Decision]
) -> tuple[list[str], SourceChangedError | None]:
    """Return what people should know of replays whose sources have changed, and the error if one must not happen.

    It must not happen if a component would be replayed and would read what a later component of this run wrote, unless
    its author vouches for that or its views, which are bound late, show that anyway.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param decisions: the whole plan
    """
    notes, refused = [], []
    late = {d.component for d in decisions if d.session_state is not None and d.session_state.late_bound}
    for name in [decision.component for decision in decisions if decision.action is Action.REPLAY]:
        changes = facts.changes.get(name, ())
        if not changes:
            continue
        if facts.by_others(name) or config.session_state_of(name) == "replay":
            notes.append(
                f"replaying {name!r} reads different data than before: {list_changes(changes)} "
                f"(on_source_change is {config.on_source_change!r})"
            )
        elif name not in late:
            refused.append(f"{_describe(changes, [name])}, by a later component of this run")
    if not refused:
        return notes, None
    remedy = (
        "its session state is needed and was not saved, and running it again would read other data. Restart the run "
        "from it. For future runs save its views (session_state: 'save') or vouch for it ('replay')"
    )
    return notes, SourceChangedError(config.name, refused, remedy)


def kept_although_changed(config: PipelineConfig, facts: SourceFacts, decisions: Iterable[Decision]) -> list[str]:
    """Return a note for each source that others changed and that components keep as they had read it.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param decisions: the whole plan
    """
    readers: dict[tuple[object, ...], tuple[SourceChange, list[str]]] = {}
    for name in [decision.component for decision in decisions if decision.action is Action.REUSE]:
        for change in facts.by_others(name):
            readers.setdefault((*change.source.key, change.what), (change, []))[1].append(name)
    policy = config.on_source_change
    when = " and this is a retry or restart; a clear or 'rerun_affected' reads it again" if policy == "auto" else ""
    return [
        f"{_describe([change], names)}; the run keeps what was read (on_source_change is {policy!r}{when})"
        for change, names in readers.values()
    ]


def _changed(config: PipelineConfig, facts: SourceFacts, reasons: Mapping[str, Reason]) -> list[str]:
    """Return the components that had read what others changed, and that do not run anyway."""
    return [c.name for c in config.ordered if c.name not in reasons and facts.by_others(c.name)]


def _of_descendants(config: PipelineConfig, own: Mapping[str, Reason], runs: Iterable[str]) -> dict[str, Reason]:
    affected = descendants(config.dependencies, set(own)) - own.keys() - set(runs)
    return dict.fromkeys(affected, DependencyReadsAgain())


def _describe(changes: Sequence[SourceChange], readers: Sequence[str]) -> str:
    return f"source of {', '.join(map(repr, readers))} has changed since it was read: {list_changes(changes)}"
