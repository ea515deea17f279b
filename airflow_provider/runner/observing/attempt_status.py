"""What an attempt has completed and what it runs now, for code that must end it."""

from __future__ import annotations

from airflow_provider.runner.observing.attempt_error import complete_in_words
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineStarted,
)
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.planning.plan import Action


class AttemptStatus(NoOpHooks):
    """Follows an attempt. It belongs after the hooks that record, so that what it calls complete is recorded.

    When a record cannot be saved the attempt ends with that error, so nothing needs these lines then.
    """

    def __init__(self) -> None:
        self._order: list[str] = []
        self._complete: list[str] = []
        self._runs: str | None = None

    def before_pipeline(self, event: PipelineStarted) -> None:
        self._order = [decision.component for decision in event.plan.decisions]
        self._complete = [d.component for d in event.plan.decisions if d.action is not Action.RUN]

    def before_component(self, event: ComponentStarted) -> None:
        self._runs = event.component.name

    def after_component(self, event: ComponentCompleted) -> None:
        self._ended(event.component.name)

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._ended(event.component.name)

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._runs = None

    def lines(self) -> list[str]:
        """Return what is complete, what was running, and what comes next. Safe to call at any time, from any thread."""
        if not self._order:
            return ["no component had started; what earlier attempts recorded stays"]
        complete, runs = list(self._complete), self._runs
        position = f" ({self._order.index(runs) + 1} of {len(self._order)})" if runs in self._order else ""
        following = next((name for name in self._order if name not in complete), None)
        return [
            *([f"running: {runs!r}{position}, which runs again"] if runs else []),
            complete_in_words(complete, len(self._order)),
            *([f"next: a retry or a clear of this task resumes at {following!r}"] if following else []),
        ]

    def _ended(self, component: str) -> None:
        if component not in self._complete:
            self._complete.append(component)
        self._runs = None
