"""One call of spark-submit through Airflow's Spark provider, which only a running task imports: it is slow."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

from airflow_provider.errors import DriverSetupError
from airflow_provider.masking import mask
from airflow_provider.operators.submit.target import SubmitTarget
from airflow_provider.runner.spark.jvm_lines import JvmLines

if TYPE_CHECKING:
    from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
    from airflow.sdk import Context

logger = logging.getLogger(__name__)

_DRIVER_LINE = re.compile(r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) - (?P<text>.*)")

_SUBMITTED = "pyspark_pipeline_submitted"


class Submission(SparkSubmitOperator):
    """Submits the driver, or attaches to that of an earlier attempt, and waits for its end.

    It uses what the Spark provider's operator can do, but is not a task: it is in no DAG, and its options are already
    rendered.

    :param attempt: number of this attempt
    :param max_tries: Airflow's ``max_tries``, which changes when the task is cleared
    :param options: arguments of ``SparkSubmitOperator``
    """

    def __init__(self, *, attempt: int, max_tries: int, **options: Any) -> None:
        super().__init__(**options)
        self.attempt = attempt
        self._max_tries = max_tries

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        take, in_client_mode = hook._process_spark_submit_log, hook._connection["deploy_mode"] != "cluster"
        hook._process_spark_submit_log = lambda lines: take(log_driver_lines(lines, heads=not in_client_mode))
        return hook

    def target(self) -> SubmitTarget:
        """Return where the driver will run.

        :raises DriverSetupError: spark-submit cannot submit there from here, or not in that deploy mode
        """
        try:
            connection = self._get_hook()._connection
        except (NameError, RuntimeError) as error:
            raise DriverSetupError(
                f"task {self.task_id!r}: Kubernetes needs the package apache-airflow-providers-cncf-kubernetes on the "
                "worker; install it there"
            ) from error
        except ValueError as error:  # an extra of the connection that the Spark provider refuses
            raise DriverSetupError(f"task {self.task_id!r}, connection {self._conn_id!r}: {error}") from error
        target = SubmitTarget(connection["master"], connection["deploy_mode"] == "cluster")
        if target.remote and (target.is_local or target.master.startswith("spark://")):
            raise DriverSetupError(
                f"task {self.task_id!r}: Spark has no deploy mode 'cluster' for Python on master {target.master!r}; "
                "use 'client', or PySparkPipelineOperator"
            )
        return target

    def run(self, context: Context) -> None:
        """Submit or attach, and wait. Afterwards :attr:`attempt` is the driver's.

        :raises DriverSetupError: options contradict each other
        """
        execute = unwrap(SparkSubmitOperator.execute)  # without Airflow's warning that an operator is in an operator
        try:
            execute(self, context)
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            # how the Spark provider refuses options that contradict each other
            raise DriverSetupError(f"task {self.task_id!r}: {error}") from error

    def on_kill(self) -> None:
        """Kill spark-submit, or the application on the cluster."""
        if self._hook is not None:
            super().on_kill()

    def abort(self) -> None:
        """Kill spark-submit. Leave a driver on the cluster running: the next attempt attaches to it."""
        if self._hook is not None and self._hook._connection["deploy_mode"] != "cluster":
            self._hook.on_kill()

    def submit_job(self, context: Context) -> str | None:
        job: str | None = super().submit_job(context)
        task_state = context.get("task_state_store")
        if task_state is not None:
            task_state.set(_SUBMITTED, {"attempt": self.attempt, "max_tries": self._max_tries})
            task_state.delete(self._K8S_DRIVER_STATUS_KEY)  # the provider would take an earlier job's for this one's
        return job

    def get_job_status(self, external_id: Any, context: Context) -> str:
        """Return the status of the earlier attempt's job, and take over its attempt number if it counts."""
        status: str = super().get_job_status(external_id, context)
        logger.info("the job of an earlier attempt, %s, is %s", external_id, status)
        submitted = context["task_state_store"].get(_SUBMITTED) or {}
        if self.is_job_succeeded(status) and submitted.get("max_tries") != self._max_tries:
            logger.info("the task has been cleared since, so a new driver starts and decides what to run")
            return "CLEARED"
        if self.is_job_active(status) or self.is_job_succeeded(status):
            self.attempt = submitted.get("attempt", self.attempt)
        return status


# Airflow tags its metrics resumable_job.* with the operator's class name, which should be that of the task.
Submission.__name__ = "PySparkPipelineSubmitOperator"


def log_driver_lines(lines: Iterable[str], *, heads: bool) -> Iterator[str]:
    """Log what spark-submit prints, and yield the other lines to the Spark provider, which logs them at level INFO.

    The driver's lines are logged at their own levels, and Java's stack traces at level DEBUG.

    :param lines: the output
    :param heads: whether to yield the lines that begin a record of Spark's log: in deploy mode ``cluster`` the Spark
        provider finds the application's id in them, and people see how the application is doing
    """
    whose = JvmLines()
    for line in lines:
        text = line.rstrip("\n")
        if found := _DRIVER_LINE.fullmatch(text):
            logger.log(logging.getLevelNamesMapping()[found["level"]], "%s", mask(found["text"]))
        elif not whose.is_sparks(text) or (heads and whose.is_head(text)):
            yield line
        else:
            logger.debug("Spark: %s", mask(text))
