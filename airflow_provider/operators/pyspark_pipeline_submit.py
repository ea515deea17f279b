"""The operator that runs a pipeline's driver through spark-submit, and resumes it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider.errors import (
    AttemptStopped,
    ConfigChangedError,
    DriverSetupError,
    PipelineConfigError,
    describe,
)
from airflow_provider.launch.in_process import DEFAULT_CONNECTION
from airflow_provider.launch.submit import Shipment, driver_address, joined, pipeline_text, refusal, worker_address
from airflow_provider.operators import places
from airflow_provider.operators.driver_report import summary_or_error
from airflow_provider.operators.guard import AttemptGuard, has_supervisor
from airflow_provider.operators.pipeline_task import PipelineRun, PipelineTask
from airflow_provider.operators.submit_target import Target, connection_properties, submit_properties
from airflow_provider.runner import CheckpointState, CheckpointStore, PipelineConfig
from airflow_provider.runner.observing.recorded_summary import DETAILS, recorded_summary
from airflow_provider.runner.running.attempt import run_directory
from airflow_provider.stores.location import store_at
from airflow_provider.stores.object_files import address
from airflow_provider.stores.task_state import refuse_replaced

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)

_OURS = ("application", "application_args", "java_class")
_SUBMITTED = "pyspark_pipeline_submitted"
_NO_RETRY_STATUS = re.compile(r"(?:exited with(?: status)?|exit ?code(?: is)?)\W{0,2}2\b", re.IGNORECASE)
"""How YARN and Kubernetes report the driver's exit status 2."""


class _Process:
    """What spark-submit started here. A driver on the cluster is left alone: the next attempt attaches to it."""

    def __init__(self, operator: PySparkPipelineSubmitOperator, remote: bool) -> None:
        self._operator = operator
        self._remote = remote

    def abort(self) -> None:
        if not self._remote and self._operator._hook is not None:
            self._operator._hook.on_kill()


