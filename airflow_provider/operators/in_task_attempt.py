"""One attempt at a pipeline whose components run in the task's own process. Imported when a task runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider.launch.choose import launcher
from airflow_provider.operators.airflow_config import SECTION
from airflow_provider.operators.airflow_progress import AirflowProgress
from airflow_provider.operators.attempt_guard import AttemptGuard, has_supervisor
from airflow_provider.operators.attempt_settings import AttemptSettings
from airflow_provider.operators.links import SPARK_UI_KEY, spark_ui
from airflow_provider.operators.observability import TracingHooks, metrics_hooks
from airflow_provider.operators.pipeline_operator import SUMMARY_KEY
from airflow_provider.runner import CheckpointStore, PipelineHooks
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.observing.attempt_error import attempt_error
from airflow_provider.runner.observing.attempt_status import AttemptStatus
from airflow_provider.runner.observing.log_groups import log_groups_shown
from airflow_provider.runner.observing.progress_recorder import ProgressRecorder
from airflow_provider.runner.observing.summary_hooks import SummaryHooks
from airflow_provider.runner.running import airflow_attempt
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InTaskRequest:
    """What an attempt in the task is made of.

    :param run: the pipeline to run, and which attempt it is
    :param ti: Airflow's task instance
    :param settings: what both operators hand on
    :param store: where the checkpoint is kept
    :param progress: keeps the progress for people
    :param conn_id: connection to Spark, None for none
    :param spark_conf: the operator's Spark properties
    :param hooks: the author's hooks
    """

    run: AirflowAttemptSpec
    ti: Any
    settings: AttemptSettings
    store: CheckpointStore
    progress: AirflowProgress
    conn_id: str | None
    spark_conf: Mapping[str, Any]
    hooks: tuple[PipelineHooks, ...]


class InTaskAttempt:
    """Opens Spark, runs the pipeline, and reports its progress to Airflow.

    :param request: what the attempt is made of
    """

    def __init__(self, request: InTaskRequest) -> None:
        self._request = request
        self._guard: AttemptGuard | None = None
        self._recorder: ProgressRecorder | None = None
        self._killed = False
        self.spark_ui_url = ""
        """Where Spark's UI is when the application has ended, empty if nowhere."""

    def kill(self) -> None:
        """Stop Spark and end the attempt.

        :raises AttemptStopped: while the pipeline runs
        """
        self._killed = True
        if self._recorder is not None:
            self._recorder.stop("Airflow asked the task to stop")  # first: what follows may take as long as it has
        if self._guard is not None:
            self._guard.kill()

    def run(self) -> dict[str, Any]:
        """Run the pipeline and return the summary.

        :raises PySparkPipelineError: see the operator's ``execute``
        """
        request, settings, run = self._request, self._request.settings, self._request.run
        ti, ids = request.ti, {"run_id": run.key.run_id, "attempt": run.attempt.try_number}
        metrics = metrics_hooks(ti.dag_id, ti.task_id)
        status = AttemptStatus()
        spark_section, app_name = run.config.spark_properties(), f"{ti.dag_id}.{ti.task_id}"
        with (
            log_groups_shown(),
            SummaryHooks(run.config.name, lambda summary: ti.xcom_push(SUMMARY_KEY, summary | ids)) as summary_hooks,
            request.progress.recorder(run) as recorder,
            launcher(request.conn_id, request.spark_conf, spark_section, app_name, run=run.key.path) as spark,
            AttemptGuard(spark, settings.time_limit, status.lines, supervised=has_supervisor()) as guard,
        ):
            self._guard, self._recorder = guard, recorder
            if self._killed:  # while the attempt was being prepared
                guard.kill()
            result = airflow_attempt.run_airflow_attempt(
                run,
                request.store,
                spark=lambda: self._announced(spark.open()),
                session_state_url=settings.session_state_directory(run, spark_runs_here=spark.runs_here),
                keep_session_state=settings.keep_session_state,
                retention=settings.retention,
                logs_verdict=False,
                after_the_record=[status],
                hooks=[guard, metrics, TracingHooks(), summary_hooks, *request.hooks],
                saving=SavePolicy(settings.save_patience_seconds, metrics.checkpoint_saved),
                environment=RunnerEnvironment(live=spark.live),
                progress=recorder,
            )
        self._guard = None
        request.progress.keep_usual(recorder.document())
        error = attempt_error(result, "a retry or a clear of this task")
        if error is not None:
            raise error
        return result.summary() | ids

    def _announced(self, spark: SparkSession) -> SparkSession:
        """Make the link to Spark's UI known while the task runs."""
        found = spark_ui(
            spark,
            conf.get(SECTION, "spark_ui_url", fallback=""),
            conf.get(SECTION, "history_server_url", fallback=""),
        )
        self.spark_ui_url = found.ended
        if self._recorder is not None:
            self._recorder.reached_spark(found.running, found.ended)
        if found.running:
            logger.info("Spark UI: %s", found.running)
            self._request.ti.xcom_push(key=SPARK_UI_KEY, value=found.running)
        return spark
