"""One attempt at the pipeline that is killed: how it is started, and what is noted of it from outside its store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider.runner import CheckpointStore, NoOpHooks, PipelineConfig, PipelineResult
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.checkpoint.store import Takeover, TakeoverClaim
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    PipelineFinished,
    PipelineStarted,
)
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.reliability.kills.kill_journal import FAILURE, FINISH, TAKE_OVER, Aim, Journal
from tests.reliability.kills.kill_story import rank_of


class Watch(NoOpHooks):
    """Notes each save of the record before it begins and right after it returned. Called before the checkpoint's hooks.

    :param journal: where to note it
    :param aim: is told of each save
    """

    def __init__(self, journal: Journal, aim: Aim) -> None:
        self._journal = journal
        self._aim = aim
        self._station = ""

    def reach(self, station: str) -> None:
        """From here on, until :meth:`recorded`, the engine saves."""
        self._station = station
        self._journal.note("saving", station)
        self._aim.begin(station)

    def holds(self, fence: int, attempt: int, owner: str) -> None:
        """The attempt has taken the checkpoint over."""
        self._journal.note("holds", rank_of(fence, attempt, owner))

    def recorded(self) -> None:
        """What was to be saved is durable."""
        self._journal.note("saved", self._station)
        self._aim.end(self._station)

    def before_pipeline(self, event: PipelineStarted) -> None:
        self._journal.note("kept", names=event.plan.kept)

    def after_component(self, event: ComponentCompleted) -> None:
        self.reach(event.component.name)

    def on_component_failure(self, event: ComponentFailed) -> None:
        self.reach(FAILURE)

    def after_pipeline(self, event: PipelineFinished) -> None:
        self.reach(FINISH)


def run_watched(
    config: PipelineConfig,
    store: CheckpointStore,
    run_id: str,
    watch: Watch,
    *,
    spark: Callable[[], Any],
    session_state_url: str | None = None,
) -> PipelineResult:
    """Run one attempt. Nothing else here knows how the engine starts one and how it takes a checkpoint over."""
    take_over = store.take_over  # type: ignore[attr-defined]

    def take_over_watched(claim: TakeoverClaim) -> Takeover:
        taken: Takeover = take_over(claim)
        watch.holds(taken.fence, taken.attempt, claim.owner)
        return taken

    watch.reach(TAKE_OVER)
    store.take_over = take_over_watched  # type: ignore[attr-defined]
    return run_attempt(
        AttemptSpec(
            config,
            store,
            RunKey((), run_id, config.name),
            hooks=[watch],
            saving=SavePolicy(on_save=lambda seconds: watch.recorded()),
            spark=spark,
            session_state_url=session_state_url,
        )
    )
