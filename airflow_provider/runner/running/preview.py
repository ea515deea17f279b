"""What the next attempt would do, found out without Spark, without running anything and without a trace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider.errors import PySparkPipelineError, SparkSessionError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.attempt import Beginning, plan_attempt
from airflow_provider.runner.running.attempt_facts import find_plan
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.running.restart_requests import PendingRequests
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory
from airflow_provider.runner.session_state.sources.look import is_local, refresh_source
from airflow_provider.runner.session_state.sources.paths import normalized
from airflow_provider.runner.storage.spark_urls import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
    config: PipelineConfig, checkpoint: CheckpointState | None, beginning: Beginning, requests: PendingRequests
) -> Preview:
    """Plan the next attempt, and leave everything as it is.

    :param config: the pipeline as it is now
    :param checkpoint: what is recorded of the run, None if nothing is
    :param beginning: how the attempt would begin
    :param requests: what somebody asked for
    """
    session = _NoSession(config, checkpoint)
    try:
        plan = plan_attempt(
            config,
            checkpoint,
            beginning,
            requests,
            lambda found, *, restarts, cleared: find_plan(config, found, restarts, session, cleared=cleared),
        )
    except PySparkPipelineError as error:
        return Preview(None, error, tuple(session.unknown))
    return Preview(plan, None, tuple(session.unknown))


class _NoSession(AttemptSession):
    """Stands in for the session of an attempt that is not made."""

    def __init__(self, config: PipelineConfig, checkpoint: CheckpointState | None) -> None:
        url = checkpoint.session_state_url if checkpoint is not None else None
        super().__init__(config, _no_spark, SavedDirectory(url) if url else None, None)
        self.unknown: dict[str, None] = {}
        if checkpoint is not None and checkpoint.live_session is not None:
            self.unknown["whether the Spark Connect server still has the session: then nothing need be restored"] = None

    def damage(self, record: SessionStateRecord, dropped: Collection[str]) -> str | None:
        for url in record.urls:
            if local_path(url) is None:
                self.unknown[f"whether what was saved in {self.url} is still there; looking there needs Spark"] = None
                return None
        return super().damage(record, dropped)

    def look_again(self, source: SourceRecord) -> SourceRecord:
        if source.version is not None or not all(is_local(normalized(p)) for p in (*source.roots, *source.globs)):
            self.unknown[f"whether the source {source.name} is as it was; looking there needs Spark"] = None
        return refresh_source(source)

    def _claim(self, saved: SavedDirectory) -> None:
        """Leave the marker as it is."""


def _no_spark() -> SparkSession:
    raise SparkSessionError("this cannot be known without Spark")
