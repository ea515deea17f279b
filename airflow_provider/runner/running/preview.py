"""What the next attempt would do, worked out without Spark, without running anything and without leaving a trace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from airflow_provider.errors import PySparkPipelineError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.start_mode import StartMode
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.attempt import plan_attempt
from airflow_provider.runner.running.attempt_facts import find_plan
from airflow_provider.runner.running.restart_requests import PendingRequests
from airflow_provider.runner.session_state.kinds.kind_context import RecordLimits, SavedStorage
from airflow_provider.runner.session_state.kinds.recorded_state import record_damage, reject_record
from airflow_provider.runner.session_state.saved.files import files_for
from airflow_provider.runner.session_state.sources.look import is_local, refresh_source
from airflow_provider.runner.session_state.sources.paths import normalized
from airflow_provider.runner.storage.spark_urls import local_path


@dataclass(frozen=True)
class Preview:
    """What the next attempt would do.

    :param plan: what it would do with each component; None if it would fail
    :param error: why it would fail; None if it would not
    :param unknown: what cannot be known from here
    """

    plan: RunPlan | None
    error: PySparkPipelineError | None
    unknown: tuple[str, ...]


def preview(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    start: StartMode,
    requests: PendingRequests,
    session: PreviewSession | None = None,
) -> Preview:
    """Plan the next attempt, and leave everything as it is.

    :param config: the pipeline as it is now
    :param checkpoint: what is recorded of the run, None if nothing is
    :param start: how the attempt would start
    :param requests: the restart requests that it would find
    :param session: that of another preview, which has looked already
    """
    session = session or PreviewSession(config, checkpoint)

    def planner(restarts: Sequence[RestartFrom], *, cleared: bool) -> RunPlan:
        return find_plan(config, checkpoint, restarts, session, cleared=cleared)

    try:
        plan = plan_attempt(config, checkpoint, start, requests, planner)
    except PySparkPipelineError as error:
        return Preview(None, error, tuple(session.unknown))
    return Preview(plan, None, tuple(session.unknown))


class PreviewSession:
    """The :class:`~airflow_provider.runner.running.attempt_facts.PlanningSession` of an attempt that is not made.

    It looks once at what it can reach without Spark, and keeps in :attr:`unknown` what it cannot.

    :param config: the pipeline
    :param checkpoint: what is recorded of the run, None if nothing is
    """

    live = None

    def __init__(self, config: PipelineConfig, checkpoint: CheckpointState | None) -> None:
        self._config = config
        self._url = checkpoint.session_state_url if checkpoint is not None else None
        self.unknown: dict[str, None] = {}
        self._damage: dict[tuple[object, ...], str | None] = {}
        self._sources: dict[tuple[str, ...], SourceRecord] = {}
        if checkpoint is not None and checkpoint.live_session is not None:
            self.unknown[
                "whether the Spark Connect server still has the session, so that there is no need to restore"
            ] = None

    def give_up_live(self) -> None:
        """Nothing to do: there is no live session."""

    def present(self) -> set[str]:
        """Nothing is in a session that is not there."""
        return set()

    def left_in_process(self, record: SessionStateRecord) -> Collection[str]:
        """Nothing is in a process that has not begun."""
        return ()

    def damage(self, record: SessionStateRecord, dropped: Collection[str]) -> str | None:
        """Return what is wrong with what a component saved, as far as that can be known without Spark."""
        if any(local_path(url) is None for url in record.urls):
            self.unknown[f"whether what was saved in {self._url} is still there; looking there needs Spark"] = None
            return None
        if (refused := reject_record(record, RecordLimits(self._url, self._config.session_state_format))) is not None:
            return refused
        seen = (tuple(record.urls), frozenset(dropped))
        if not record.urls or seen not in self._damage:
            self._damage[seen] = record_damage(record, SavedStorage(lambda url: files_for(url, None), dropped))
        return self._damage[seen]

    def look_again(self, source: SourceRecord) -> SourceRecord:
        """Return how a source is now, as far as that can be known without Spark."""
        if source.version is not None or not all(is_local(normalized(p)) for p in (*source.roots, *source.globs)):
            self.unknown[f"whether the source {source.name} has changed; looking there needs Spark"] = None
        if source.key not in self._sources:
            self._sources[source.key] = refresh_source(source)
        return self._sources[source.key]
