"""Hooks that count and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
    SessionStateSaved,
)
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.progress_record import SparkUsage


class MetricsHooks(NoOpHooks):
    """Counts and times what happens, and passes each figure on.

    >>> metrics = MetricsHooks()
    >>> result = SimplePipelineRunner(config, hooks=metrics, spark=spark).run()
    >>> metrics.counts["completed"]
    2

    :param emit: called as ``emit(name, value, tags)`` for each figure; default: only kept in
        :attr:`counts` and :attr:`durations`
    """

    def __init__(self, emit: Callable[[str, float, dict[str, str]], Any] | None = None) -> None:
        self._emit = emit
        self._pipeline = ""
        self.counts: Counter[str] = Counter()
        """How often each thing happened: ``completed``, ``replayed``, ``failed``, ``reused``, ``retried``, ``saved``
        (of a component that had completed before)."""
        self.durations: dict[str, float] = {}
        """Seconds that each component took, failed ones included."""

    def before_pipeline(self, event: PipelineStarted) -> None:
        self._pipeline = event.config.name

    def after_pipeline(self, event: PipelineFinished) -> None:
        self._pass_on("pipeline.duration_seconds", event.result.duration_seconds)
        self._pass_on("pipeline.seconds_saved", event.result.seconds_saved)

    def after_component(self, event: ComponentCompleted) -> None:
        replayed = event.decision.action is Action.REPLAY
        self._count("replayed" if replayed else "completed", event.component.name)
        self._time(event.component.name, event.duration_seconds)
        self._tell_costs(event.component.name, event.usage)

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._count("failed", event.component.name)
        self._time(event.component.name, event.duration_seconds)
        self._tell_costs(event.component.name, event.usage)

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._count("reused", event.component.name)

    def on_session_state_saved(self, event: SessionStateSaved) -> None:
        self._count("saved", event.component)
        size = sum(view.bytes for view in event.session_state.views)
        self._pass_on("component.saved_bytes", size, component=event.component)

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        self._count("retried", event.component.name)

    def checkpoint_saved(self, seconds: float) -> None:
        """A checkpoint was saved; give this to ``CheckpointHooks`` as ``on_save``."""
        self._pass_on("checkpoint.save_seconds", seconds)

    def _count(self, what: str, component: str) -> None:
        self.counts[what] += 1
        self._pass_on(f"component.{what}", 1, component=component)

    def _time(self, component: str, seconds: float) -> None:
        self.durations[component] = seconds
        self._pass_on("component.duration_seconds", seconds, component=component)

    def _tell_costs(self, component: str, usage: SparkUsage | None) -> None:
        """Pass on what a component took of Spark, as far as it is known and not nothing."""
        for name, value in usage.costs.to_json().items() if usage is not None else ():
            if value:
                self._pass_on(f"component.{name}", value, component=component)

    def _pass_on(self, name: str, value: float, **tags: str) -> None:
        if self._emit is not None:
            self._emit(name, value, {"pipeline": self._pipeline, **tags})
