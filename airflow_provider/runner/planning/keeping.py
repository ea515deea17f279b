"""What happens to each component, once it is known which must run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import STILL_THERE, Action, Decision
from airflow_provider.runner.record.checkpoint_state import CheckpointState, ComponentRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.kinds.recorded_state import left_something

KEEP_THEM = "what was saved is deleted when a pipeline has succeeded, unless keep_session_state_hours says otherwise"
RESTART_IT = "restart from it as well"


def decisions_for(
    config: PipelineConfig, facts: Facts, checkpoint: CheckpointState, reasons: Mapping[str, str]
) -> list[Decision]:
    """Return a decision for each enabled component, in the order of execution.

    :param config: the pipeline
    :param facts: what has been found out
    :param checkpoint: the record among the facts
    :param reasons: component to the reason for those that must run
    """
    names = [component.name for component in config.ordered]
    policies = {c.name: c.session_state or config.session_state for c in config.ordered}
    no_copies = {c.name for c in config.ordered if c.session_state == "replay"}
    until = max((index for index, name in enumerate(names) if name in reasons), default=-1)
    decisions: list[Decision] = []
    untouched = True  # once something runs, it may replace what a later component had left in the session
    for index, name in enumerate(names):
        if name in reasons:
            decision = Decision(name, Action.RUN, reasons[name])
        else:
            is_present = untouched and name in facts.present
            decision = _keep(
                name,
                checkpoint.components.get(name),
                facts.sources.unknown.get(name, ()),
                needed=index < until and not is_present,
                vouched=policies[name] == "replay",
                no_copy=name in no_copies,
                gone=facts.damaged.get(name) if checkpoint.status == "completed" else None,
            )
            if (
                facts.live
                and is_present
                and decision.session_state is not None
                and left_something(decision.session_state)
            ):
                decision = replace(decision, reason=f"{decision.reason}; {STILL_THERE}")
        untouched = untouched and decision.action is Action.REUSE
        decisions.append(decision)
    return decisions


def not_brought_back(pipeline: str, decisions: Sequence[Decision]) -> SessionStateNotSavedError | None:
    """Return the error for what is needed, was not saved, and must not be made again; None if there is nothing of it.

    :param pipeline: name of the pipeline
    :param decisions: the plan
    """
    lost = [
        (decision.component, decision.session_state.reason, decision.session_state.remedy or "")
        for decision in decisions
        if decision.restore and decision.session_state and decision.session_state.handling == "unrepeatable"
    ]
    lost += [
        (decision.component, f"{decision.reason}, and it is not known that running it again does no harm", RESTART_IT)
        for decision in decisions
        if decision.action is Action.REPLAY and decision.harm
    ]
    return SessionStateNotSavedError(pipeline, lost) if lost else None


def _keep(
    name: str,
    record: ComponentRecord | None,
    unknown: Sequence[SourceRecord],
    *,
    needed: bool,
    vouched: bool,
    no_copy: bool,
    gone: str | None,
) -> Decision:
    if record is None:
        return Decision(name, Action.REUSE, "completed in an earlier attempt")
    state, sources = record.session_state, tuple(record.sources)
    if needed and state is not None and gone is not None:
        why = f"completed in attempt {record.attempt}, but later ones need its session state: {gone}"
        harm = not (state.harmless or vouched)
        return Decision(name, Action.REPLAY, f"{why}; {KEEP_THEM}", 0.0, state, False, harm, sources)
    when = f"completed in attempt {record.attempt} at {record.completed_at:%Y-%m-%d %H:%M:%S} UTC"
    if needed and state is not None and state.views and no_copy:
        why = f"completed in attempt {record.attempt}, but later ones need its session state, and that is 'replay'"
        return Decision(name, Action.REPLAY, why, session_state=state, sources=sources)
    vouched = vouched and state is not None and (state.handling == "unrepeatable" or bool(state.lost))
    again = state is not None and (state.handling == "replay" or vouched)
    if needed and state is not None and again:
        why = f"completed in attempt {record.attempt}, but later ones need its session state, which was not saved"
        names = ", ".join(source.name for source in unknown)
        untold = f"; whether {names} is as it was cannot be told" if unknown else ""
        reason = next(iter(state.lost.values()), state.reason) if state.handling == "kept" else state.reason
        return Decision(name, Action.REPLAY, f"{why}: {reason}{untold}", session_state=state, sources=sources)
    if needed and state is not None and state.views:
        count = f"{len(state.views)} saved {'view' if len(state.views) == 1 else 'views'}"
        when = f"{when}; {count} to restore"
    restore = needed and state is not None
    return Decision(name, Action.REUSE, when, record.duration_seconds, state, restore, sources=sources)
