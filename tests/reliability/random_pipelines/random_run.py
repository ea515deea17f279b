"""Runs a random pipeline to its end, attempt by attempt, and lets go wrong what its story says."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow_provider.errors import AttemptStopped, CheckpointError, PySparkPipelineError, describe
from airflow_provider.runner import CheckpointStore, NoOpHooks, PipelineConfig, load_pipeline_config
from airflow_provider.runner.observing.events import ComponentStarted, PipelineStarted
from airflow_provider.runner.observing.result import ComponentResult
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running import component_runner
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.reliability.random_pipelines.random_story import Failure, Story
from tests.reliability.random_pipelines.random_world import COPY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RUN_ID = "run-1"
REFUSED = "SessionStateNotSavedError"
NOT_THERE = re.compile(r"(?P<what>.+) could not be restored after the failure: ", re.DOTALL)


class MadeToFail(Exception):
    """What a component is made to raise."""


@dataclass
class Trial:
    """One attempt.

    :param failure: what was to go wrong
    :param plan: what was to be done, as lines; empty if it did not come to that
    :param actions: component to what was to be done with it
    :param victim: the component at which it was to go wrong
    :param error: how it failed, None if it came to the end
    :param refused: it failed because a component must not run again and what it left could not be saved, or because
        what was saved no longer shows what it would; and it said so
    :param lost: what components had left that did not run again, and what nothing could bring back
    :param said: what the log said of the attempt
    :param injected: it failed only in the way in which it was made to
    """

    failure: Failure | None
    plan: list[str] = field(default_factory=list)
    actions: dict[str, Action] = field(default_factory=dict)
    victim: str | None = None
    error: str | None = None
    refused: bool = False
    injected: bool = False
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        how = f"{self.failure.mode} at {self.victim}" if self.failure else "nothing is to go wrong"
        return "\n".join([f"attempt: {how}; {self.error or 'success'}", *(f"    {line}" for line in self.plan)])


@dataclass
class Saboteur(NoOpHooks):
    """Lets an attempt go wrong at one component, from outside of the component: its code and config stay as they are.

    :param story: the pipeline
    :param trial: what is to go wrong, and what is noted of it
    """

    story: Story
    trial: Trial
    _current: str = ""
    _tries: Counter[str] = field(default_factory=Counter)

    def before_pipeline(self, event: PipelineStarted) -> None:
        plan = event.plan
        self.trial.plan = lines_of(plan)
        self.trial.actions = {decision.component: decision.action for decision in plan.decisions}
        at_work = [d.component for d in plan.decisions[: plan.runs_until] if d.action is not Action.REUSE]
        self.trial.victim = self.trial.failure.victim(at_work) if self.trial.failure else None

    def before_component(self, event: ComponentStarted) -> None:
        self._current = event.component.name
        if self._current != self.trial.victim or self.trial.failure is None:
            return
        if self.trial.failure.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trial.failure.mode == "stop":
            raise AttemptStopped("the attempt was told to stop")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let what the engine builds of the victim fail."""
        build = component_runner.build_component

        def sabotaged(*arguments: Any) -> Any:
            work = build(*arguments)
            return lambda: self._run(work)

        with mock.patch.object(component_runner, "build_component", sabotaged):
            yield

    def _run(self, work: Any) -> None:
        name, failure = self._current, self.trial.failure
        self._tries[name] += 1
        if failure is None or name != self.trial.victim:
            work()
            return
        if failure.mode == "late error" and not self.story.steps[name].acts:
            work()
        elif failure.mode == "once" and self._tries[name] > 1:
            work()
            return
        raise MadeToFail(f"{name} was made to fail")


def attempt(
    story: Story, places: dict[str, str], store: CheckpointStore, spark: SparkSession, failure: Failure | None
) -> Trial:
    """Run one attempt; what goes wrong is in what is returned.

    :param story: the pipeline
    :param places: where it runs
    :param store: keeps its checkpoint
    :param spark: a session of this attempt alone
    :param failure: what is to go wrong
    """
    trial = Trial(failure)
    saboteur = Saboteur(story, trial)
    config = load_pipeline_config(configured(story, places))
    with saboteur.at_work(), Listener(trial.said):
        try:
            result = run_attempt(
                AttemptSpec(
                    config,
                    store,
                    RunKey((), RUN_ID, config.name),
                    hooks=[saboteur],
                    spark=spark,
                    session_state_url=f"{places['dir']}/state",
                    keep_session_state=True,
                )
            )
        except AttemptStopped as error:
            trial.error, trial.injected = describe(error), True
        except CheckpointError:
            raise
        except PySparkPipelineError as error:
            trial.error, trial.refused = str(error), type(error).__name__ == REFUSED
        else:
            trial.lost = lost(trial, store, config.name)
            failed = [component for component in result.component_results if component.error is not None]
            if failed:
                trial.error = "; ".join(f"{c.component_name}: {describe(c.error)}" for c in failed if c.error)
                trial.injected = all(isinstance(component.error, MadeToFail) for component in failed)
                refused = [is_refused(component, trial.said) for component in failed]
                trial.refused = any(refused) and all(
                    isinstance(c.error, MadeToFail) or said for c, said in zip(failed, refused, strict=True)
                )
    return trial


def lost(trial: Trial, store: CheckpointStore, name: str) -> set[str]:
    """Return what completed components had left, as `Spark quotes it`, and what cannot be there in this attempt.

    :param trial: the attempt
    :param store: keeps its checkpoint
    :param name: that of the pipeline
    """
    checkpoint = store.load(RUN_ID, name)
    assert checkpoint is not None
    reused = {component for component, action in trial.actions.items() if action is Action.REUSE}
    states = [record.session_state for of, record in checkpoint.components.items() if of in reused]
    return {what.rpartition(" ")[2] for state in states if state is not None for what in state.lost}


def is_refused(failed: ComponentResult, said: list[str]) -> bool:
    """Whether a component failed because of what cannot be had after a failure, and whether the error says so.

    :param failed: how it failed
    :param said: what the log said
    """
    if type(failed.error).__name__ == REFUSED or COPY in str(failed.error):
        return True
    hints = failed.failure.hints if failed.failure is not None else ()
    missing = [found["what"] for hint in hints if (found := NOT_THERE.match(hint))]
    return any(what in line and "could not be restored" in line for what in missing for line in said)


class Listener(logging.Handler):
    """Keeps what the package logs; within a ``with`` block.

    :param lines: get it
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def __enter__(self) -> None:
        logging.getLogger("airflow_provider").addHandler(self)

    def __exit__(self, *error: object) -> None:
        logging.getLogger("airflow_provider").removeHandler(self)


def configured(story: Story, places: dict[str, str]) -> PipelineConfig:
    fields = {**story.config(places), "harmless_modules": [f"{__name__}.{Saboteur.__name__}"]}
    return PipelineConfig.model_validate(fields)


def lines_of(plan: RunPlan) -> list[str]:
    return [f"{d.component} {d.action}: {d.reason}" for d in plan.decisions]
