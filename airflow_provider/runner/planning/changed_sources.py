"""What follows from a source that has changed since a completed component had read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider.errors import SourceChangedError
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.compare import source_change
from airflow_provider.runner.session_state.sources.paths import overlap


@dataclass(frozen=True)
class SourceChange:
    """A source that is not as a completed component had read it.

    :param source: as it was read
    :param what: what has changed since
    :param by_others: what has changed since a component of this run last wrote there; None if nothing, so that all of
        the change is the run's own
    """

    source: SourceRecord
    what: str
    by_others: str | None


@dataclass(frozen=True)
class SourceFacts:
    """What is known of the sources of completed components.

    :param changes: component to those of its sources that have changed
    :param unknown: component to those of which that cannot be told
    :param cleared: whether a person cleared the task, so that an attempt is more than a retry
    """

    changes: Mapping[str, tuple[SourceChange, ...]] = field(default_factory=dict)
    unknown: Mapping[str, tuple[SourceRecord, ...]] = field(default_factory=dict)
    cleared: bool = False

    def by_others(self, component: str) -> list[SourceChange]:
        """Return which sources of a component somebody else changed."""
        return [change for change in self.changes.get(component, ()) if change.by_others]

    def not_as_read(self, component: str) -> list[tuple[SourceRecord, str]]:
        """Return which sources of a component somebody else changed, or may have changed, with what is known of it."""
        changed = [(c.source, f"which has changed since ({c.what})") for c in self.by_others(component)]
        untold = [(s, "of which cannot be told whether it has changed") for s in self.unknown.get(component, ())]
        return [*changed, *untold]


def compare_sources(
    checkpoint: CheckpointState, look: Callable[[SourceRecord], SourceRecord], *, cleared: bool
) -> SourceFacts:
    """Compare the sources of the completed components with what they are now.

    :param checkpoint: the record of the earlier attempts
    :param look: returns how a source is now
    :param cleared: whether a person cleared the task
    """
    changes: dict[str, tuple[SourceChange, ...]] = {}
    unknown: dict[str, tuple[SourceRecord, ...]] = {}
    for name in checkpoint.completed_components:
        record = checkpoint.components.get(name)
        if record is None:
            continue
        found, untold = [], []
        for source in record.sources:
            now = look(source)
            what = source_change(source, now)
            if what is not None:
                found.append(SourceChange(source, what, _by_others(checkpoint, name, source, now)))
            elif (source.state, now.state) != ("seen", "seen"):
                untold.append(source)
        if found:
            changes[name] = tuple(found)
        if untold:
            unknown[name] = tuple(untold)
    return SourceFacts(changes, unknown, cleared)


def reasons_by_source(config: PipelineConfig, facts: SourceFacts, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return component to reason for those that run because somebody else changed a source.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param reasons: what runs anyway
    :raises SourceChangedError: the policy is to fail
    """
    policy = config.on_source_change
    changed = [c.name for c in config.ordered if c.name not in reasons and facts.by_others(c.name)]
    if policy == "fail" and changed:
        remedy = (
            "on_source_change is 'fail'; set it to 'rerun_affected' to read them again or to 'keep' to go on with what "
            "was read, or restart from the component that read them"
        )
        raise SourceChangedError(config.name, [_told(facts.by_others(name), [name]) for name in changed], remedy)
    if not changed or not _reruns(policy, facts):
        return {}
    why = "on_source_change is 'auto' and somebody cleared the task" if policy == "auto" else _set_to(policy)
    own = {
        name: f"its source has changed since it was read: {_list(facts.by_others(name))} ({why})" for name in changed
    }
    return own | _of_descendants(config, own, reasons)


