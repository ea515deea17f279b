"""The operator that runs a pipeline in one task and one Spark session, and resumes it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowNotFoundException, BaseOperator

from airflow_provider.errors import ComponentFailedError, ConfigProblem, PipelineConfigError, describe
from airflow_provider.launch.in_process import DEFAULT_CONNECTION, InProcessSpark
from airflow_provider.operators.attempt import how_to_start
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointStore,
    CompositeHooks,
    LocalCheckpointStore,
    LoggingHooks,
    PipelineConfig,
    PipelineHooks,
    PipelineResult,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_pipeline_config,
)
from airflow_provider.runner.config_file import read_config_file
from airflow_provider.runner.plan import plan_fresh, plan_from_checkpoint
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
    """

    template_fields: Sequence[str] = ("pipeline", "conn_id", "spark_conf")
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self.conn_id = conn_id
        self.spark_conf = spark_conf
        self.checkpoint_store = checkpoint_store
        self.hooks = hooks

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the pipeline, or what is left of it.

        :raises AirflowFailException: the config is wrong, or the named connection does not exist
        :raises ComponentFailedError: a component failed; its error is the cause
        :raises CheckpointError: the progress could not be read or recorded
        """
        try:
            config = self._load_config(context)
            return self._run(config, context)
        except PipelineConfigError as error:
            raise AirflowFailException(str(error)) from error
        except AirflowNotFoundException as error:
            raise AirflowFailException(
                f"connection {self.conn_id!r} does not exist: {error}; create it, or use conn_id=None for local[*]"
            ) from error

    def _load_config(self, context: Context) -> PipelineConfig:
        if isinstance(self.pipeline, PipelineConfig):
            content: Any = self.pipeline.model_dump(exclude_unset=True)
            origin = self.pipeline.source
        elif isinstance(self.pipeline, str):
            origin = str(self._folder() / self.pipeline)
            content = read_config_file(origin)
        else:
            return load_pipeline_config(self.pipeline)  # Airflow has rendered the templates in a dict
        from jinja2 import TemplateError

        try:
            content = self.render_template(content, context)
        except TemplateError as error:
            raise PipelineConfigError(
                [ConfigProblem(f"a template cannot be rendered: {describe(error)}")], origin
            ) from error
        return load_pipeline_config(content, origin=origin)

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
        plan = plan_from_checkpoint(config, checkpoint) if start.resume else plan_fresh(config, start.reason)
        checkpoint_hooks = CheckpointHooks(
            store,
            run_id,
            compute_pipeline_fingerprint(config),
            scope=scope,
            attempt=ti.try_number,
            airflow={"max_tries": ti.max_tries},
        )
        hooks = [LoggingHooks(), *([self.hooks] if self.hooks else []), checkpoint_hooks]
        app_name = f"{ti.dag_id}.{ti.task_id}"
        with InProcessSpark(self.conn_id, self.spark_conf, config.spark.to_spark_conf(), app_name) as spark:
            runner = SimplePipelineRunner(config, hooks=CompositeHooks(*hooks), spark=spark.open)
            result = runner.run(plan=plan)
        _raise_if_failed(result)
        return {**result.summary(), "run_id": run_id, "attempt": ti.try_number}

    @staticmethod
    def _default_store(context: Context) -> CheckpointStore:
        accessor: Any = context.get("task_state_store")
        if accessor is not None:
            return TaskStateCheckpointStore(accessor)
        home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
        directory = home / "pyspark_pipeline" / "checkpoints"
        logger.warning(
            "checkpoints are kept in %s, which serves a single host only; set checkpoint_store if attempts can "
            "run on different hosts",
            directory,
        )
        return LocalCheckpointStore(directory)


def _raise_if_failed(result: PipelineResult) -> None:
    total = len(result.component_results)
    for position, component in enumerate(result.component_results, start=1):
        if component.error is not None:
            raise ComponentFailedError(
                result.pipeline_name, component.component_name, position, total, component.error
            ) from component.error
