"""What a person wants to know of an attempt, as plain data. Best effort: it decides nothing.

How it becomes one small JSON document: :mod:`airflow_provider.runner.observing.progress_document`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.session_state_record import SessionStateRecord

PROGRESS_FORMAT = 1
"""The format of the document that this version of the package writes."""

NOT_KNOWN = -1.0
"""Stands for a time that is not known, because a document holds no nulls."""


class ProgressState(StrEnum):
    """What has become of a component so far, as the letter that the document has for it."""

    WAITING = "w"
    RUNNING = "x"
    COMPLETED = "c"
    REUSED = "r"
    REPLAYED = "p"
    FAILED = "f"
    NOT_RUN = "n"
    LEFT_OUT = "s"


class ProgressAction(StrEnum):
    """What the plan says of a component, as the letter that the document has for it."""

    REUSE = "r"
    REPLAY = "p"
    RUN = "x"
    LEAVE_OUT = "s"


class AttemptState(StrEnum):
    """How far an attempt is. ``PARTIAL``: nothing failed, and something was left out on purpose."""

    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIAL = "partial"


@dataclass(frozen=True)
class SparkCosts:
    """What a component took of Spark, by the jobs that it started. None for what is not known.

    :param cpu_seconds: CPU time of executors
    :param run_seconds: time that tasks ran on executors
    :param peak_memory_bytes: the most that one task held for its execution
    """

    cpu_seconds: float | None = None
    run_seconds: float | None = None
    tasks: int | None = None
    failed_tasks: int | None = None
    input_rows: int | None = None
    input_bytes: int | None = None
    output_rows: int | None = None
    output_bytes: int | None = None
    shuffle_read_bytes: int | None = None
    shuffle_write_bytes: int | None = None
    spilled_bytes: int | None = None
    peak_memory_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is known."""
        return without_nothing(dataclasses.asdict(self))


@dataclass(frozen=True)
class LongestStage:
    """The stage of a component in which its tasks ran longest.

    :param tasks: how many it has
    :param run_seconds: time that they ran, added up
    :param cpu_seconds: CPU time of it
    :param slowest_seconds: time of the slowest task, None if that is not known
    :param median_seconds: time of the task in the middle, None if that is not known
    """

    tasks: int
    run_seconds: float
    cpu_seconds: float
    slowest_seconds: float | None = None
    median_seconds: float | None = None


@dataclass(frozen=True)
class SparkUsage:
    """What Spark noted of the jobs that a component started.

    :param longest: None if no stage was long enough to be worth a look
    :param ran_python: whether Python code of a person ran on executors, or may have
    :param sql: id of its first SQL execution with a job, None if it had none
    """

    costs: SparkCosts
    longest: LongestStage | None = None
    ran_python: bool = False
    sql: int | None = None


@dataclass(frozen=True)
class CostSuspicion:
    """What may make a component slow.

    :param kind: ``skew``, ``spill``, ``one_partition`` or ``python``
    :param text: one sentence that says what to do about it
    """

    kind: str
    text: str


@dataclass(frozen=True)
class ProgressRow:
    """One component in an attempt.

    :param name: its name
    :param needs: places of the components that it depends on, directly or through disabled ones
    :param reason: why the plan says so
    :param began: seconds after the attempt began
    :param seconds: how long ``run()`` took; for a reused component when it ran
    :param usual: median of what it took in earlier runs that succeeded
    :param usual_of: in how many
    :param against_usual: in which respect it was not as usual, in words; empty if in none
    :param sql: id of its first SQL execution in Spark's UI, None if it had none or that is not known
    :param changed: config fields and functions that differ from the last attempt's
    """

    name: str
    needs: tuple[int, ...] = ()
    state: ProgressState = ProgressState.WAITING
    action: ProgressAction = ProgressAction.RUN
    reason: str = ""
    began: float = NOT_KNOWN
    seconds: float = NOT_KNOWN
    usual: float = NOT_KNOWN
    usual_of: int = 0
    saving_seconds: float = 0.0
    restoring_seconds: float = 0.0
    retries: int = 0
    against_usual: str = ""
    sql: int | None = None
    costs: SparkCosts | None = None
    suspicion: CostSuspicion | None = None
    session_state: SessionStateRecord | None = None
    code: CodeRecord | None = None
    sources: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProgressError:
    """Why an attempt failed.

    :param headline: the first line of what went wrong
    :param component: place of the component that failed, None if it was no component
    :param where: the author's own line
    :param detail: all of what went wrong, and what is known beside it
    :param remedy: what to do about it
    """

    headline: str
    component: int | None = None
    where: str | None = None
    detail: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class ProgressWork:
    """What Spark does at this moment for the component that runs."""

    component: int
    description: str = ""
    stages: int = 0
    stages_done: int = 0
    tasks: int = 0
    tasks_done: int = 0
    tasks_running: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ProgressRequest:
    """A restart request and its outcome, in words."""

    text: str
    source: str
    outcome: str
    by: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class AttemptOverview:
    """An attempt as a whole.

    :param number: number of the attempt in the checkpoint
    :param try_number: Airflow's number of this try
    :param began_at: ISO 8601, as all times
    :param how: how it started and where, in words
    :param asked_by: who cleared the task or requested a restart, None if that is not known
    :param saved_seconds: time that reuse saves
    :param spark_seconds: time that starting Spark took
    :param spark_ui: address of the running application's UI
    :param history: address of the application's page in the History Server
    """

    number: int
    try_number: int
    began_at: str
    ended_at: str | None = None
    state: AttemptState = AttemptState.STARTING
    how: str | None = None
    asked_by: str | None = None
    saved_seconds: float | None = None
    spark_seconds: float | None = None
    spark_ui: str | None = None
    history: str | None = None
    error: ProgressError | None = None
    work: ProgressWork | None = None


@dataclass(frozen=True)
class ProgressSnapshot:
    """Everything that is known of an attempt at one moment.

    :param rows: the components, in the order of the plan
    :param fingerprints: component to the fingerprint of its config
    :param requests: newest first
    :param what_if: what the next attempt would do, once this one has ended; plain JSON without nulls
    """

    pipeline: str
    run_id: str
    attempt: AttemptOverview
    rows: tuple[ProgressRow, ...] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[ProgressRequest, ...] = ()
    what_if: Mapping[str, Any] | None = None


def without_nothing(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data without what is None or an empty text, also inside."""
    return {
        key: without_nothing(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if value is not None and value != ""
    }
