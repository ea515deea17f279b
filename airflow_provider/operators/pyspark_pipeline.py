"""The operator that runs a pipeline in one task and one Spark session, and resumes it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator, conf

from airflow_provider.errors import (
    ComponentFailedError,
    ConfigChangedError,
    ConfigProblem,
    PipelineConfigError,
    SparkConfigError,
    describe,
)
from airflow_provider.launch.in_process import DEFAULT_CONNECTION, InProcessSpark
from airflow_provider.operators.attempt import how_to_start
from airflow_provider.operators.guard import AttemptGuard
from airflow_provider.runner import (
    CheckpointState,
    CheckpointStore,
    LocalCheckpointStore,
    PipelineConfig,
    PipelineHooks,
    PipelineResult,
    load_pipeline_config,
)
from airflow_provider.runner.attempt import run_attempt, run_directory
from airflow_provider.runner.config_file import read_config_file
from airflow_provider.stores.task_state import TaskStateCheckpointStore

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)


class PySparkPipelineOperator(BaseOperator):
    """Run a pipeline of PySpark components that resumes after the last one that succeeded.

    After every component the progress is recorded under Airflow's ``run_id``. When Airflow retries the task, or
    somebody clears it after a failure, the next attempt leaves alone what has completed. A changed config starts
    the pipeline from the beginning; a wrong config fails the task without using up retries.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration.

    :param pipeline: path of a YAML, JSON or HOCON file (relative to the DAG file's folder), a dict, or a
        :class:`~airflow_provider.runner.PipelineConfig`; templates inside are rendered too (templated)
    :param conn_id: connection of type ``spark``; without it, or if the default one does not exist, Spark runs in
        the task with master ``local[*]`` (templated)
    :param spark_conf: Spark properties; they win over the connection, which wins over the ``spark`` section of
        the pipeline (templated)
    :param checkpoint_store: where to keep checkpoints. Default: Airflow's task state store (Airflow 3.3 and
        later), otherwise a directory under ``AIRFLOW_HOME``, which serves a single host only
    :param hooks: further lifecycle hooks, called after the log's and before the checkpoint's
    :param session_state_url: where to save temp views for the next attempt, any directory that Spark can write:
        ``s3a://``, ``gs://``, ``hdfs://``, a shared path. Default: ``[pyspark_pipeline] session_state_url`` of
        Airflow's configuration, or a directory under ``AIRFLOW_HOME`` if Spark runs on this host; on a cluster
        nothing is saved then, and components whose views are needed are replayed (templated)
    :param session_state: ``auto``, ``save``, ``replay`` or ``none``; default: the pipeline's own, which is ``auto``
        unless it says otherwise (templated)
    :param keep_session_state: leave the saved views in place when the pipeline has succeeded
    :param on_config_change: ``restart``, ``rerun_affected`` or ``fail``; default: the pipeline's own, which is
        ``restart`` unless it says otherwise (templated)
    :param restart_from: run this component and all its descendants again, although they had completed. Carried out
        once, and again when the task is cleared (templated)
    """

    template_fields: Sequence[str] = (
        "pipeline",
        "conn_id",
        "spark_conf",
        "session_state_url",
        "session_state",
        "on_config_change",
        "restart_from",
    )
    template_fields_renderers = {"pipeline": "json", "spark_conf": "json"}  # noqa: RUF012 - as in BaseOperator
    ui_color = "#f9e0c7"

    def __init__(
        self,
        *,
        pipeline: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
        conn_id: str | None = DEFAULT_CONNECTION,
        spark_conf: Mapping[str, Any] | None = None,
        checkpoint_store: CheckpointStore | None = None,
        hooks: PipelineHooks | None = None,
        session_state_url: str | None = None,
        session_state: str | None = None,
        keep_session_state: bool = False,
        on_config_change: str | None = None,
        restart_from: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self.conn_id = conn_id
        self.spark_conf = spark_conf
        self.checkpoint_store = checkpoint_store
        self.hooks = hooks
        self.session_state_url = session_state_url
        self.session_state = session_state
        self.keep_session_state = keep_session_state
        self.on_config_change = on_config_change
        self.restart_from = restart_from
        self._guard: AttemptGuard | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the pipeline, or what is left of it.

        :raises AirflowFailException: the config is wrong, or has changed and must not, or the named connection does
            not exist
        :raises ComponentFailedError: a component failed; its error is the cause
        :raises CheckpointError: the progress could not be read or recorded
        :raises AttemptStopped: Airflow stopped the task, or its time is over
        """
        try:
            config = self._load_config(context)
            return self._run(config, context)
        except (PipelineConfigError, ConfigChangedError, SparkConfigError) as error:
            raise AirflowFailException(str(error)) from None  # the message says it all, and a retry cannot help

    def on_kill(self) -> None:
        """Stop Spark and make :meth:`execute` end.

        :raises AttemptStopped: while the pipeline runs
        """
        if self._guard is not None:
            self._guard.kill()

    def _load_config(self, context: Context) -> PipelineConfig:
        if isinstance(self.pipeline, PipelineConfig):
            content: Any = self.pipeline.model_dump(exclude_unset=True)
            origin = self.pipeline.source
        elif isinstance(self.pipeline, str):
            origin = str(self._folder() / self.pipeline)
            content = read_config_file(origin)
        else:
            return self._with_policies(self.pipeline, None)  # Airflow has rendered the templates in a dict
        from jinja2 import TemplateError

        try:
            content = self.render_template(content, context)
        except TemplateError as error:
            raise PipelineConfigError(
                [ConfigProblem(f"a template cannot be rendered: {describe(error)}")], origin
            ) from error
        return self._with_policies(content, origin)

    def _with_policies(self, content: Mapping[str, Any], origin: str | None) -> PipelineConfig:
        """Load the config with what the operator says in place of the pipeline's own policies."""
        policies = {
            "session_state": self.session_state,
            "on_config_change": self.on_config_change,
            "restart_from": self.restart_from,
        }
        given = {key: value for key, value in policies.items() if value is not None}
        return load_pipeline_config({**content, **given} if isinstance(content, Mapping) else content, origin=origin)

    def _folder(self) -> Path:
        return Path(self.dag.folder) if self.has_dag() and self.dag.fileloc else Path.cwd()

    def _run(self, config: PipelineConfig, context: Context) -> dict[str, Any]:
        ti = context["ti"]
        run_id = str(context["run_id"])
        map_index = -1 if ti.map_index is None else ti.map_index
        scope = (ti.dag_id, ti.task_id, str(map_index))
        store = self.checkpoint_store or self._default_store(context)
        checkpoint = store.load(run_id, config.name, scope=scope)
        start = how_to_start(checkpoint, ti.try_number, ti.max_tries)
        logger.info("run %r, try %d: %s (checkpoints in %s)", run_id, ti.try_number, start.reason, store)
        if self.checkpoint_store is None and isinstance(store, LocalCheckpointStore):
            logger.warning(
                "%s serves a single host only; set checkpoint_store if attempts can run on different hosts", store
            )
        app_name = f"{ti.dag_id}.{ti.task_id}"
        with (
            InProcessSpark(self.conn_id, self.spark_conf, config.spark.to_spark_conf(), app_name) as spark,
            AttemptGuard(spark, self.execution_timeout, supervised=_has_supervisor()) as guard,
        ):
            self._guard = guard
            base = self._session_state_base(spark, checkpoint)
            result = run_attempt(
                config,
                store,
                run_id,
                checkpoint,
                scope=scope,
                fresh=None if start.resume else start.reason,
                restart_from=config.restart_from if start.cleared else None,
                attempt=ti.try_number,
                airflow={"max_tries": ti.max_tries},
                hooks=[guard, *([self.hooks] if self.hooks else [])],
                spark=spark.open,
                session_state_url=run_directory(base, scope, run_id, config.name) if base else None,
                keep_session_state=self.keep_session_state,
            )
        self._guard = None
        _raise_if_failed(result)
        return {**result.summary(), "run_id": run_id, "attempt": ti.try_number}

    def _session_state_base(self, spark: InProcessSpark, checkpoint: CheckpointState | None) -> str | None:
        base = self.session_state_url or conf.get("pyspark_pipeline", "session_state_url", fallback=None)
        if base:
            return str(base)
        if spark.runs_here:
            return str(_airflow_home() / "pyspark_pipeline" / "session_state")
        if checkpoint is None:
            logger.warning(
                "Spark runs on a cluster and session_state_url is not set, so temp views are not saved: on a retry the "
                "components that made them run again; set it to a directory that the cluster can write"
            )
        return None

    @staticmethod
    def _default_store(context: Context) -> CheckpointStore:
        accessor: Any = context.get("task_state_store")
        if accessor is not None:
            return TaskStateCheckpointStore(accessor)
        return LocalCheckpointStore(_airflow_home() / "pyspark_pipeline" / "checkpoints")


def _has_supervisor() -> bool:
    """Whether a supervisor process watches this one; ``dag.test()`` and the like have none."""
    from airflow.sdk.execution_time import task_runner

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "CommsDecoder"


def _airflow_home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()


def _raise_if_failed(result: PipelineResult) -> None:
    total = len(result.component_results)
    for position, component in enumerate(result.component_results, start=1):
        if component.error is not None:
            raise ComponentFailedError(
                result.pipeline_name, component.component_name, position, total, component.error
            ) from component.error
