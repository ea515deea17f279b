"""What the next attempt would do for each request that a person can make, worked out when an attempt has ended.

Whoever shows it needs neither the DAG's code nor the record, and decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from airflow_provider.runner.checkpoint.memory_store import InMemoryCheckpointStore
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec, start_mode_of
from airflow_provider.runner.running.preview import PreviewSession, preview
from airflow_provider.runner.running.restart_requests import find_requests

LONGEST_SECONDS = 2.0
"""For working out what ifs, at the end of an attempt."""

_LETTERS = {Action.REUSE: "r", Action.REPLAY: "p", Action.RUN: "x"}
_LEFT_OUT = "s"


@dataclass(frozen=True)
class Answer:
    """What the next attempt would do.

    :param actions: a letter per component, in the order of execution: ``r`` reuse, ``p`` replay, ``x`` run, ``s`` left
        out; empty if it would fail or would ignore the request
    :param refused: why it would, with the remedy; empty if it would not
    """

    actions: str = ""
    refused: str = ""

    def to_json(self, places: Sequence[int | None]) -> str | dict[str, str]:
        """Return the actions with equal ones counted, ``3r1x`` for ``rrrx``; or the refusal.

        :param places: of each component that is shown among the actions; None for a disabled one, which is left out
        """
        if self.refused:
            return {"refused": self.refused}
        letters = (_LEFT_OUT if place is None else self.actions[place] for place in places)
        return "".join(f"{len(list(same))}{letter}" for letter, same in groupby(letters))


@dataclass(frozen=True)
class WhatIf:
    """What the next attempt would do when the task is cleared.

    :param components: the enabled ones, in the order of execution
    :param resume: without a request
    :param beginning: with a request for all components that depend on no other
    :param restart: component to the answer for a restart from it with its descendants
    :param alone: the same without its descendants. A component that is in neither was not looked at
    """

    components: tuple[str, ...]
    resume: Answer
    beginning: Answer
    restart: dict[str, Answer] = field(default_factory=dict)
    alone: dict[str, Answer] = field(default_factory=dict)

    def to_json(self, shown: Sequence[str]) -> dict[str, Any]:
        """Return it as the progress for people has it, in which places stand for components.

        :param shown: names of all components in the progress, disabled ones too
        """
        place = {name: index for index, name in enumerate(self.components)}
        places = [place.get(name) for name in shown]
        index = {name: str(at) for at, name in enumerate(shown)}
        return {
            "resume": self.resume.to_json(places),
            "beginning": self.beginning.to_json(places),
            "from": {index[name]: answer.to_json(places) for name, answer in self.restart.items()},
            "only": {index[name]: answer.to_json(places) for name, answer in self.alone.items()},
        }


def what_if(
    run: AirflowAttemptSpec,
    checkpoint: CheckpointState,
    *,
    seconds: float = LONGEST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> WhatIf:
    """Work out what the next attempt would do, with the planning of the attempts themselves.

    The failed component and what it depends on come first, because the time may not suffice for all.

    :param run: the attempt that has just ended
    :param checkpoint: what is recorded after it
    :param seconds: for how long to look
    :param clock: a monotonic clock in seconds
    """
    until = clock() + seconds
    config, last = run.config, run.attempt
    clears = None if last.clear_number is None else last.clear_number + 1
    cleared = replace(
        run,
        attempt=replace(
            last,
            try_number=last.try_number + 1,
            max_tries=last.try_number + last.retries,
            clear_number=clears,
            task_state_found=True,  # the clear keeps it
        ),
    )
    session = PreviewSession(config, checkpoint)
    nothing_waits = InMemoryCheckpointStore()

    def answer(*components: str, only: bool = False) -> Answer:
        made = (RestartRequest(components=components, only=only),) if components else ()
        pending = find_requests(nothing_waits, run.key, config, checkpoint, (*run.requests, *made))
        start = start_mode_of(cleared, checkpoint, asked=bool(pending))
        found = preview(config, checkpoint, start, pending, session)
        if found.plan is None:
            return Answer(refused=str(found.error))
        aside = [outcome.set_aside for outcome in found.plan.requests if outcome.set_aside is not None]
        return Answer(refused=aside[0]) if aside else Answer(_letters(found.plan))

    roots = [component.name for component in config.ordered if not component.depends_on]
    found = WhatIf(tuple(component.name for component in config.ordered), answer(), answer(*roots))
    for name in _likeliest_first(config, checkpoint):
        if clock() > until:
            break
        found.restart[name] = answer(name)
        found.alone[name] = answer(name, only=True)
    return found


def _letters(plan: RunPlan) -> str:
    return "".join(
        _LEFT_OUT if decision.component in plan.left_out else _LETTERS[decision.action] for decision in plan.decisions
    )


def _likeliest_first(config: PipelineConfig, checkpoint: CheckpointState) -> Iterable[str]:
    """Return all components: the failed one, what it depends on, the nearest first, and then the others."""
    names = [component.name for component in config.ordered]
    needs = {component.name: component.depends_on for component in config.ordered}
    found = dict.fromkeys(name for name in [checkpoint.failed_component] if name in needs)
    nearest = list(found)
    while nearest:
        nearest = [need for name in nearest for need in needs[name] if need in needs and need not in found]
        found |= dict.fromkeys(nearest)
    return list(found | dict.fromkeys(names))
