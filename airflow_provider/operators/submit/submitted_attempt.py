"""One attempt at a pipeline whose driver spark-submit starts: from the request to what the driver reports."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import AttemptStopped, DriverSetupError, describe
from airflow_provider.launch.driver_addresses import driver_address, refusal, worker_address
from airflow_provider.launch.driver_package import Shipment, joined, pipeline_text
from airflow_provider.launch.keytab import remove_keytab
from airflow_provider.launch.spark_properties import properties
from airflow_provider.masking import mask
from airflow_provider.operators import airflow_config
from airflow_provider.operators.attempt_guard import AttemptGuard, TimeLimit, has_supervisor
from airflow_provider.operators.pipeline_operator import SUMMARY_KEY
from airflow_provider.operators.submit.driver_report import summary_or_error
from airflow_provider.operators.submit.submission import Submission
from airflow_provider.operators.submit.target import (
    Target,
    connection_keytab,
    connection_properties,
    refuse_half_a_login,
    submit_properties,
)
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.observing.recorded_summary import DETAILS, recorded_summary
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.running.airflow_attempt import AirflowAttemptSpec
from airflow_provider.stores.bucket_storage import shown_address
from airflow_provider.stores.location import store_at

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

logger = logging.getLogger(__name__)

_RECORDED = "next: what the driver has recorded stays, and a retry or a clear of this task goes on from there"

_NO_RETRY_STATUS = re.compile(r"(?:exited with(?: status)?|exit ?code(?: is)?)\W{0,2}2\b", re.IGNORECASE)
"""How YARN and Kubernetes report the driver's exit status 2."""


class SubmittedAttempt:
    """Submits the driver, or attaches to that of an earlier attempt, and tells how it ended.

    :param task: the operator
    :param run: which pipeline it has to run, and in which attempt
    :raises SparkConfigError: the operator's ``conf`` is no mapping of Spark properties
    """

    def __init__(self, task: PySparkPipelineSubmitOperator, run: AirflowAttemptSpec) -> None:
        self._task = task
        self._run = run
        self._conf = properties(task.conf, f"task {task.task_id!r}, conf")
        self._submission = Submission(
            task_id=task.task_id,
            attempt=run.attempt.try_number,
            max_tries=run.attempt.max_tries,
            **{**task.submit_options(), "conf": self._conf},
        )

    def kill(self) -> None:
        """Kill spark-submit, or the application on the cluster, so that :meth:`run` ends."""
        logger.error("Airflow asked the task to stop; stopping Spark. Completed components stay recorded")
        self._submission.on_kill()

    def run(self, context: Context) -> dict[str, Any]:
        """Wait for the driver's end, and return the summary.

        :raises NotRetriableError: the connection does not exist; the driver cannot reach the checkpoint, lacks
            something, or reported what a retry cannot help
        :raises ComponentFailedError: a component failed
        :raises CheckpointError: the progress could not be read or recorded, or a newer attempt has taken over
        :raises AttemptStopped: Airflow stopped the task
        """
        extras = connection_properties(self._task.task_id, self._task.conn_id)
        keytab = connection_keytab(self._task.conn_id) if not self._task.keytab else None
        try:
            return self._submitted(context, extras, keytab)
        finally:
            remove_keytab(keytab)

    def _submitted(self, context: Context, extras: dict[str, str], keytab: str | None) -> dict[str, Any]:
        began = time.monotonic()
        run, task, submission = self._run, self._task, self._submission
        if keytab is not None:
            submission.keytab = keytab  # the Spark provider would leave it where everybody may read it
        target = submission.target()
        url = airflow_config.resolve_checkpoint_url(task.checkpoint_url, task.started_in)
        problem = refusal(url, remote=target.remote)
        if problem or not url:
            raise DriverSetupError(f"task {task.task_id!r}: {problem}")
        shown_address(url)  # refuses a password
        error: Exception | None = None
        limit = TimeLimit(task.execution_timeout, began)
        with Shipment(self._request(url, target), remote=target.remote) as shipment:
            submission.conf = submit_properties(run.config, extras, self._conf, target, task.env_vars)
            refuse_half_a_login(task, keytab, submission.conf, target)
            submission.files = joined(task.files, shipment.files)
            submission.py_files = joined(task.py_files, [str(shipment.engine)])
            submission.name = task.name or run.config.spark.app_name or ".".join(run.key.scope[:2])
            submission.application = str(shipment.application)
            submission.application_args = shipment.arguments
            self._stop_if_killed()
            try:
                with AttemptGuard(submission, limit, lambda: [_RECORDED], supervised=has_supervisor()):
                    submission.run(context)
            except Exception as failure:  # noqa: BLE001 - what it means is in the driver's report
                error = failure
            except BaseException:  # Airflow's time limit for one
                submission.abort()
                raise
            self._stop_if_killed(error)
            outcome = self._recorded(url, error) if target.remote else shipment.outcome()
        about = {"run_id": run.key.run_id, "attempt": run.attempt.try_number}
        if outcome is not None and "summary" in outcome:
            context["ti"].xcom_push(SUMMARY_KEY, outcome["summary"] | about)
        return summary_or_error(run.config, outcome, error) | about

    def _stop_if_killed(self, cause: Exception | None = None) -> None:
        if self._task.killed:
            raise AttemptStopped("Airflow asked the task to stop") from cause

    def _request(self, url: str, target: Target) -> dict[str, Any]:
        run, task = self._run, self._task
        base = airflow_config.resolve_session_state_url(
            task.session_state_url,
            target.is_local and not target.remote,
            first=run.attempt.try_number == 1,
            start=task.started_in,
        )
        return {
            "pipeline": pipeline_text(run.config),
            "texts": run.config.texts,
            "origin": run.config.source,
            "run_id": run.key.run_id,
            "scope": run.key.scope,
            "attempt": asdict(run.attempt),
            "templated": run.templated,
            "requests": [request.model_dump(mode="json") for request in run.requests],
            "checkpoint_url": driver_address(url),
            "session_state_url": run.key.directory(base) if base else None,
            "keep_session_state": task.keep_session_state,
            "keeping": asdict(
                airflow_config.saved_views_retention(
                    task.session_state_retention_days, None, task.keep_session_state_hours
                )
            ),
            "save_patience_seconds": airflow_config.resolve_save_patience(task.save_patience_seconds),
        }

    def _recorded(self, url: str, error: Exception | None) -> dict[str, Any] | None:
        """Return what the checkpoint tells of the job, in the form of the driver's report."""
        run = self._run
        if error is not None and _NO_RETRY_STATUS.search(str(error)):
            message = f"the driver ended with status 2; {DETAILS}: {mask(str(error))}"
            return {"error_type": "NotRetriableError", "message": message}
        try:
            checkpoint: CheckpointState | None = load(store_at(worker_address(url)), run.key)
        except Exception as failure:  # noqa: BLE001 - the driver may reach storage that the worker does not
            logger.warning("the worker cannot read the checkpoint, so the summary is short: %s", describe(failure))
            checkpoint = None
        if checkpoint is None or checkpoint.attempt != self._submission.attempt:
            if error is not None:
                return None
            short = {"pipeline": run.config.name, "status": "success"}  # the driver ended with status 0
            return {"summary": {**short, "components": []}}
        return {"summary": recorded_summary(run.config, checkpoint)}
