"""One call of spark-submit through Airflow's Spark provider. Imported when a task runs: the provider takes its time."""

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

_OF_THE_DRIVER = re.compile(r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) - (?P<text>.*)")

_SUBMITTED = "pyspark_pipeline_submitted"


class Submission(SparkSubmitOperator):
    """Submits the driver, or attaches to that of an earlier attempt, and waits for its end.

    An operator for what that class can do, not to be a task: it is in no DAG, and its options are rendered already.

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
        hook._process_spark_submit_log = lambda lines: take(told(lines, heads=not in_client_mode))
        return hook

    def target(self) -> SubmitTarget:
        """Return where the driver will run.

        :raises DriverSetupError: nothing can be submitted there from here, or not in that way
        """
        try:
            connection = self._get_hook()._connection
        except (NameError, RuntimeError) as error:
            raise DriverSetupError(
                f"task {self.task_id!r}: Kubernetes needs the package apache-airflow-providers-cncf-kubernetes on the "
                "worker; install it"
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
        """Submit, or attach, and wait. Afterwards :attr:`attempt` is that of the driver.

        :raises DriverSetupError: options do not fit together
        """
        execute = unwrap(SparkSubmitOperator.execute)  # without Airflow's warning that an operator is in an operator
        try:
            execute(self, context)
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            # how the Spark provider refuses options that do not fit together
            raise DriverSetupError(f"task {self.task_id!r}: {error}") from error

    def on_kill(self) -> None:
        """Kill spark-submit, or the application on the cluster."""
        if self._hook is not None:
            super().on_kill()

    def abort(self) -> None:
        """Kill spark-submit. A driver on the cluster is left alone: the next attempt attaches to it."""
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
        """Return the status of the earlier attempt's job, and take over its number if that is to go on."""
        status: str = super().get_job_status(external_id, context)
        logger.info("the job of an earlier attempt, %s, is %s", external_id, status)
        submitted = context["task_state_store"].get(_SUBMITTED) or {}
        if self.is_job_succeeded(status) and submitted.get("max_tries") != self._max_tries:
            logger.info("the task was cleared since, so a driver is started that decides what is to be done")
            return "CLEARED"
        if self.is_job_active(status) or self.is_job_succeeded(status):
            self.attempt = submitted.get("attempt", self.attempt)
        return status


# Airflow tags its metrics resumable_job.* with the name of the operator, and the task's is another one.
Submission.__name__ = "PySparkPipelineSubmitOperator"


def told(lines: Iterable[str], *, heads: bool) -> Iterator[str]:
    """Log what spark-submit prints, and yield what is left to the Spark provider, which logs it at level INFO.

    The driver's own lines are logged at their levels, and the stacks of Java at level DEBUG.

    :param lines: the output
    :param heads: whether the lines that begin a record of Spark's log are left to the Spark provider: in deploy mode
        ``cluster`` it finds the application's id in them, and they tell how the application goes
    """
    whose = JvmLines()
    for line in lines:
        text = line.rstrip("\n")
        if found := _OF_THE_DRIVER.fullmatch(text):
            logger.log(logging.getLevelNamesMapping()[found["level"]], "%s", mask(found["text"]))
        elif not whose.is_sparks(text) or (heads and whose.is_head(text)):
            yield line
        else:
            logger.debug("Spark: %s", mask(text))
