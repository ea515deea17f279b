"""One run with several attempts, without Spark: each attempt is a new process in all but name."""

from __future__ import annotations

import dataclasses
from typing import Any

from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    CheckpointStore,
    InMemoryCheckpointStore,
    PipelineConfig,
    PipelineHooks,
    PipelineResult,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.checkpoint.saving import SavePolicy
from tests.samples.pipelines import component, pipeline

RUN = "run-1"
NO_SPARK: Any = object()
SEVEN = pipeline(*"abcdefg")
DIAMOND = pipeline("a", component("b", "a"), component("c", "a"), component("d", "b", "c"), "e")


@dataclasses.dataclass
class ScriptedRun:
    """Attempts at one pipeline under one run id.

    :param config: the pipeline
    :param store: where its checkpoint is
    :param pauses: how long the attempts waited between tries to save
    """

    config: PipelineConfig
    store: CheckpointStore = dataclasses.field(default_factory=InMemoryCheckpointStore)
    pauses: list[float] = dataclasses.field(default_factory=list)

    def checkpoint_hooks(self, **options: Any) -> CheckpointHooks:
        options = {"saving": SavePolicy(sleep=self.pauses.append), **options}
        return CheckpointHooks(self.store, RUN, compute_pipeline_fingerprint(self.config), **options)

    def runner(self, hooks: PipelineHooks | None = None, **options: Any) -> SimplePipelineRunner:
        return SimplePipelineRunner(self.config, hooks=hooks or self.checkpoint_hooks(), spark=NO_SPARK, **options)

    def attempt(self, hooks: PipelineHooks | None = None, **options: Any) -> PipelineResult:
        """Load, plan and run, as the example of DESIGN.md does."""
        return self.runner(hooks, **options).run(completed_components=self.completed())

    def completed(self) -> set[str]:
        """Return what an attempt could leave out now."""
        return load_checkpoint_for_resume(self.store, RUN, self.config)

    @property
    def stored(self) -> CheckpointState:
        state = self.store.load(RUN, self.config.name)
        assert state is not None
        return state
