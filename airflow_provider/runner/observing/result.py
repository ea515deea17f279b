"""How an attempt went."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider.runner.observing.failure import Failure, explain
from airflow_provider.runner.observing.periods import Period, any_overlap, one_after_another, seconds_taken
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.progress_record import SparkUsage
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import TouchedData


class PipelineResultStatus(StrEnum):
    """Outcome of an attempt. Success means that every enabled component is complete.

    >>> result = SimplePipelineRunner(config, spark=spark).run()
    >>> result.status is PipelineResultStatus.SUCCESS
    True
    """

    SUCCESS = "success"
    FAILURE = "failure"


class ComponentStatus(StrEnum):
    """Outcome of one component in one attempt."""

    COMPLETED = "completed"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class ComponentResult:
    """How one component fared in an attempt.

    >>> result = SimplePipelineRunner(config, spark=spark).run({"load"})
    >>> [(part.component_name, part.action.value, part.reason) for part in result.component_results]
    [('load', 'REUSE', 'given as completed'), ('clean', 'RUN', 'not completed yet')]

    :param component_name: name of the component
    :param action: what the plan says
    :param reason: why the plan says so, or why the component did not run
    :param status: what became of it
    :param duration_seconds: time that it took in this attempt, 0 if it did not run
    :param saving_seconds: further time that it took to save views: its own, or those of others that it changes
    :param restoring_seconds: time that it took to restore its session state
    :param seconds_saved: time that its reuse saved, as measured when it ran
    :param retries: its own tries after the first
    :param error: what it raised
    :param failure: why it failed, in words
    :param session_state: what it left in the session, if it ran and the session was inspected
    :param touched: what data it read and wrote, like that
    :param usage: what it took of Spark, if it ran and that is known
    :param started_seconds: when its work began, or restoring what it left, since the attempt began; None if that is not
        known, as with one component at a time
    """

    component_name: str
    action: Action
    reason: str
    status: ComponentStatus
    duration_seconds: float = 0.0
    saving_seconds: float = 0.0
    restoring_seconds: float = 0.0
    seconds_saved: float = 0.0
    retries: int = 0
    error: BaseException | None = None
    failure: Failure | None = None
    session_state: SessionStateRecord | None = field(default=None, compare=False, repr=False)
    touched: TouchedData | None = field(default=None, compare=False, repr=False)
    usage: SparkUsage | None = field(default=None, compare=False, repr=False)
    started_seconds: float | None = None

    @property
    def success(self) -> bool:
        """Whether the component is complete, in this attempt or an earlier one."""
        return self.status is ComponentStatus.COMPLETED

    @property
    def duration_ms(self) -> int:
        """:attr:`duration_seconds` in whole milliseconds."""
        return int(self.duration_seconds * 1000)

    @property
    def ran_during(self) -> Period | None:
        """When it ran, in seconds since the attempt began; None if it did not run, or that is not known."""
        if self.started_seconds is None or not self.duration_seconds:
            return None
        return Period(self.started_seconds, self.started_seconds + self.duration_seconds)


@dataclass(frozen=True)
class PipelineResult:
    """How an attempt at a pipeline went.

    >>> result = SimplePipelineRunner(config, spark=spark).run()
    >>> result.completed_components, result.failed_components
    (['load', 'clean'], [])

    :param pipeline_name: name of the pipeline
    :param status: success or failure
    :param component_results: one per enabled component, in the order of execution
    :param duration_seconds: time that the attempt took
    :param spark_seconds: how much of it went into starting Spark
    """

    pipeline_name: str
    status: PipelineResultStatus
    component_results: tuple[ComponentResult, ...] = ()
    duration_seconds: float = 0.0
    spark_seconds: float = 0.0

    @property
    def total_duration_ms(self) -> int:
        """:attr:`duration_seconds` in whole milliseconds."""
        return int(self.duration_seconds * 1000)

    @property
    def completed_components(self) -> list[str]:
        """Names of the components that are complete, reused ones included."""
        return [result.component_name for result in self.component_results if result.success]

    @property
    def failed_components(self) -> list[tuple[str, BaseException]]:
        """Name and error of each component that failed."""
        return [(r.component_name, r.error) for r in self.component_results if r.error is not None]

    @property
    def is_part(self) -> bool:
        """Whether nothing failed and something was left out on purpose."""
        return self.status is not PipelineResultStatus.SUCCESS and not self.failed_components

    @property
    def seconds_saved(self) -> float:
        """Time that reuse saved in this attempt."""
        return sum(result.seconds_saved for result in self.component_results)

    @property
    def ran_side_by_side(self) -> bool:
        """Whether some of the components ran at the same time."""
        ran = [result.ran_during for result in self.component_results]
        return any_overlap(period for period in ran if period is not None)

    @property
    def work_seconds(self) -> float:
        """The time that the components took, added up, also where they ran at the same time."""
        return sum(result.duration_seconds for result in self.component_results)

    @property
    def seconds_by_kind(self) -> dict[str, float]:
        """Where the attempt's time went: its components, saving and restoring what they left, Spark's start, the rest.

        The rest is records, hooks, and looking at the session. Together they are :attr:`duration_seconds`. Time in
        which several things happened at once counts once: for components if any of them ran, then for saving.
        """
        results = self.component_results
        kinds = {
            "components": self.work_seconds,
            "saving": sum(result.saving_seconds for result in results),
            "restoring": sum(result.restoring_seconds for result in results),
        }
        if self.ran_side_by_side:
            kinds = seconds_taken(
                {
                    "components": [result.ran_during for result in results if result.ran_during is not None],
                    "saving": one_after_another((result.ran_during, result.saving_seconds) for result in results),
                    "restoring": [
                        Period(result.started_seconds, result.started_seconds + result.restoring_seconds)
                        for result in results
                        if result.started_seconds is not None and not result.duration_seconds
                    ],
                }
            )
        kinds["spark_start"] = self.spark_seconds
        return kinds | {"rest": max(0.0, self.duration_seconds - sum(kinds.values()))}

    def summary(self) -> dict[str, Any]:
        """Return a small JSON summary, fit for an XCom."""
        return {
            "pipeline": self.pipeline_name,
            "status": self.status.value,
            "duration_seconds": round(self.duration_seconds, 3),
            "seconds_by_kind": {kind: round(seconds, 3) for kind, seconds in self.seconds_by_kind.items()},
            "seconds_saved": round(self.seconds_saved, 3),
            "components": [
                {
                    "name": result.component_name,
                    "action": result.action.value,
                    "status": result.status.value,
                    "reason": result.reason,
                    "duration_seconds": round(result.duration_seconds, 3),
                }
                | ({"started_seconds": round(result.started_seconds, 3)} if result.started_seconds is not None else {})
                | ({"saving_seconds": round(result.saving_seconds, 3)} if result.saving_seconds else {})
                | ({"restoring_seconds": round(result.restoring_seconds, 3)} if result.restoring_seconds else {})
                | ({"seconds_saved": round(result.seconds_saved, 3)} if result.seconds_saved else {})
                | ({"error": (result.failure or explain(result.error)).headline} if result.error else {})
                for result in self.component_results
            ],
        }
