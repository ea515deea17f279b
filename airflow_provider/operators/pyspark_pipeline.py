"""The operator that runs a pipeline in one task and one Spark session, and resumes it.

What only the run of the task needs is imported there: Airflow parses DAG files all the time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import PySparkPipelineError
from airflow_provider.launch.spark_properties import DEFAULT_CONNECTION, properties
from airflow_provider.operators.links import SparkUILink
from airflow_provider.operators.pipeline_operator import SHARED_FIELDS, PipelineOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.in_task_attempt import InTaskAttempt
    from airflow_provider.runner import CheckpointStore, PipelineHooks
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

logger = logging.getLogger(__name__)


class PySparkPipelineOperator(PipelineOperator):
    """Run a pipeline of PySpark components that resumes after the last one that succeeded.

    The progress is recorded under Airflow's ``run_id`` after every component. When Airflow retries the task, or the
    task is cleared after a failure, the next attempt skips what has completed. A changed config starts the pipeline
    from the beginning; a wrong config fails the task without using up retries.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration. It
    is also under the key ``pyspark_pipeline_summary``, there already while the attempt runs and after a failure.

    The parameters of every pipeline (``pipeline``, ``checkpoint_url``, ``session_state_url``, the policies such as
    ``on_config_change``, ``restart_from`` and more) are documented with
    :class:`~airflow_provider.operators.pipeline_operator.PipelineOperator`. Further parameters:

    :param conn_id: connection of type ``spark`` or ``spark_connect``; without it, or if the default one does not
        exist, Spark runs in the task with master ``local[*]`` (templated)
    :param spark_conf: Spark properties; they win over the connection, which wins over the ``spark`` section of
        the pipeline. A mapping, or a template that renders to one, also as text in Python or JSON. None and lists are
        not values of a property (templated)
    :param retention_days: how long Airflow's task state store keeps the checkpoint after it was last saved, in days; 0
        keeps it for ever. Default: ``[pyspark_pipeline] retention_days``, which is 90
    :param hooks: further lifecycle hooks, or a list of them, called before those of the log and of the checkpoint
    :param openlineage_inject_parent_job_info: give Spark's OpenLineage integration this task as its parent job.
        Default: ``[openlineage] spark_inject_parent_job_info``
    :param openlineage_inject_transport_info: give Spark's OpenLineage integration Airflow's transport. Default:
        ``[openlineage] spark_inject_transport_info``
    """

    template_fields: Sequence[str] = ("pipeline", "conn_id", "spark_conf", *SHARED_FIELDS)
    template_fields_renderers = {"pipeline": "yaml", "spark_conf": "json"}  # noqa: RUF012 - as in BaseOperator
    operator_extra_links = (SparkUILink(),)
    _attempt: InTaskAttempt | None

    def __init__(
        self,
        *,
        conn_id: str | None = DEFAULT_CONNECTION,
        spark_conf: Mapping[str, Any] | None = None,
        retention_days: float | None = None,
        hooks: PipelineHooks | Sequence[PipelineHooks] | None = None,
        openlineage_inject_parent_job_info: bool | None = None,
        openlineage_inject_transport_info: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.checkpoint_store is not None and self.checkpoint_url is not None:
            raise ValueError(f"task {self.task_id!r}: give checkpoint_store or checkpoint_url, not both")
        self.conn_id = conn_id
        self.spark_conf = spark_conf
        self.retention_days = retention_days
        self.hooks = hooks
        self.openlineage_inject_parent_job_info = openlineage_inject_parent_job_info
        self.openlineage_inject_transport_info = openlineage_inject_transport_info

    @property
    def spark_ui_url(self) -> str:
        """Where the link to Spark's UI leads when the application has ended, empty for nowhere."""
        return self._attempt.spark_ui_url if self._attempt is not None else ""

    def execute(self, context: Context) -> dict[str, Any]:
        logging.getLogger("py4j").setLevel(logging.WARNING)  # it logs each thread that stops talking to Spark
        try:
            return super().execute(context)
        except PySparkPipelineError as error:
            raise error.with_traceback(None) from None  # Airflow's log ends with this, and needs no path through here

    def _new_attempt(self, run: AirflowAttemptSpec, context: Context, began: float) -> InTaskAttempt:
        from airflow_provider.operators.airflow_progress import AirflowProgress
        from airflow_provider.operators.carried_request import with_carried_request
        from airflow_provider.operators.in_task_attempt import InTaskAttempt, InTaskRequest
        from airflow_provider.operators.observability import with_openlineage
        from airflow_provider.runner.observing.peer_hooks import each_of
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

        spark_conf = with_openlineage(
            properties(self.spark_conf, "spark_conf"),
            context,
            parent=self.openlineage_inject_parent_job_info,
            transport=self.openlineage_inject_transport_info,
        )
        store = self._store(run, context)
        if not isinstance(store, TaskStateCheckpointStore):
            run = with_carried_request(run, context.get("task_state_store"), lambda: store)
        return InTaskAttempt(
            InTaskRequest(
                run=run,
                ti=context["ti"],
                settings=self._attempt_settings(began, self.retention_days),
                store=store,
                progress=AirflowProgress.of(context, run, self.retention_days),
                conn_id=self.conn_id,
                spark_conf=spark_conf,
                hooks=each_of([self.hooks]),
            )
        )

    def _store(self, run: AirflowAttemptSpec, context: Context) -> CheckpointStore:
        """Return the store for the checkpoint. The first attempt warns if a clear may discard it unasked."""
        from airflow_provider.operators.airflow_config import choose_checkpoint_store, clear_discards_task_state
        from airflow_provider.runner.planning.start_mode import KEEP_TASK_STATE
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

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
                "state. Set checkpoint_url to keep it elsewhere, or tick that option when you clear",
                KEEP_TASK_STATE,
            )
        return store
