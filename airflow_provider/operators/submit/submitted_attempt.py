"""One attempt at a pipeline whose driver spark-submit starts. Imported when a task runs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import AttemptStopped, DriverSetupError, describe
from airflow_provider.launch.driver_addresses import driver_address, refusal, worker_address
from airflow_provider.launch.driver_package import Shipment, file_list, pipeline_text
from airflow_provider.launch.keytab import remove_keytab
from airflow_provider.masking import mask
from airflow_provider.operators.airflow_config import resolve_checkpoint_url
from airflow_provider.operators.airflow_progress import AirflowProgress
from airflow_provider.operators.attempt_guard import AttemptGuard, has_supervisor
from airflow_provider.operators.attempt_settings import AttemptSettings
from airflow_provider.operators.carried_request import with_carried_request
from airflow_provider.operators.pipeline_operator import SUMMARY_KEY
from airflow_provider.operators.submit.driver_progress import DriverProgress
from airflow_provider.operators.submit.driver_report import summary_or_error
from airflow_provider.operators.submit.submission import Submission
from airflow_provider.operators.submit.target import (
    SubmitTarget,
    connection_keytab,
    connection_properties,
    refuse_half_a_login,
    submit_properties,
)
from airflow_provider.runner.checkpoint.address import shown_address
from airflow_provider.runner.checkpoint.progress_file import ProgressFile
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.observing.recorded_summary import DETAILS, recorded_summary
from airflow_provider.runner.observing.usual_costs import usual_to_json
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.stores.location import store_at

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)

_RECORDED = "next: the driver's records stay, and a retry or a clear of this task resumes from there"

_STOPPED = "Airflow asked the task to stop"

_NO_RETRY_STATUS = re.compile(r"(?:exited with(?: status)?|exit ?code(?: is)?)\W{0,2}2\b", re.IGNORECASE)
"""How YARN and Kubernetes report the driver's exit status 2."""


@dataclass(frozen=True)
class SubmitRequest:
    """What a submitted attempt is made of.

    :param run: the pipeline to run, and which attempt it is
    :param context: of the task
    :param settings: what both operators hand on
    :param options: the arguments of ``SparkSubmitOperator`` that the author gave, with ``conf`` as Spark properties
    """

    run: AirflowAttemptSpec
    context: Context
    settings: AttemptSettings
    options: Mapping[str, Any]

    @property
    def conn_id(self) -> str:
        """The connection to Spark."""
        return str(self.options["conn_id"])


