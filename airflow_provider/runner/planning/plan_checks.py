"""What people should know of a plan, and why it must not be carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from airflow_provider.errors import PySparkPipelineError
from airflow_provider.runner.planning.changed_code import UnknownCode, describe_all
from airflow_provider.runner.planning.changed_sources import kept_although_changed, replays_of_other_data
from airflow_provider.runner.planning.component_decisions import unrestorable_error
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.policy_effects import PlanInputs
from airflow_provider.runner.session_state.process_needs import REMEDY, listed


@dataclass(frozen=True)
class Finding:
    """What a check found.

    :param notes: what the person who reads the plan should know
    :param obstacle: why the plan must not be carried out
    """

    notes: tuple[str, ...] = ()
    obstacle: PySparkPipelineError | None = None


def check_plan(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """Return what all checks find; the first obstacle counts.

    :param inputs: what the policies looked at
    :param decisions: the whole plan
    """
    findings = [check(inputs, decisions) for check in CHECKS]
    notes = tuple(note for finding in findings for note in finding.notes)
    return Finding(notes, next((finding.obstacle for finding in findings if finding.obstacle), None))


def results_of_old_code(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """Results are used without knowing that today's code would have made them."""
    return Finding(tuple(_code_notes(inputs, decisions)))


def replays_with_other_data(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """A replay would read other data than the first run."""
    notes, error = replays_of_other_data(inputs.config, inputs.facts.sources, decisions)
    return Finding(tuple(notes), error)


def reuse_of_changed_sources(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """Components keep what they had read, although others changed it."""
    return Finding(tuple(kept_although_changed(inputs.config, inputs.facts.sources, decisions)))


def state_that_cannot_be_restored(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """Session state is needed that was not saved and must not be made again."""
    return Finding(obstacle=unrestorable_error(inputs.config.name, decisions, inputs.facts.readers))


def process_state_that_is_gone(inputs: PlanInputs, decisions: Sequence[Decision]) -> Finding:
    """Components may fail because this process lacks what they use."""
    return Finding(
        tuple(
            f"{decision.component!r} is not run again, and this process lacks {listed(missed)}; "
            f"if that component fails because of it: {REMEDY}"
            for decision in decisions
            if (missed := [needed for needed in decision.lacking if not needed.forbids])
        )
    )


CHECKS: tuple[Callable[[PlanInputs, Sequence[Decision]], Finding], ...] = (
    results_of_old_code,
    replays_with_other_data,
    reuse_of_changed_sources,
    state_that_cannot_be_restored,
    process_state_that_is_gone,
)


def _code_notes(inputs: PlanInputs, decisions: Sequence[Decision]) -> Iterator[str]:
    code = inputs.code
    kept = [decision.component for decision in decisions if decision.action is not Action.RUN]
    changed = {name: what for name, what in code.completed.items() if name in kept}
    changed |= code.unfinished if kept else {}
    if changed and inputs.config.on_code_change == "reuse":
        yield f"on_code_change is 'reuse', so results are kept although their code changed: {describe_all(changed)}"
    names_by_cause: dict[UnknownCode, list[str]] = {}
    for name in kept:
        if name in code.unknown:
            names_by_cause.setdefault(code.unknown[name], []).append(name)
    for cause, names in names_by_cause.items():
        yield (
            f"kept although their code could not be compared, because it {cause}: {', '.join(map(repr, names))}; if it "
            "has changed, restart from the first of them"
        )
