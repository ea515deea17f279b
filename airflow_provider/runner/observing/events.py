"""What the runner tells its hooks: one record per lifecycle callback."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.observing.failure import Failure
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.plan import Decision, RunPlan
from airflow_provider.runner.record.code_record import CodeRecord
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
class ComponentStarted:
    """A component is about to run.

    :param component: its config
    :param position: its place in the order of execution, from 1
    :param total: number of enabled components
    :param decision: what the plan says about it and why
    """

    component: ComponentConfig
    position: int
    total: int
    decision: Decision


@dataclass(frozen=True)
class ComponentCompleted:
    """A component's ``run()`` returned.

    :param component: its config
    :param position: its place in the order of execution, from 1
    :param total: number of enabled components
    :param decision: what the plan says about it and why
    :param duration_seconds: from the start of the first try to the end of the last
    :param retries: tries after the first
    :param session_state: what it left in the session; None if nobody looked, or if it was replayed
    :param entered: the author's functions that ran, as far as Python could tell
    :param touched: what data it read and wrote; None like that
    :param code: the code that it ran with; None if that has not been read
    """

    component: ComponentConfig
    position: int
    total: int
    decision: Decision
    duration_seconds: float
    retries: int
    session_state: SessionStateRecord | None = None
    entered: tuple[str, ...] = ()
    touched: TouchedData | None = None
    code: CodeRecord | None = None


@dataclass(frozen=True)
class SessionStateSaved:
    """What a component that had completed left in the session was saved later on.

    :param component: name of the component
    :param session_state: what is to be recorded of it now
    """

    component: str
    session_state: SessionStateRecord


@dataclass(frozen=True)
class ComponentFailed:
    """A component failed, after its own retries.

    :param component: its config
    :param position: its place in the order of execution, from 1
    :param total: number of enabled components
    :param duration_seconds: from the start of the first try to the end of the last
    :param error: what it raised
    :param left: sources of earlier components into which it wrote before it failed, as they are now
    :param failure: why it failed, in words
    """

    component: ComponentConfig
    position: int
    total: int
    duration_seconds: float
    error: BaseException
    left: tuple[SourceRecord, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True)
class ComponentReused:
    """A component finished in an earlier attempt and is left alone.

    :param component: its config
    :param position: its place in the order of execution, from 1
    :param total: number of enabled components
    :param decision: what the plan says about it and why
    """

    component: ComponentConfig
    position: int
    total: int
    decision: Decision


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