class PySparkPipelineSubmitOperator(PipelineTask, SparkSubmitOperator):
    """Run a pipeline's driver with spark-submit, and resume it after the last component that succeeded.

    As :class:`~airflow_provider.operators.pyspark_pipeline.PySparkPipelineOperator`, but Spark and the components run
    in a driver of their own: on the worker in deploy mode ``client``, on the cluster in deploy mode ``cluster``. The
    engine travels along. Where the driver runs, Airflow is not needed; Python 3.11, pyspark, pydantic, tenacity,
    pyyaml and rich are, and the driver says so if one is missing.

    The driver reads and writes the checkpoint itself, so that has to be where the driver reaches it, and it decides
    whether the attempt resumes. If the job of an earlier attempt is still alive (``durable``, on YARN and Kubernetes
    in deploy mode ``cluster``), the task attaches to it again instead of starting another one.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration. In
    deploy mode ``cluster`` it is made from the checkpoint, if the worker can read that, and reasons are only in the
    driver's log.

    :param pipeline: path of a YAML, JSON or HOCON file (relative to the DAG file's folder), a dict, or a
        :class:`~airflow_provider.runner.PipelineConfig`; templates inside are rendered too. Components must be
        importable where the driver runs: give their modules in ``py_files``, not the DAG file, which needs Airflow
        (templated)
    :param checkpoint_url: where to keep checkpoints, reached by the driver with the cluster's credentials:
        ``s3a://bucket/prefix``, ``hdfs://``, ``gs://``, ``abfss://``; in deploy mode ``client`` also a directory. An
        Airflow connection in an address for S3 or Google Cloud Storage is used by the worker only. Default:
        ``[pyspark_pipeline] checkpoint_url`` of Airflow's configuration (templated)
    :param checkpoint_store: not taken: a store object cannot travel to the driver
    :param session_state_url: where to save temp views for the next attempt, any directory that Spark can write.
        Default: ``[pyspark_pipeline] session_state_url`` of Airflow's configuration, or a directory under
        ``AIRFLOW_HOME`` if all of Spark runs on this host; otherwise nothing is saved then, and components whose views
        are needed are replayed (templated)
    :param session_state: ``auto``, ``save``, ``replay`` or ``none``; default: the pipeline's own (templated)
    :param keep_session_state: leave the saved views in place when the pipeline has succeeded
    :param on_config_change: ``restart``, ``rerun_affected`` or ``fail``; default: the pipeline's own (templated)
    :param on_clear: when somebody cleared the task before the pipeline was complete: ``resume`` or ``restart``;
        default: the pipeline's own (templated)
    :param restart_from: run this component and all its descendants again, although they had completed. Default:
        ``restart_from`` in the DAG run's conf or params (templated)
    :param conf: Spark properties; they win over the ``spark.…`` extras of the connection, which win over the ``spark``
        section of the pipeline. Master and deploy mode are the connection's (templated)
    :param deploy_mode: ``client`` or ``cluster``; default: the connection's
    :param name: name of the Spark application. Default: the pipeline's ``app_name``, or DAG and task (templated)

    Everything else is as for Airflow's ``SparkSubmitOperator``; ``application``, ``application_args`` and
    ``java_class`` are not taken.
    """

    template_fields: Sequence[str] = (
        *(field for field in SparkSubmitOperator.template_fields if field not in _OURS),
        "pipeline",
        "checkpoint_url",
        "session_state_url",
        "session_state",
        "on_config_change",
        "on_clear",
        "restart_from",
    )
    template_fields_renderers = {"pipeline": "json", "conf": "json"}  # noqa: RUF012 - as in BaseOperator
    ui_color = "#f9e0c7"

    conf: dict[str, Any] | None
    files: str | None
    py_files: str | None
    name: str

    def __init__(
        self,
        *,
        pipeline: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
        checkpoint_url: str | None = None,
        checkpoint_store: CheckpointStore | None = None,
        session_state_url: str | None = None,
        session_state: str | None = None,
        keep_session_state: bool = False,
        on_config_change: str | None = None,
        on_clear: str | None = None,
        restart_from: str | None = None,
        conn_id: str = DEFAULT_CONNECTION,
        deploy_mode: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        taken = [key for key in _OURS if key in kwargs]
        if taken:
            raise ValueError(
                f"task {kwargs.get('task_id')!r}: {', '.join(taken)} cannot be given, because the application is the "
                "pipeline's driver; use SparkSubmitOperator for another application"
            )
        super().__init__(conn_id=conn_id, deploy_mode=deploy_mode, name=name or "", **kwargs)
        self.pipeline = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self._written = self.pipeline  # Airflow replaces self.pipeline with what its templates come to
        self.checkpoint_url = checkpoint_url
        self.session_state_url = session_state_url
        self.session_state = session_state
        self.keep_session_state = keep_session_state
        self.on_config_change = on_config_change
        self.on_clear = on_clear
        self.restart_from = restart_from
        self.conn_id = conn_id
        self._killed = False
        self._attempt = 0
        self._max_tries = 0
        if checkpoint_store is not None:
            raise ValueError(
                f"task {self.task_id!r}: a checkpoint_store object cannot travel to the driver that spark-submit "
                "starts; set checkpoint_url to an address that the driver reaches, such as s3a://bucket/prefix"
            )
        if "{{" not in str(checkpoint_url) and "{%" not in str(checkpoint_url):
            problem = refusal(places.checkpoint_url(checkpoint_url), remote=deploy_mode == "cluster")
            if problem:
                raise ValueError(f"task {self.task_id!r}: {problem}")

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the driver, or attach to that of an earlier attempt, and wait for its end.

        :raises AirflowFailException: the config is wrong, or has changed and must not; the connection does not exist;
            the driver cannot reach the checkpoint, or lacks something
        :raises ComponentFailedError: a component failed
        :raises CheckpointError: the progress could not be read or recorded, or a newer attempt has taken over
        :raises AttemptStopped: Airflow stopped the task
        """
        try:
            return self._run(context)
        except (PipelineConfigError, ConfigChangedError, DriverSetupError) as error:
            raise AirflowFailException(str(error)) from None  # the message says it all, and a retry cannot help

    def on_kill(self) -> None:
        """Kill spark-submit, or the application on the cluster, so that :meth:`execute` ends."""
        self._killed = True
        if self._hook is not None:
            logger.error("Airflow asked the task to stop; stopping Spark. Completed components stay recorded")
            super().on_kill()

    def submit_job(self, context: Context) -> str | None:
        job: str | None = super().submit_job(context)
        task_state = context.get("task_state_store")
        if task_state is not None:
            task_state.set(_SUBMITTED, {"attempt": self._attempt, "max_tries": self._max_tries})
            task_state.delete(self._K8S_DRIVER_STATUS_KEY)  # the provider would take an earlier job's for this one's
        return job

    def get_job_status(self, external_id: Any, context: Context) -> str:
        """Return the status of the earlier attempt's job, and take over its number if that is to go on."""
        status: str = super().get_job_status(external_id, context)
        logger.info("the job of an earlier attempt, %s, is %s", external_id, status)
        submitted = context["task_state_store"].get(_SUBMITTED) or {}
        if self.is_job_succeeded(status) and submitted.get("max_tries") != self._max_tries:
            logger.info("the task was cleared since, so a driver is started that decides what is to be done")
            return "CLEARED"
        if self.is_job_active(status) or self.is_job_succeeded(status):
            self._attempt = submitted.get("attempt", self._attempt)
        return status

    def _run(self, context: Context) -> dict[str, Any]:
        run = self._pipeline_run(context, runs_here=False)
        self._attempt, self._max_tries = run.attempt.try_number, run.attempt.max_tries
        extras = connection_properties(self.task_id, self.conn_id)
        target = self._target()
        url = places.checkpoint_url(self.checkpoint_url)
        problem = refusal(url, remote=target.remote)
        if problem or not url:
            raise DriverSetupError(f"task {self.task_id!r}: {problem}")
        address(url)  # refuses a password
        refuse_replaced(context.get("task_state_store"))  # the driver could not tell
        request = self._request(run, url, target)
        given = self.conf, self.files, self.py_files, self.name
        with Shipment(request, remote=target.remote) as shipment:
            self.conf = submit_properties(run.config, extras, given[0], target, self.env_vars)
            self.files = joined(given[1], shipment.files)
            self.py_files = joined(given[2], [str(shipment.engine)])
            self.name = given[3] or run.config.spark.app_name or ".".join(run.scope[:2])
            self.application = str(shipment.application)
            self.application_args = shipment.arguments
            self._hook = None
            process = _Process(self, target.remote)
            try:
                with AttemptGuard(process, None, supervised=has_supervisor()):
                    self._submit(context)
                error = None
            except Exception as failure:  # noqa: BLE001 - what it means is in the driver's report
                error = failure
            except BaseException:  # Airflow's time limit for one
                process.abort()
                raise
            finally:
                self.conf, self.files, self.py_files, self.name = given
            if self._killed:
                raise AttemptStopped("Airflow asked the task to stop") from error
            outcome = self._recorded(run, url, error) if target.remote else shipment.outcome()
        return {
            **summary_or_error(run.config, outcome, error),
            "run_id": run.run_id,
            "attempt": run.attempt.try_number,
        }

    def _submit(self, context: Context) -> None:
        try:
            super().execute(context)
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            # how the Spark provider refuses options that do not fit together
            raise DriverSetupError(f"task {self.task_id!r}: {error}") from error

    def _target(self) -> Target:
        try:
            connection = self._get_hook()._connection
        except (NameError, RuntimeError) as error:
            raise DriverSetupError(
                f"task {self.task_id!r}: Kubernetes needs the package apache-airflow-providers-cncf-kubernetes on the "
                "worker; install it"
            ) from error
        target = Target(connection["master"], connection["deploy_mode"] == "cluster")
        if target.remote and (target.is_local or target.master.startswith("spark://")):
            raise DriverSetupError(
                f"task {self.task_id!r}: Spark has no deploy mode 'cluster' for Python on master {target.master!r}; "
                "use 'client', or PySparkPipelineOperator"
            )
        return target

    def _request(self, run: PipelineRun, url: str, target: Target) -> dict[str, Any]:
        base = places.session_state_base(
            self.session_state_url, target.is_local and not target.remote, first=run.attempt.try_number == 1
        )
        return {
            "pipeline": pipeline_text(run.config),
            "origin": run.origin,
            "run_id": run.run_id,
            "scope": run.scope,
            "attempt": asdict(run.attempt),
            "templated": run.templated,
            "checkpoint_url": driver_address(url),
            "session_state_url": run_directory(base, run.scope, run.run_id, run.config.name) if base else None,
            "keep_session_state": self.keep_session_state,
        }

    def _recorded(self, run: PipelineRun, url: str, error: Exception | None) -> dict[str, Any] | None:
        """Return what the checkpoint tells of the job, in the form of the driver's report."""
        if error is not None and _NO_RETRY_STATUS.search(str(error)):
            return {"error_type": "DriverSetupError", "message": f"the driver ended with status 2; {DETAILS}: {error}"}
        try:
            checkpoint: CheckpointState | None = store_at(worker_address(url)).load(
                run.run_id, run.config.name, scope=run.scope
            )
        except Exception as failure:  # noqa: BLE001 - the driver may reach storage that the worker does not
            logger.warning("the worker cannot read the checkpoint, so the summary is short: %s", describe(failure))
            checkpoint = None
        if checkpoint is None or checkpoint.attempt != self._attempt:
            if error is not None:
                return None
            short = {"pipeline": run.config.name, "status": "success"}  # the driver ended with status 0
            return {"summary": {**short, "components": []}}
        return {"summary": recorded_summary(run.config, checkpoint)}