def reasons_not_to_mix(config: PipelineConfig, facts: SourceFacts, decisions: Iterable[Decision]) -> dict[str, str]:
    """Return component to reason for those that must run so that nothing old is mixed with something new.

    A component that is replayed, or for another reason runs again, would read what somebody else has changed: then all
    that had read it as it was runs again, with its descendants.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param decisions: the plan without these
    """
    if config.on_source_change == "keep":
        return {}
    actions = {decision.component: decision.action for decision in decisions}
    kept = {name for name, action in actions.items() if action is not Action.RUN}
    own: dict[str, str] = {}
    for name, action in actions.items():
        changes = facts.by_others(name)
        if not changes or action is Action.REUSE:
            continue
        again = "is needed again" if action is Action.REPLAY else "runs again"
        if action is Action.REPLAY:
            own[name] = (
                f"later ones need its session state, which was not saved, and its source has changed since it was "
                f"read: {_list(changes)}"
            )
        for other in kept - {name}:
            for source, what in facts.not_as_read(other):
                if any(overlap(source, change.source) for change in changes):
                    own.setdefault(other, f"it read {source.name}, {what}; {name!r} {again}")
    if not own:
        return {}
    setting = _set_to(config.on_source_change)
    own = {name: f"{reason}; old and new are not mixed ({setting})" for name, reason in own.items()}
    return own | _of_descendants(config, own, {name: "" for name in actions if name not in kept})


def judge_replays(
    config: PipelineConfig, facts: SourceFacts, decisions: Sequence[Decision]
) -> tuple[list[str], SourceChangedError | None]:
    """Return what the person who reads the plan should know about sources that have changed, and why not to go on.

    It must not go on if a component would have to be replayed and would read what a later component of this run wrote,
    unless its author vouches for that or its views, which are bound late, show that anyway.

    :param config: the pipeline
    :param facts: what is known of the sources
    :param decisions: the whole plan
    """
    notes = []
    stays: dict[str, tuple[list[SourceChange], list[str]]] = {}
    vouched = {c.name for c in config.components if (c.session_state or config.session_state) == "replay"}
    refused = []
    late = {d.component for d in decisions if d.session_state is not None and d.session_state.late_bound}
    for name, action in [(decision.component, decision.action) for decision in decisions]:
        changes = facts.changes.get(name, ())
        if action is Action.REPLAY and changes:
            if facts.by_others(name) or name in vouched:
                notes.append(
                    f"{name!r} is replayed and reads other data than before: {_list(changes)} "
                    f"({_set_to(config.on_source_change)})"
                )
            elif name not in late:
                refused.append(f"{_told(changes, [name])}, by a later component of this run")
        elif action is Action.REUSE:
            for change in facts.by_others(name):
                told = stays.setdefault(f"{change.source.name} {change.what}", ([change], []))
                told[1].append(name)
    if refused:
        remedy = (
            "its session state is needed and was not saved, and running it again would read other data; restart the "
            "run from it, or from now on save its views (session_state: 'save'), or vouch for it ('replay')"
        )
        return notes, SourceChangedError(config.name, refused, remedy)
    when = (
        " and this is a retry or restart; a clear or 'rerun_affected' reads it again"
        if config.on_source_change == "auto"
        else ""
    )
    notes += [
        f"{_told(changes, names)}; what was read is kept ({_set_to(config.on_source_change)}{when})"
        for changes, names in stays.values()
    ]
    return notes, None


def _by_others(checkpoint: CheckpointState, reader: str, source: SourceRecord, now: SourceRecord) -> str | None:
    """Return what has changed since this run last wrote into a source; None if all of the change is its own.

    A component that failed may have written there, too.
    """
    since = checkpoint.components[reader].completed_at
    records = [checkpoint.components[n] for n in checkpoint.completed_components if n in checkpoint.components]
    after = sorted((r for r in records if r.completed_at >= since), key=lambda record: record.completed_at)
    states = [source, *(left for record in after for left in record.left), *checkpoint.left]
    changes = [source_change(state, now) for state in states if state.key == source.key]
    return None if None in changes else changes[-1]


def _reruns(policy: str, facts: SourceFacts) -> bool:
    return policy == "rerun_affected" or (policy == "auto" and facts.cleared)


def _of_descendants(config: PipelineConfig, own: Mapping[str, str], runs: Mapping[str, str]) -> dict[str, str]:
    depends_on = {component.name: component.depends_on for component in config.components}
    affected = descendants(depends_on, set(own)) - own.keys() - runs.keys()
    return dict.fromkeys(affected, "a component that it depends on reads a source again that has changed")


def _told(changes: Sequence[SourceChange], readers: Sequence[str]) -> str:
    return f"source of {', '.join(map(repr, readers))} has changed since it was read: {_list(changes)}"


def _list(changes: Sequence[SourceChange]) -> str:
    told = list(dict.fromkeys(f"{change.source.name}: {change.what}" for change in changes))
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


def _set_to(policy: str) -> str:
    return f"on_source_change is {policy!r}"
