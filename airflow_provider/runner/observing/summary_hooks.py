"""Hooks that keep a summary of the attempt as it goes on, so that there is one after a failure, too."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from airflow_provider.errors import StaleAttemptError, describe
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
)
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.observing.result import ComponentStatus, PipelineResultStatus

logger = logging.getLogger(__name__)

EVERY_SECONDS = 10.0


class SummaryHooks(NoOpHooks):
    """Passes on a summary in the form of :meth:`~airflow_provider.runner.PipelineResult.summary`.

    While the attempt goes on the pipeline's status is ``running``, and a component's ``planned`` or ``running``. It is
    passed on when the plan is made, then at most every ten seconds, and when a component fails. As a context manager
    around the attempt it also passes on a summary of an attempt that ends early.

    :param pipeline: name of the pipeline
    :param pass_on: takes each summary
    :param clock: a monotonic clock in seconds
    """

    def __init__(
        self,
        pipeline: str,
        pass_on: Callable[[dict[str, Any]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline = pipeline
        self._pass_on = pass_on
        self._clock = clock
        self._began = self._sent = clock()
        self._finished = False
        self._components: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or self._finished or isinstance(error, StaleAttemptError):
            return  # the successor of a replaced attempt passes on its own
        for component in self._components.values():
            if component["status"] == "running":
                component |= {"status": ComponentStatus.FAILED.value, "error": describe(error)}
            elif component["status"] == "planned":
                component["status"] = ComponentStatus.NOT_RUN.value
        try:
            self._send(PipelineResultStatus.FAILURE.value, error=describe(error))
        except Exception as failure:  # noqa: BLE001 - the attempt's own error is what counts
            logger.warning("cannot pass on the summary of the attempt: %s", describe(failure))

    def before_pipeline(self, event: PipelineStarted) -> None:
        self._began = self._clock()
        self._components = {
            d.component: {
                "name": d.component,
                "action": d.action.value,
                "status": "planned",
                "reason": str(d.reason),
                "duration_seconds": 0.0,
            }
            for d in event.plan.decisions
        }
        self._send("running")

    def before_component(self, event: ComponentStarted) -> None:
        self._update(event.component.name, status="running")

    def after_component(self, event: ComponentCompleted) -> None:
        self._update(
            event.component.name,
            status=ComponentStatus.COMPLETED.value,
            duration_seconds=round(event.duration_seconds, 3),
        )

    def on_component_reuse(self, event: ComponentReused) -> None:
        self._update(event.component.name, status=ComponentStatus.COMPLETED.value)

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._components[event.component.name] |= {
            "status": ComponentStatus.FAILED.value,
            "duration_seconds": round(event.duration_seconds, 3),
            "error": describe(event.error),
        }
        self._send("running")  # what others left is saved now, and the process may be killed meanwhile

    def after_pipeline(self, event: PipelineFinished) -> None:
        self._finished = True
        self._pass_on(event.result.summary())

    def _update(self, component: str, **fields: Any) -> None:
        self._components[component] |= fields
        if self._clock() - self._sent >= EVERY_SECONDS:
            self._send("running")

    def _send(self, status: str, **fields: Any) -> None:
        self._sent = self._clock()
        self._pass_on(
            {
                "pipeline": self._pipeline,
                "status": status,
                "duration_seconds": round(self._sent - self._began, 3),
                "components": [dict(component) for component in self._components.values()],
            }
            | fields
        )
