"""Lifecycle hooks: callbacks around a run, and the ways to combine them.

These are not Airflow hooks, which are connection clients.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider.errors import CheckpointError
from airflow_provider.runner.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
)
from airflow_provider.runner.plan import Action

logger = logging.getLogger(__name__)


class PipelineHooks(Protocol):
    """What the runner calls. Subclass :class:`NoOpHooks` and override what you need.

    What a hook raises is logged and the run goes on, except a
    :class:`~airflow_provider.errors.CheckpointError`, which ends the attempt.
    """

    def before_pipeline(self, event: PipelineStarted) -> None: ...

    def after_pipeline(self, event: PipelineFinished) -> None: ...

    def before_component(self, event: ComponentStarted) -> None: ...

    def after_component(self, event: ComponentCompleted) -> None: ...

    def on_component_failure(self, event: ComponentFailed) -> None: ...

    def on_component_reuse(self, event: ComponentReused) -> None: ...

    def on_retry_attempt(self, event: RetryScheduled) -> None: ...

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None: ...


class NoOpHooks:
    """Hooks that do nothing, to subclass."""

    def before_pipeline(self, event: PipelineStarted) -> None:
        """The plan is made, nothing has run yet."""

    def after_pipeline(self, event: PipelineFinished) -> None:
        """Nothing more will run in this attempt. Not called when the attempt is killed."""

    def before_component(self, event: ComponentStarted) -> None:
        """A component is about to run."""

    def after_component(self, event: ComponentCompleted) -> None:
        """A component's ``run()`` returned."""

    def on_component_failure(self, event: ComponentFailed) -> None:
        """A component failed, after its own retries."""

    def on_component_reuse(self, event: ComponentReused) -> None:
        """A component finished in an earlier attempt and is left alone."""

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        """A try of a component failed and another one will follow."""

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        """A component's circuit breaker changed its state."""


class CompositeHooks(NoOpHooks):
    """Calls several hooks in order.

    Each of them is called even if one before it raised. A
    :class:`~airflow_provider.errors.CheckpointError` is raised again at the end; anything else is logged.

    :param hooks: the hooks
    """

    def __init__(self, *hooks: PipelineHooks) -> None:
        self._hooks = hooks

    def before_pipeline(self, event: PipelineStarted) -> None:
        self._tell("before_pipeline", event)

    def after_pipeline(self, event: PipelineFinished) -> None:
        self._tell("after_pipeline", event)

    def before_component(self, event: ComponentStarted) -> None:
        self._tell("before_component", event)

    def after_component(self, event: ComponentCompleted) -> None:
        self._tell("after_component", event)

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._tell("on_component_failure", event)

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._tell("on_component_reuse", event)

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        self._tell("on_retry_attempt", event)

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        self._tell("on_circuit_breaker_state_change", event)

    def _tell(self, method: str, event: object) -> None:
        fatal: CheckpointError | None = None
        for hook in self._hooks:
            try:
                getattr(hook, method)(event)
            except CheckpointError as error:
                fatal = fatal or error
            except Exception:
                logger.exception("hook %s.%s failed; the run goes on", type(hook).__name__, method)
        if fatal is not None:
            raise fatal


class MetricsHooks(NoOpHooks):
    """Counts and times what happens, and passes each figure on.

    :param emit: called as ``emit(name, value, tags)`` for each figure; default: only kept in
        :attr:`counts` and :attr:`durations`
    """

    def __init__(self, emit: Callable[[str, float, dict[str, str]], Any] | None = None) -> None:
        self._emit = emit
        self._pipeline = ""
        self.counts: Counter[str] = Counter()
        """How often each thing happened: ``completed``, ``replayed``, ``failed``, ``reused``, ``retried``."""
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

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._count("failed", event.component.name)
        self._time(event.component.name, event.duration_seconds)

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._count("reused", event.component.name)

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

    def _pass_on(self, name: str, value: float, **tags: str) -> None:
        if self._emit is not None:
            self._emit(name, value, {"pipeline": self._pipeline, **tags})
