"""The rows of an attempt's progress: before the plan, as planned, and at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.failure import Failure
from airflow_provider.runner.observing.progress_document import ACTIONS, timestamp
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.observing.usual_costs import UsualCosts
from airflow_provider.runner.planning.plan import Action, Decision, RequestOutcome, RunPlan
from airflow_provider.runner.record.progress_record import (
    NOT_KNOWN,
    ProgressAction,
    ProgressError,
    ProgressRequest,
    ProgressRow,
    ProgressState,
)

_REMEDY = "remedy: "


def waiting_rows(config: PipelineConfig) -> list[ProgressRow]:
    """Return the rows of an attempt that has no plan yet."""
    needs = _needs(config)
    return [ProgressRow(component.name, needs[component.name]) for component in config.ordered] + _disabled(config)


def planned_rows(config: PipelineConfig, plan: RunPlan) -> list[ProgressRow]:
    """Return the rows of an attempt that is about to carry out a plan."""
    needs, changed = _needs(config), _changed(plan)
    rows = [_planned(decision, plan, needs, changed) for decision in plan.decisions]
    return rows + _disabled(config)


def with_usual(rows: Iterable[ProgressRow], usual: Mapping[str, UsualCosts]) -> list[ProgressRow]:
    """Return rows with what their components took in earlier runs."""
    return [_with_usual(row, usual.get(row.name)) for row in rows]


def finished_rows(rows: Sequence[ProgressRow], results: Iterable[ComponentResult]) -> list[ProgressRow]:
    """Return the rows of an attempt that has ended.

    :param results: how its components fared, as far as that is known
    """
    known = {result.component_name: result for result in results}
    return [_finished(row, known.get(row.name)) for row in rows]


def requests_in_words(plan: RunPlan, attempt: int) -> tuple[ProgressRequest, ...]:
    """Return the restart requests of a run, newest first.

    :param attempt: number of the attempt that carries out the plan
    """
    settled = plan.before.requests if plan.before is not None else []
    earlier = [
        ProgressRequest(
            found.what,
            found.source,
            f"set aside: {found.set_aside}" if found.set_aside else f"carried out by attempt {found.attempt}",
            found.requested_by,
            _at(found.requested_at),
        )
        for found in settled
    ]
    return (*(_asked(outcome, attempt) for outcome in reversed(plan.requests)), *reversed(earlier))


def failure_as_error(failure: Failure, place: int | None) -> ProgressError:
    """Return why a component failed.

    :param place: of the component
    """
    remedies, others = _split(failure.hints)
    detail = "\n".join([failure.what, *others])
    return ProgressError(
        failure.headline,
        place,
        failure.where,
        detail if detail != failure.headline else None,
        "\n".join(remedies) or None,
    )


def _split(hints: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the remedies among hints, and the other ones."""
    found = list(hints)
    remedies = [hint for hint in found if hint.startswith(_REMEDY)]
    return [hint.removeprefix(_REMEDY) for hint in remedies], [hint for hint in found if hint not in remedies]


def _asked(outcome: RequestOutcome, attempt: int) -> ProgressRequest:
    became = f"set aside: {outcome.set_aside}" if outcome.set_aside else f"carried out by attempt {attempt}"
    request = outcome.request
    if request is None:
        return ProgressRequest("a request that cannot be read", "", became)
    return ProgressRequest(str(request), request.source, became, request.requested_by, _at(request.requested_at))


def _at(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment is not None else None


def _planned(
    decision: Decision,
    plan: RunPlan,
    needs: Mapping[str, tuple[int, ...]],
    changed: Mapping[str, tuple[str, ...]],
) -> ProgressRow:
    left_out = decision.component in plan.left_out
    reused = decision.action is Action.REUSE
    return ProgressRow(
        decision.component,
        needs.get(decision.component, ()),
        ProgressState.LEFT_OUT if left_out else ProgressState.WAITING,
        ProgressAction.LEAVE_OUT if left_out else ACTIONS[decision.action],
        "left out of this attempt" if left_out else str(decision.reason),
        seconds=decision.seconds_saved if reused and decision.seconds_saved else NOT_KNOWN,
        session_state=decision.session_state,
        sources=tuple(source.name for source in decision.sources),
        changed=changed.get(decision.component, ()),
    )


def _with_usual(row: ProgressRow, usual: UsualCosts | None) -> ProgressRow:
    seconds = usual.median_seconds if usual is not None else None
    if usual is None or seconds is None:
        return row
    return replace(row, usual=seconds, usual_of=len(usual.seconds))


def _disabled(config: PipelineConfig) -> list[ProgressRow]:
    return [
        ProgressRow(
            component.name,
            state=ProgressState.LEFT_OUT,
            action=ProgressAction.LEAVE_OUT,
            reason="disabled in the config",
        )
        for component in config.components
        if not component.enabled
    ]


def _needs(config: PipelineConfig) -> dict[str, tuple[int, ...]]:
    """Return the places of what each enabled component depends on, in the order of the config."""
    places = {component.name: place for place, component in enumerate(config.ordered)}
    depends_on = config.dependencies
    return {name: tuple(places[other] for other in depends_on[name] if other in places) for name in places}


def _changed(plan: RunPlan) -> dict[str, tuple[str, ...]]:
    """Return for each component which of its config fields and which code differ from the last attempt's."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for change in plan.config_changes:
        if change.field is not None:
            found[change.component].append(change.field)
    for name, changes in plan.code_changes.items():
        found[name] += [change.name for change in changes]
    return {name: tuple(dict.fromkeys(fields)) for name, fields in found.items()}


def _finished(row: ProgressRow, result: ComponentResult | None) -> ProgressRow:
    if row.state is ProgressState.RUNNING:
        row = replace(row, state=ProgressState.FAILED)
    elif row.state is ProgressState.WAITING:
        row = replace(row, state=ProgressState.NOT_RUN)
        if result is not None and result.status is ComponentStatus.COMPLETED:
            row = replace(row, state=ProgressState.REUSED)  # it had completed earlier, and need not run again
        elif result is not None:
            row = replace(row, reason=f"{row.reason}; not run: {result.reason}")
    if result is None:
        return row
    return replace(
        row,
        saving_seconds=result.saving_seconds,
        restoring_seconds=result.restoring_seconds,
        session_state=result.session_state or row.session_state,
    )
