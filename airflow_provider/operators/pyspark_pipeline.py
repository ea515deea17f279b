"""The operator that runs a pipeline in one task and one Spark session, and resumes it.

What only the run of the task needs is imported there: Airflow parses DAG files all the time.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator, conf

from airflow_provider.errors import NotRetriableError, PySparkPipelineError
from airflow_provider.launch.spark_properties import DEFAULT_CONNECTION, properties
from airflow_provider.operators.airflow_config import (
    SECTION,
    choose_checkpoint_store,
    clear_discards_task_state,
    resolve_save_patience,
    resolve_session_state_url,
    saved_views_retention,
)
from airflow_provider.operators.links import SPARK_UI_KEY, SparkUILink, spark_ui
from airflow_provider.operators.pipeline_operator import SUMMARY_KEY, PipelineOperator

if TYPE_CHECKING:
    from airflow.sdk import Context
    from pyspark.sql import SparkSession

    from airflow_provider.operators.attempt_guard import AttemptGuard
    from airflow_provider.runner import CheckpointStore, PipelineConfig, PipelineHooks
    from airflow_provider.runner.running.airflow_attempt import AirflowAttemptSpec

logger = logging.getLogger(__name__)


class PySparkPipelineOperator(PipelineOperator, BaseOperator):
    """Run a pipeline of PySpark components that resumes after the last one that succeeded.

    After every component the progress is recorded under Airflow's ``run_id``. When Airflow retries the task, or
    somebody clears it after a failure, the next attempt leaves alone what has completed. A changed config starts
    the pipeline from the beginning; a wrong config fails the task without using up retries.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration. Under
    the key ``pyspark_pipeline_summary`` it is there as well while the attempt goes on and after a failure.

    :param pipeline: path of a YAML, JSON or HOCON file (relative to the DAG file's folder or a folder of
        ``template_searchpath``), a dict, or a :class:`~airflow_provider.runner.PipelineConfig`; templates inside are
        rendered too, also those in SQL files that it names (templated)
    :param conn_id: connection of type ``spark`` or ``spark_connect``; without it, or if the default one does not
        exist, Spark runs in the task with master ``local[*]`` (templated)
    :param spark_conf: Spark properties; they win over the connection, which wins over the ``spark`` section of
        the pipeline. A mapping, or a template that comes to one, as text in Python or JSON too. None and lists are no
        values of a property (templated)
    :param checkpoint_store: a store of your own making; not together with ``checkpoint_url``
    :param checkpoint_url: where to keep checkpoints: a directory that every worker sees, or an address of
        ``ObjectStoragePath`` such as ``s3://my_aws@bucket/prefix``, ``gs://`` or ``abfss://``. Default:
        ``[pyspark_pipeline] checkpoint_url`` of Airflow's configuration; if that or this is empty, Airflow's task state
        store (Airflow 3.3 and later), otherwise a directory under ``AIRFLOW_HOME``, which serves a single host only. A
        relative directory starts in the working directory in which the DAG file is parsed (templated)
    :param retention_days: how long Airflow's task state store keeps the checkpoint after it was last saved, in days; 0
        for ever. Default: ``[pyspark_pipeline] retention_days``, which is 90
    :param save_patience_seconds: for how long the save of a record is tried again before the attempt fails, in
        seconds: a restart of Airflow's API server or a blip of the storage must not cost it. Default:
        ``[pyspark_pipeline] save_patience_seconds``, which is 300
    :param hooks: further lifecycle hooks, or a list of them, called before those of the log and of the checkpoint
    :param session_state_url: where to save temp views for the next attempt, any directory that Spark can write:
        ``s3a://``, ``gs://``, ``hdfs://``, a shared path. Default: ``[pyspark_pipeline] session_state_url`` of
        Airflow's configuration, or a directory under ``AIRFLOW_HOME`` if Spark runs on this host; on a cluster
        nothing is saved then, and components whose views are needed are replayed (templated)
    :param session_state: ``auto``, ``save``, ``replay`` or ``none``; default: the pipeline's own, which is ``auto``
        unless it says otherwise (templated)
    :param keep_session_state: leave the saved views in place when the pipeline has succeeded
    :param keep_session_state_hours: for how many hours saved views are kept after the pipeline has succeeded, so that
        it can be restarted from a component in the middle; then ``airflow pyspark-pipeline prune`` deletes them.
        Default: ``[pyspark_pipeline] keep_session_state_hours``, which is 0: they are deleted at once
    :param session_state_retention_days: for how many days after their last use the saved views of a run that has not
        succeeded are kept before ``airflow pyspark-pipeline prune`` deletes them; 0 for ever. Default:
        ``[pyspark_pipeline] session_state_retention_days``, and if that is empty, as the checkpoint
    :param on_config_change: ``restart``, ``rerun_affected`` or ``fail``; default: the pipeline's own, which is
        ``restart`` unless it says otherwise (templated)
    :param on_code_change: when the code of a completed component changed since: ``rerun_affected`` it and its
        descendants, ``restart`` everything, ``reuse`` with a warning, or ``fail``; default: the pipeline's own, which
        is ``rerun_affected`` unless it says otherwise (templated)
    :param on_source_change: when somebody else changed what completed components had read: ``auto``, ``keep``,
        ``rerun_affected`` or ``fail``; default: the pipeline's own, which is ``auto`` unless it says otherwise
        (templated)
    :param on_clear: when somebody cleared the task before the pipeline was complete: ``auto``, ``resume`` or
        ``restart``; default: the pipeline's own, which is ``auto`` unless it says otherwise (templated)
    :param restart_from: run components and their descendants again, although they had completed: a name, a list of
        names, or ``{"components": […], "only": True}`` or ``{"components": […], "until": name}``. Each value is carried
        out once in a run. Default: ``restart_from`` in the DAG run's conf or params, for which the run's first attempt
        counts; there also a mapping of task id to any of these (templated)
    :param validate_when_parsed: check the pipeline, also one in a file, as ``python -m airflow_provider validate`` does
        when Airflow parses the DAG file, so that a wrong one is an import error. That imports the components and so
        Spark each time; without it only a pipeline in the DAG file itself is checked, as far as that needs neither
    :param openlineage_inject_parent_job_info: give Spark's OpenLineage integration this task as its parent job.
        Default: ``[openlineage] spark_inject_parent_job_info``
    :param openlineage_inject_transport_info: give Spark's OpenLineage integration Airflow's transport; default:
        ``[openlineage] spark_inject_transport_info``
    """

    template_fields: Sequence[str] = (
        "pipeline",
        "conn_id",
        "spark_conf",
        "checkpoint_url",
        "session_state_url",
        "session_state",
        "on_config_change",
        "on_code_change",
        "on_source_change",
        "on_clear",
        "restart_from",
    )
    template_fields_renderers = {"pipeline": "yaml", "spark_conf": "json"}  # noqa: RUF012 - as in BaseOperator
    ui_color = "#f9e0c7"
    operator_extra_links = (SparkUILink(),)

    def __init__(
        self,
        *,
        pipeline: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
        conn_id: str | None = DEFAULT_CONNECTION,
        spark_conf: Mapping[str, Any] | None = None,
        checkpoint_store: CheckpointStore | None = None,
        checkpoint_url: str | None = None,
        retention_days: float | None = None,
        save_patience_seconds: float | None = None,
        hooks: PipelineHooks | Sequence[PipelineHooks] | None = None,
        session_state_url: str | None = None,
        session_state: str | None = None,
        keep_session_state: bool = False,
        keep_session_state_hours: float | None = None,
        session_state_retention_days: float | None = None,
        on_config_change: str | None = None,
        on_code_change: str | None = None,
        on_source_change: str | None = None,
        on_clear: str | None = None,
        restart_from: str | Sequence[str] | Mapping[str, Any] | None = None,
        validate_when_parsed: bool = False,
        openlineage_inject_parent_job_info: bool | None = None,
        openlineage_inject_transport_info: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if checkpoint_store is not None and checkpoint_url is not None:
            raise ValueError(f"task {self.task_id!r}: give checkpoint_store or checkpoint_url, not both")
        self.pipeline = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self.conn_id = conn_id
        self.spark_conf = spark_conf
        self.checkpoint_store = checkpoint_store
        self.checkpoint_url = checkpoint_url
        self.retention_days = retention_days
        self.save_patience_seconds = save_patience_seconds
        self.hooks = hooks
        self.session_state_url = session_state_url
        self.session_state = session_state
        self.keep_session_state = keep_session_state
        self.keep_session_state_hours = keep_session_state_hours
        self.session_state_retention_days = session_state_retention_days
        self.on_config_change = on_config_change
        self.on_code_change = on_code_change
        self.on_source_change = on_source_change
        self.on_clear = on_clear
        self.restart_from = restart_from
        self.openlineage_inject_parent_job_info = openlineage_inject_parent_job_info
        self.openlineage_inject_transport_info = openlineage_inject_transport_info
        self.spark_ui_url = ""
        self._check_when_parsed(validate_when_parsed)
        self._guard: AttemptGuard | None = None
        self._began = 0.0
        self._killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the pipeline, or what is left of it.

        :raises AirflowFailException: a retry cannot help: the config is wrong, or has changed and must not, what cannot
            be brought back is needed, or the named connection does not exist
        :raises ComponentFailedError: a component failed; its ``cause`` is what that raised
        :raises SparkLostError: Spark ended while a component ran
        :raises CheckpointError: the progress could not be read or recorded
        :raises AttemptStopped: Airflow stopped the task
        :raises AirflowTaskTimeout: the time of ``execution_timeout`` is over
        """
        self._began = time.monotonic()  # Airflow's clock for execution_timeout runs from here
        logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each thread that no longer talks to Spark
        try:
            return self._run(self._pipeline_run(context), context)
        except NotRetriableError as error:
            raise AirflowFailException(str(error)) from None  # the message says it all
        except PySparkPipelineError as error:
            raise error.with_traceback(None) from None  # Airflow's log ends with this, and needs no path through here

    def on_kill(self) -> None:
        """Stop Spark and make :meth:`execute` end.

        :raises AttemptStopped: while the pipeline runs
        """
        self._killed = True
        if self._guard is not None:
            self._guard.kill()

    def _run(self, run: AirflowAttemptSpec, context: Context) -> dict[str, Any]:
        from airflow_provider.launch.choose import launcher
        from airflow_provider.operators.attempt_guard import AttemptGuard, TimeLimit, has_supervisor
        from airflow_provider.operators.observability import TracingHooks, metrics_hooks, with_openlineage
        from airflow_provider.runner.checkpoint.saving import SavePolicy
        from airflow_provider.runner.observing.attempt_error import attempt_error
        from airflow_provider.runner.observing.attempt_status import AttemptStatus
        from airflow_provider.runner.observing.log_groups import log_groups_shown
        from airflow_provider.runner.observing.peer_hooks import each_of
        from airflow_provider.runner.observing.summary_hooks import SummaryHooks
        from airflow_provider.runner.planning.start_mode import KEEP_TASK_STATE
        from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
        from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

        ti = context["ti"]
        store = choose_checkpoint_store(
            self.checkpoint_store,
            self.checkpoint_url,
            context.get("task_state_store"),
            self.retention_days,
            start=self.started_in,
        )
        discardable = isinstance(store, TaskStateCheckpointStore) and clear_discards_task_state()
        if discardable and run.config.on_clear == "resume" and run.attempt.try_number == 1:
            logger.warning(
                "on_clear is 'resume', but a clear without %r discards the checkpoint together with Airflow's task "
                "state; set checkpoint_url to keep it elsewhere, or tick that when you clear",
                KEEP_TASK_STATE,
            )
        about = {"run_id": run.key.run_id, "attempt": run.attempt.try_number}
        metrics = metrics_hooks(ti.dag_id, ti.task_id)
        spark_conf = with_openlineage(
            properties(self.spark_conf, "spark_conf"),
            context,
            parent=self.openlineage_inject_parent_job_info,
            transport=self.openlineage_inject_transport_info,
        )
        app_name = f"{ti.dag_id}.{ti.task_id}"
        status = AttemptStatus()
        with (
            log_groups_shown(),
            SummaryHooks(run.config.name, lambda told: ti.xcom_push(SUMMARY_KEY, told | about)) as summary,
            launcher(self.conn_id, spark_conf, run.config.spark.to_spark_conf(), app_name, run=run.key.path) as spark,
            AttemptGuard(
                spark, TimeLimit(self.execution_timeout, self._began), status.lines, supervised=has_supervisor()
            ) as guard,
        ):
            self._guard = guard
            if self._killed:  # while the attempt was being prepared
                guard.kill()
            base = resolve_session_state_url(
                self.session_state_url,
                spark.runs_here,
                first=run.attempt.try_number == 1,
                start=self.started_in,
            )
            result = run_airflow_attempt(
                run,
                store,
                spark=lambda: self._announced(spark.open(), ti),
                session_state_url=run.key.directory(base) if base else None,
                keep_session_state=self.keep_session_state,
                keeping=saved_views_retention(
                    self.session_state_retention_days, self.retention_days, self.keep_session_state_hours
                ),
                logs_verdict=False,
                after_the_record=[status],
                hooks=[guard, metrics, TracingHooks(), summary, *each_of([self.hooks])],
                saving=SavePolicy(resolve_save_patience(self.save_patience_seconds), metrics.checkpoint_saved),
                environment=RunnerEnvironment(live=spark.live),
            )
        self._guard = None
        error = attempt_error(result, "a retry or a clear of this task")
        if error is not None:
            raise error
        return result.summary() | about

    def _announced(self, spark: SparkSession, ti: Any) -> SparkSession:
        """Make the link to Spark's UI known while the task runs."""
        found = spark_ui(
            spark,
            conf.get(SECTION, "spark_ui_url", fallback=""),
            conf.get(SECTION, "history_server_url", fallback=""),
        )
        self.spark_ui_url = found.ended  # Airflow asks for it when the task has ended
        if found.running:
            logger.info("Spark UI: %s", found.running)
            ti.xcom_push(key=SPARK_UI_KEY, value=found.running)
        return spark
