"""What one attempt has recorded so far, and the code that belongs into its record."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider.errors import CheckpointWriteError
from airflow_provider.runner.checkpoint.store import Takeover, TakeoverClaim
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.code.component_code import read_executed
from airflow_provider.runner.observing.events import ComponentCompleted
from airflow_provider.runner.planning.changed_code import recorded_code
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate
from airflow_provider.runner.record.code_record import CodeRecord


class AttemptProgress:
    """What one attempt has recorded."""

    def __init__(self, claim: TakeoverClaim, taken: Takeover) -> None:
        self.claim = claim
        self.taken = taken
        self.fingerprints: Mapping[str, str] = {}
        self.config: PipelineConfig | None = None
        self.completed: set[str] = set()
        self._updates: list[CheckpointUpdate] = []
        self._begun: CheckpointState | None = None

    @property
    def has_begun(self) -> bool:
        return self._begun is not None

    @property
    def begun(self) -> CheckpointState:
        """The record at the beginning of the pipeline."""
        if self._begun is None:
            raise CheckpointWriteError("a component event arrived before the start of the pipeline was recorded")
        return self._begun

    @begun.setter
    def begun(self, state: CheckpointState) -> None:
        self._begun = state
        self.completed = set(state.completed_components)

    def state(self, *more: CheckpointUpdate) -> CheckpointState:
        """Return the whole record."""
        return self.begun.updated([*self._updates, *more])

    def add(self, update: CheckpointUpdate) -> None:
        """Add an update that is durable."""
        self._updates.append(update)
        if update.component is not None:
            self.completed.add(update.component)


def completed_code(event: ComponentCompleted, config: PipelineConfig | None) -> CodeRecord | None:
    """Return the code that a component ran with: what it reaches, and what else of the author's it entered."""
    if event.code is not None or config is None:  # the collector of evidence has read it already
        return event.code
    reading, unread = read_executed(event.component, config, event.entered)
    return CodeRecord.of(reading, unread) if reading is not None else None


def earlier_code(config: PipelineConfig, kept: list[str], recorded: CheckpointState) -> dict[str, CodeRecord]:
    """Return the code of components that run again although a component that depends on them stays complete."""
    depends_on = config.dependencies
    known = {name: recorded_code(recorded, name) for name in depends_on if name not in kept}
    return {
        name: code
        for name, code in known.items()
        if code is not None and not descendants(depends_on, {name}).isdisjoint(kept)
    }
