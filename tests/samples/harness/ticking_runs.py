"""A run of scripted components with a clock that ticks, for tests of hooks."""

from __future__ import annotations

from typing import Any

from airflow_provider.runner import PipelineConfig, PipelineHooks, PipelineResult, SimplePipelineRunner
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment


class Ticks:
    """A clock that moves by so many seconds each time it is read."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def run(
    config: PipelineConfig, hooks: PipelineHooks, completed: set[str] | None = None, **options: Any
) -> PipelineResult:
    """Run a pipeline without Spark; each component takes one second."""
    options |= {"spark": object(), "environment": RunnerEnvironment(clock=Ticks(1), sleep=lambda seconds: None)}
    return SimplePipelineRunner(config, hooks=hooks, **options).run(completed)
