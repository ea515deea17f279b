"""The operator that runs a pipeline's driver through spark-submit, and resumes it.

What only the run of the task needs is imported there: Airflow parses DAG files all the time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider.errors import NotRetriableError
from airflow_provider.launch.driver_addresses import refusal
from airflow_provider.operators import airflow_config
from airflow_provider.operators.pipeline_operator import PipelineOperator
from airflow_provider.operators.submit.options import SubmitOptions

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.submit.submitted_attempt import SubmittedAttempt
    from airflow_provider.runner import CheckpointStore, PipelineConfig

_OURS = ("application", "application_args", "java_class")


class PySparkPipelineSubmitOperator(PipelineOperator, SubmitOptions):
    """Run a pipeline's driver with spark-submit, and resume it after the last component that succeeded.

    As :class:`~airflow_provider.operators.pyspark_pipeline.PySparkPipelineOperator`, but Spark and the components run
    in a driver of their own: on the worker in deploy mode ``client``, on the cluster in deploy mode ``cluster``. The
    engine travels along. Where the driver runs, Airflow is not needed; Python 3.11, pyspark, pydantic, tenacity,
    pyyaml and rich are, and the driver says so if one is missing.

    The driver reads and writes the checkpoint itself, so that has to be where the driver reaches it, and it decides
    whether the attempt resumes. If the job of an earlier attempt is still alive (``durable``, on YARN and Kubernetes
    in deploy mode ``cluster``), the task attaches to it again instead of starting another one.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration. Under
    the key ``pyspark_pipeline_summary`` it is there after a failure, too. In deploy mode ``cluster`` it is made from
    the checkpoint, if the worker can read that, and reasons are only in the driver's log.

    :param pipeline: path of a YAML, JSON or HOCON file (relative to the DAG file's folder or a folder of
        ``template_searchpath``), a dict, or a :class:`~airflow_provider.runner.PipelineConfig`; templates inside are
        rendered too, also those in SQL files that it names, if these are here. Components must be importable where the
        driver runs: give their modules in ``py_files``, not the DAG file, which needs Airflow (templated)
    :param checkpoint_url: where to keep checkpoints, reached by the driver with the cluster's credentials:
        ``s3a://bucket/prefix``, ``hdfs://``, ``gs://``, ``abfss://``; in deploy mode ``client`` also a directory. An
        Airflow connection in an address for S3 or Google Cloud Storage is used by the worker only. Default:
        ``[pyspark_pipeline] checkpoint_url`` of Airflow's configuration (templated)
    :param checkpoint_store: not taken: a store object cannot travel to the driver
    :param save_patience_seconds: for how long the save of a record is tried again before the attempt fails, in seconds.
        Default: ``[pyspark_pipeline] save_patience_seconds``, which is 300
    :param session_state_url: where to save temp views for the next attempt, any directory that Spark can write.
        Default: ``[pyspark_pipeline] session_state_url`` of Airflow's configuration, or a directory under
        ``AIRFLOW_HOME`` if all of Spark runs on this host; otherwise nothing is saved then, and components whose views
        are needed are replayed (templated)
    :param session_state: ``auto``, ``save``, ``replay`` or ``none``; default: the pipeline's own (templated)
    :param keep_session_state: leave the saved views in place when the pipeline has succeeded
    :param keep_session_state_hours: for how many hours saved views are kept after the pipeline has succeeded, so that
        it can be restarted from a component in the middle; then ``airflow pyspark-pipeline prune`` deletes them.
        Default: ``[pyspark_pipeline] keep_session_state_hours``, which is 0: they are deleted at once
    :param session_state_retention_days: for how many days after their last use the saved views of a run that has not
        succeeded are kept before ``airflow pyspark-pipeline prune`` deletes them; 0 for ever. Default:
        ``[pyspark_pipeline] session_state_retention_days``, and if that is empty, ``retention_days``
    :param on_config_change: ``restart``, ``rerun_affected`` or ``fail``; default: the pipeline's own (templated)
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
    :param validate_when_parsed: check the pipeline, also one in a file, when Airflow parses the DAG file, so that a
        wrong one is an import error. Components are not imported: they are where the driver runs
    :param conf: Spark properties; they win over the ``spark.…`` extras of the connection, which win over the ``spark``
        section of the pipeline. Master and deploy mode are the connection's (templated)
    :param deploy_mode: ``client`` or ``cluster``; default: the connection's
    :param name: name of the Spark application. Default: the pipeline's ``app_name``, or DAG and task (templated)

    Everything else is as for Airflow's ``SparkSubmitOperator``; ``application``, ``application_args`` and
    ``java_class`` are not taken.
    """

    template_fields: Sequence[str] = (
        *SubmitOptions.template_fields,
        "pipeline",
        "checkpoint_url",
        "session_state_url",
        "session_state",
        "on_config_change",
        "on_code_change",
        "on_source_change",
        "on_clear",
        "restart_from",
    )
    template_fields_renderers = {"pipeline": "yaml", "conf": "json"}  # noqa: RUF012 - as in BaseOperator
    ui_color = "#f9e0c7"
    _runs_here = False

    def __init__(
        self,
        *,
        pipeline: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
        checkpoint_url: str | None = None,
        checkpoint_store: CheckpointStore | None = None,
        save_patience_seconds: float | None = None,
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
        **kwargs: Any,
    ) -> None:
        taken = [key for key in _OURS if key in kwargs]
        if taken:
            raise ValueError(
                f"task {kwargs.get('task_id')!r}: {', '.join(taken)} cannot be given, because the application is the "
                "pipeline's driver; use SparkSubmitOperator for another application"
            )
        super().__init__(**kwargs)
        self.pipeline = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self.checkpoint_url = checkpoint_url
        self.save_patience_seconds = save_patience_seconds
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
        self._check_when_parsed(validate_when_parsed, runs_here=False)
        self.killed = False
        self._attempt: SubmittedAttempt | None = None
        if checkpoint_store is not None:
            raise ValueError(
                f"task {self.task_id!r}: a checkpoint_store object cannot travel to the driver that spark-submit "
                "starts; set checkpoint_url to an address that the driver reaches, such as s3a://bucket/prefix"
            )
        if "{{" not in str(checkpoint_url) and "{%" not in str(checkpoint_url):
            problem = refusal(
                airflow_config.resolve_checkpoint_url(checkpoint_url), remote=self.deploy_mode == "cluster"
            )
            if problem:
                raise ValueError(f"task {self.task_id!r}: {problem}")

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the driver, or attach to that of an earlier attempt, and wait for its end.

        :raises AirflowFailException: a retry cannot help: the config is wrong, or has changed and must not; what cannot
            be brought back is needed; the connection does not exist; the driver cannot reach the checkpoint, or lacks
            something
        :raises ComponentFailedError: a component failed
        :raises CheckpointError: the progress could not be read or recorded, or a newer attempt has taken over
        :raises AttemptStopped: Airflow stopped the task
        """
        from airflow_provider.operators.submit.submitted_attempt import SubmittedAttempt

        try:
            self._attempt = SubmittedAttempt(self, self._pipeline_run(context, runs_here=self._runs_here))
            return self._attempt.run(context)
        except NotRetriableError as error:
            raise AirflowFailException(str(error)) from None  # the message says it all

    def on_kill(self) -> None:
        """Kill spark-submit, or the application on the cluster, so that :meth:`execute` ends."""
        self.killed = True
        if self._attempt is not None:
            self._attempt.kill()
