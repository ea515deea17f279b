"""The events that hooks receive: one record per lifecycle callback."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.observing.failure import Failure
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.plan import Decision, RunPlan
from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.progress_record import SparkUsage
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord, TouchedData


@dataclass(frozen=True)
class PipelineStarted:
    """The plan is made, nothing has run yet.

    :param config: the pipeline
    :param plan: one decision per enabled component
    :param session_state_url: directory of this run for saved views, None if nothing is saved
    """

    config: PipelineConfig
    plan: RunPlan
    session_state_url: str | None = None


@dataclass(frozen=True)
class PipelineFinished:
    """Nothing more will run in this attempt.

    :param config: the pipeline
    :param result: how it went
    """

    config: PipelineConfig
    result: PipelineResult


@dataclass(frozen=True)
class Step:
    """A component's turn in an attempt.

    :param component: its config
    :param decision: what the plan says about it and why
    :param position: its place in the order of execution, from 1
    :param total: number of enabled components
    """

    component: ComponentConfig
    decision: Decision
    position: int
    total: int


@dataclass(frozen=True)
class StepEvent:
    """What happens in a component's turn.

    :param step: the component, its decision and its place
    """

    step: Step

    @property
    def component(self) -> ComponentConfig:
        """Its config."""
        return self.step.component

    @property
    def decision(self) -> Decision:
        """What the plan says about it and why."""
        return self.step.decision

    @property
    def position(self) -> int:
        """Its place in the order of execution, from 1."""
        return self.step.position

    @property
    def total(self) -> int:
        """Number of enabled components."""
        return self.step.total


@dataclass(frozen=True)
class ComponentStarted(StepEvent):
    """A component is about to run."""


@dataclass(frozen=True)
class ComponentReused(StepEvent):
    """A component finished in an earlier attempt and does not run again."""


@dataclass(frozen=True)
class ComponentCompleted(StepEvent):
    """A component's ``run()`` returned.

    :param duration_seconds: from the start of the first try to the end of the last
    :param retries: tries after the first
    :param session_state: what it left in the session; None if the session was not inspected, or for a replay
    :param entered: the author's functions that ran, as far as Python could tell
    :param touched: what data it read and wrote; None like that
    :param code: the code that it ran with; None if that has not been read
    :param usage: what it took of Spark; None if that is not known
    """

    duration_seconds: float
    retries: int
    session_state: SessionStateRecord | None = None
    entered: tuple[str, ...] = ()
    touched: TouchedData | None = None
    code: CodeRecord | None = None
    usage: SparkUsage | None = None


@dataclass(frozen=True)
class ComponentFailed(StepEvent):
    """A component failed, after its own retries.

    :param duration_seconds: from the start of the first try to the end of the last
    :param error: what it raised
    :param left: sources of earlier components into which it wrote before it failed, as they are now
    :param failure: why it failed, in words
    :param usage: what it took of Spark; None if that is not known
    """

    duration_seconds: float
    error: BaseException
    left: tuple[SourceRecord, ...] = ()
    failure: Failure | None = None
    usage: SparkUsage | None = None


@dataclass(frozen=True)
class SessionStateSaved:
    """The session state of a component that had completed before was saved.

    :param component: name of the component
    :param session_state: what to record of it now
    """

    component: str
    session_state: SessionStateRecord


@dataclass(frozen=True)
class RetryScheduled:
    """A try of a component failed and another one will follow.

    :param component: its config
    :param attempt: which try failed, from 1
    :param max_attempts: tries in all
    :param delay_seconds: pause before the next try
    :param error: what the try raised
    """

    component: ComponentConfig
    attempt: int
    max_attempts: int
    delay_seconds: float
    error: BaseException


@dataclass(frozen=True)
class CircuitChanged:
    """A component's circuit breaker changed its state.

    :param component: its config
    :param old: ``closed``, ``open`` or ``half_open``
    :param new: one of the same
    """

    component: ComponentConfig
    old: str
    new: str
