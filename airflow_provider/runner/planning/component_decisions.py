"""What happens to each component, once it is known which must run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import Reason
from airflow_provider.runner.planning.reuse_reasons import (
    CompletedEarlier,
    ProcessStateNeeded,
    ReplayPolicy,
    StateGone,
    StateNotSaved,
)
from airflow_provider.runner.record.checkpoint_state import CheckpointState, ComponentRecord
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.kinds.recorded_state import left_something, missing_state
from airflow_provider.runner.session_state.process_needs import (
    REMEDY,
    NeededState,
    listed,
    may_run_twice,
    needed_state,
    words_of_left,
)
from airflow_provider.runner.session_state.strategy import VOUCH

_RESTART_IT = "restart from it as well"


def decisions_for(
    config: PipelineConfig, facts: Facts, checkpoint: CheckpointState, reasons: Mapping[str, Reason]
) -> list[Decision]:
    """Return a decision for each enabled component, in the order of execution.

    :param config: the pipeline
    :param facts: what has been found out
    :param checkpoint: the record among the facts
    :param reasons: component to the reason for those that must run
    """
    needed: dict[str, tuple[NeededState, ...]] = {}
    while True:
        decisions = _decisions(config, facts, checkpoint, reasons, needed)
        more = needed_of_process(config, facts, checkpoint, decisions)
        if more == needed:
            return decisions
        needed = more


def _decisions(
    config: PipelineConfig,
    facts: Facts,
    checkpoint: CheckpointState,
    reasons: Mapping[str, Reason],
    of_process: Mapping[str, tuple[NeededState, ...]],
) -> list[Decision]:
    names = [component.name for component in config.ordered]
    no_copies = {c.name for c in config.ordered if c.session_state == "replay"}
    until = max((index for index, name in enumerate(names) if name in reasons), default=-1)
    decisions: list[Decision] = []
    untouched = True  # once something runs, it may replace what a later component had left in the session
    for index, name in enumerate(names):
        if name in reasons:
            decision = Decision(name, Action.RUN, reasons[name])
        elif (record := checkpoint.components.get(name)) is None:
            decision = Decision(name, Action.REUSE, CompletedEarlier())
        else:
            is_present = untouched and name in facts.present
            decision = _Completed(
                name,
                record,
                needed=index < until and not is_present,
                vouched=config.session_state_of(name) == "replay",
                no_copy=name in no_copies,
                damage=facts.damaged.get(name) if checkpoint.status == "completed" else None,
                uncertain=tuple(facts.sources.unknown.get(name, ())),
                of_process=() if is_present and not facts.live else of_process.get(name, ()),
                twice=record.session_state is not None and may_run_twice(config, name, record.session_state),
            ).decision()
            if facts.live and is_present:
                decision = _still_there(decision)
        untouched = untouched and decision.action is Action.REUSE
        decisions.append(decision)
    return decisions


def unrestorable_error(
    pipeline: str, decisions: Sequence[Decision], readers: Mapping[str, Mapping[str, str]]
) -> SessionStateNotSavedError | None:
    """Return the error for what is needed, was not saved, and must not be made again; None if there is no such thing.

    What can only be missed with an error, such as a view, counts if something that is to run needs it for certain.

    :param pipeline: name of the pipeline
    :param decisions: the plan
    :param readers: component to what its record does not bring back, to the component that needs that
    """
    lost = []
    for decision in decisions:
        state = decision.session_state
        if decision.restore and state is not None:
            reading = readers.get(decision.component, {})
            if state.handling == "unrepeatable" and (reading or state.unsavable is not None):
                lost.append((decision.component, state.reason, state.remedy or ""))
            elif reading:
                lost.append(_needed(decision.component, state, reading))
    lost += [
        (decision.component, f"{decision.reason}, and it may not be safe to run again", _RESTART_IT)
        for decision in decisions
        if decision.action is Action.REPLAY and decision.may_do_harm
    ]
    lost += [
        (
            decision.component,
            f"left {listed(refused)}, and it must not run again: {decision.session_state.reason}",
            REMEDY,
        )
        for decision in decisions
        if decision.session_state and (refused := [needed for needed in decision.lacking if needed.forbids])
    ]
    return SessionStateNotSavedError(pipeline, lost) if lost else None


def _needed(component: str, state: SessionStateRecord, reading: Mapping[str, str]) -> tuple[str, str, str]:
    reasons = {missing.name: missing.why for missing in missing_state(state)}
    whys = [f"{name}, which {reader!r} reads, was not saved: {reasons[name]}" for name, reader in reading.items()]
    return component, "; ".join(whys), state.remedy or VOUCH


def needed_of_process(
    config: PipelineConfig, facts: Facts, checkpoint: CheckpointState, decisions: Sequence[Decision]
) -> dict[str, tuple[NeededState, ...]]:
    """Return what components that stay completed left in the process and a component that will run may need.

    What is replayed may need something as well, so this depends on the decisions.
    """
    components = {component.name: component for component in config.ordered}
    records = {name: r.session_state for name, r in checkpoint.components.items() if r.session_state is not None}
    found: dict[str, tuple[NeededState, ...]] = {}
    for index, decision in enumerate(decisions):
        record = records.get(decision.component)
        if decision.action is Action.RUN or record is None or not words_of_left(record):
            continue
        later = decisions[index + 1 :]
        readers = [components[other.component] for other in later if other.action is not Action.REUSE]
        made: dict[str, set[str]] = {}
        for position, other in enumerate(later):
            between = [before.component for before in later[:position] if before.action is not Action.RUN]
            made[other.component] = {
                what for name in between if name in records for what in words_of_left(records[name])
            }
        there = facts.in_process.get(decision.component, ())
        needed = [one for one in needed_state(record, readers, facts.code or {}, made) if one.what not in there]
        if needed:
            found[decision.component] = tuple(needed)
    return found


@dataclass(frozen=True)
class _Completed:
    """A component that stays completed.

    :param name: its name
    :param record: what is recorded of it
    :param needed: whether something that runs later needs its session state, and the session does not have it
    :param vouched: whether its author says that running it again does no harm
    :param no_copy: whether its author wants that rather than a saved copy
    :param damage: why what it saved cannot be restored, None if it can
    :param uncertain: sources of which it is not known whether they have changed
    :param of_process: what it left in the process that is gone and that later components may need
    :param twice: whether it may run again for that
    """

    name: str
    record: ComponentRecord
    needed: bool
    vouched: bool
    no_copy: bool
    damage: str | None
    uncertain: tuple[SourceRecord, ...]
    of_process: tuple[NeededState, ...] = ()
    twice: bool = False

    def decision(self) -> Decision:
        """Return whether it is reused or replayed, and why."""
        record, state = self.record, self.record.session_state
        sources = tuple(record.sources)
        if self.needed and state is not None and (reason := self._reason_to_replay(state)) is not None:
            harm = isinstance(reason, StateGone) and not (state.harmless or self.vouched)
            return Decision(self.name, Action.REPLAY, reason, session_state=state, may_do_harm=harm, sources=sources)
        if self.of_process and self.twice:
            again = ProcessStateNeeded(record.attempt, self.of_process)
            return Decision(self.name, Action.REPLAY, again, session_state=state, sources=sources)
        views = len(state.views) if self.needed and state is not None else 0
        return Decision(
            self.name,
            Action.REUSE,
            CompletedEarlier(record.attempt, record.completed_at, views),
            seconds_saved=record.duration_seconds,
            session_state=state,
            restore=self.needed and state is not None,
            sources=sources,
            lacking=self.of_process,
        )

    def _reason_to_replay(self, state: SessionStateRecord) -> Reason | None:
        """Return why what it left must be made again, None if it can be restored."""
        attempt = self.record.attempt
        if self.damage is not None:
            return StateGone(attempt, self.damage)
        if state.views and self.no_copy:
            return ReplayPolicy(attempt)
        vouched = self.vouched and (state.handling == "unrepeatable" or bool(state.lost))
        if not (state.handling == "replay" or vouched):
            return None
        lost = next(iter(state.lost.values()), None) if state.handling == "kept" else None
        return StateNotSaved(attempt, lost or state.reason, self.uncertain)


def _still_there(decision: Decision) -> Decision:
    """Add to the reason that a server has kept what the component left, if it left something."""
    state, reason = decision.session_state, decision.reason
    if state is None or not left_something(state) or not isinstance(reason, CompletedEarlier):
        return decision
    return replace(decision, reason=replace(reason, on_the_server=True))