class SubmittedAttempt:
    """Submits the driver, or attaches to that of an earlier attempt, and returns or raises how it ended.

    :param request: what the attempt is made of
    """

    def __init__(self, request: SubmitRequest) -> None:
        self._request = request
        self._task_id = request.settings.task_id
        self._killed = False
        self._place = AirflowProgress.of(request.context, request.run)
        self._submission = Submission(
            task_id=self._task_id,
            attempt=request.run.attempt.try_number,
            max_tries=request.run.attempt.max_tries,
            **request.options,
        )

    def kill(self) -> None:
        """Kill spark-submit, or the application on the cluster, so that :meth:`run` ends."""
        self._killed = True
        logger.error("Airflow asked the task to stop; stopping Spark. Completed components stay recorded")
        self._submission.on_kill()

    def run(self) -> dict[str, Any]:
        """Wait for the driver's end, and return the summary.

        :raises NotRetriableError: the connection does not exist; the driver cannot reach the checkpoint, lacks
            something, or reported what a retry cannot help
        :raises ComponentFailedError: a component failed
        :raises CheckpointError: the progress could not be read or recorded, or a newer attempt has taken over
        :raises AttemptStopped: Airflow stopped the task
        """
        conn_id = self._request.conn_id
        extras = connection_properties(self._task_id, conn_id)
        keytab = connection_keytab(conn_id) if not self._request.options.get("keytab") else None
        try:
            return self._submitted(extras, keytab)
        finally:
            remove_keytab(keytab)

    def _submitted(self, extras: dict[str, str], keytab: str | None) -> dict[str, Any]:
        run, submission = self._request.run, self._submission
        if keytab is not None:
            submission.keytab = keytab  # the Spark provider would leave it where everybody may read it
        target = submission.target()
        url = self._checkpoint_url(target)
        error: Exception | None = None
        task_state = self._request.context.get("task_state_store")
        run = with_carried_request(run, task_state, lambda: store_at(worker_address(url)))
        with Shipment(self._driver_request(run, url, target), remote=target.remote) as shipment:
            self._load(shipment, target, extras, keytab)
            self._stop_if_killed()
            progress = DriverProgress(
                self._place.recorder(run).document(), lambda: self._progress_file(url).read(), self._place.sink
            )
            try:
                with (
                    progress,
                    AttemptGuard(
                        submission, self._request.settings.time_limit, lambda: [_RECORDED], supervised=has_supervisor()
                    ),
                ):
                    submission.run(self._request.context)
            except Exception as failure:  # noqa: BLE001 - what it means is in the driver's report
                error = failure
            except BaseException:  # Airflow's time limit for one
                submission.abort()
                raise
            if self._killed:
                progress.finish(AttemptStopped(_STOPPED))
            self._stop_if_killed(error)
            outcome = self._recorded(url, error) if target.remote else shipment.outcome()
        progress.finish(error, outcome.get("summary") if outcome is not None else None)
        self._place.keep_usual(progress.newest)
        ids = {"run_id": run.key.run_id, "attempt": run.attempt.try_number}
        if outcome is not None and "summary" in outcome:
            self._request.context["ti"].xcom_push(SUMMARY_KEY, outcome["summary"] | ids)
        return summary_or_error(run.config, outcome, error) | ids

    def _checkpoint_url(self, target: SubmitTarget) -> str:
        """Return where the checkpoint is kept.

        :raises DriverSetupError: the driver cannot reach it
        """
        settings = self._request.settings
        url = resolve_checkpoint_url(settings.checkpoint_url, settings.started_in)
        problem = refusal(url, remote=target.remote)
        if problem or not url:
            raise DriverSetupError(f"task {self._task_id!r}: {problem}")
        shown_address(url)  # refuses a password
        return url

    def _load(self, shipment: Shipment, target: SubmitTarget, extras: dict[str, str], keytab: str | None) -> None:
        """Fill in what spark-submit starts, and with which properties.

        :raises DriverSetupError: the login is half a one
        """
        options, config, submission = self._request.options, self._request.run.config, self._submission
        submission.conf = submit_properties(config, extras, options["conf"], target, options.get("env_vars"))
        refuse_half_a_login(self._task_id, options, keytab, submission.conf, target)
        submission.files = file_list(options.get("files"), shipment.files)
        submission.py_files = file_list(options.get("py_files"), [str(shipment.engine)])
        scope = self._request.run.key.scope
        submission.name = options.get("name") or config.spark.app_name or ".".join(scope[:2])
        submission.application = str(shipment.application)
        submission.application_args = shipment.arguments

    def _stop_if_killed(self, cause: Exception | None = None) -> None:
        if self._killed:
            raise AttemptStopped(_STOPPED) from cause

    def _driver_request(self, run: AirflowAttemptSpec, url: str, target: SubmitTarget) -> dict[str, Any]:
        settings = self._request.settings
        return {
            "pipeline": pipeline_text(run.config),
            "texts": run.config.texts,
            "origin": run.config.source,
            "run_id": run.key.run_id,
            "scope": run.key.scope,
            "attempt": asdict(run.attempt),
            "asked_by": self._place.start.asked_by,
            "usual": usual_to_json(run.config.name, self._place.start.usual),
            "templated": run.templated,
            "requests": [request.model_dump(mode="json") for request in run.requests],
            "checkpoint_url": driver_address(url),
            "session_state_url": settings.session_state_directory(
                run, spark_runs_here=target.is_local and not target.remote
            ),
            "keep_session_state": settings.keep_session_state,
            "keeping": asdict(settings.retention),
            "save_patience_seconds": settings.save_patience_seconds,
        }

    def _progress_file(self, url: str) -> ProgressFile:
        """Return where the driver writes how far it is."""
        attempt = self._submission.attempt  # that of an earlier try, if its driver is still alive
        return ProgressFile(store_at(worker_address(url)).storage, self._request.run.key, attempt)

    def _recorded(self, url: str, error: Exception | None) -> dict[str, Any] | None:
        """Return what the checkpoint records of the job, in the form of the driver's report."""
        run = self._request.run
        if error is not None and _NO_RETRY_STATUS.search(str(error)):
            message = f"the driver ended with status 2; {DETAILS}: {mask(str(error))}"
            return {"error_type": "NotRetriableError", "message": message}
        try:
            checkpoint: CheckpointState | None = load(store_at(worker_address(url)), run.key)
        except Exception as failure:  # noqa: BLE001 - the driver may reach storage that the worker does not
            logger.warning(
                "the worker cannot read the checkpoint, so the summary has no components: %s", describe(failure)
            )
            checkpoint = None
        if checkpoint is None or checkpoint.attempt != self._submission.attempt:
            if error is not None:
                return None
            short = {"pipeline": run.config.name, "status": "success"}  # the driver ended with status 0
            return {"summary": {**short, "components": []}}
        return {"summary": recorded_summary(run.config, checkpoint)}
