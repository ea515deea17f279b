"""The base of both operators: their shared parameters, and the way from the DAG author's words to an attempt."""

from __future__ import annotations

import abc
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider.errors import NotRetriableError, PipelineConfigError
from airflow_provider.operators.pipeline.templated_task import TemplatedTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.attempt_settings import AttemptSettings, RunningAttempt
    from airflow_provider.runner import CheckpointStore, PipelineConfig
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

SUMMARY_KEY = "pyspark_pipeline_summary"
"""XCom key of the attempt's summary, which is there also while the attempt runs and after it has failed."""

POLICY_FIELDS = (
    "session_state",
    "on_config_change",
    "on_code_change",
    "on_source_change",
    "on_clear",
    "max_parallel_components",
    "on_failure",
)
"""Parameters that take the place of the pipeline's fields of the same name."""

SHARED_FIELDS = ("checkpoint_url", "session_state_url", *POLICY_FIELDS, "restart_from")
"""Template fields of both operators, beside ``pipeline``."""

_MARKS = ("{{", "{%", "{#")


class PipelineOperator(TemplatedTask, BaseOperator):
    """Base of the operators that run a pipeline. Use one of these in a DAG:

    - :class:`~airflow_provider.operators.pyspark_pipeline.PySparkPipelineOperator`
    - :class:`~airflow_provider.operators.pyspark_pipeline_submit.PySparkPipelineSubmitOperator`

    The parameters of both:

    :param pipeline: path of a YAML, JSON or HOCON file (relative to the DAG file's folder or a folder of
        ``template_searchpath``), a dict, or a :class:`~airflow_provider.runner.PipelineConfig`; templates inside are
        rendered too, also those in SQL files that it names (templated)
    :param checkpoint_store: a checkpoint store of your own, in place of ``checkpoint_url``.
        ``PySparkPipelineSubmitOperator`` refuses it: an object cannot travel to the driver
    :param checkpoint_url: where to keep checkpoints: a directory that every worker sees, or an address of
        ``ObjectStoragePath`` such as ``s3://my_aws@bucket/prefix``, ``gs://`` or ``abfss://``. Default:
        ``[pyspark_pipeline] checkpoint_url`` of Airflow's configuration; if that or this is empty, Airflow's task state
        store (Airflow 3.3 and later), otherwise a directory under ``AIRFLOW_HOME``, which serves a single host only. A
        relative directory starts in the working directory in which the DAG file is parsed (templated)
    :param save_patience_seconds: how long to keep trying to save a record before the attempt fails, in seconds: a
        restart of Airflow's API server or a blip of the storage must not cost the attempt. Default:
        ``[pyspark_pipeline] save_patience_seconds``, which is 300
    :param session_state_url: where to save temp views for the next attempt: any directory that Spark can write, such
        as ``s3a://``, ``gs://``, ``hdfs://`` or a shared path. Default: ``[pyspark_pipeline] session_state_url`` of
        Airflow's configuration, or a directory under ``AIRFLOW_HOME`` if Spark runs on this host. On a cluster without
        either, nothing can be saved: an attempt that needs the views of a completed component replays it if that is
        known to be harmless (or if you set ``session_state: replay``), and otherwise fails with the remedy (templated)
    :param session_state: ``auto``, ``save``, ``replay`` or ``none``; default: the pipeline's own, which is ``auto``
        unless it says otherwise (templated)
    :param keep_session_state: leave the saved views in place when the pipeline has succeeded
    :param keep_session_state_hours: how many hours to keep saved views after the pipeline has succeeded, so that it can
        be restarted from a component in the middle; then ``airflow pyspark-pipeline prune`` deletes them. Default:
        ``[pyspark_pipeline] keep_session_state_hours``, which is 0: they are deleted at once
    :param session_state_retention_days: how many days after their last use to keep the saved views of a run that has
        not succeeded, before ``airflow pyspark-pipeline prune`` deletes them; 0 keeps them for ever. Default:
        ``[pyspark_pipeline] session_state_retention_days``, and if that is empty, as long as the checkpoint
    :param on_config_change: ``restart``, ``rerun_affected`` or ``fail``; default: the pipeline's own, which is
        ``restart`` unless it says otherwise (templated)
    :param on_code_change: what to do when the code of a completed component has changed: ``rerun_affected`` runs it and
        its descendants again, ``restart`` everything, ``reuse`` keeps its result with a warning, ``fail`` fails;
        default: the pipeline's own, which is ``rerun_affected`` unless it says otherwise (templated)
    :param on_source_change: what to do when data that completed components have read were changed from outside the
        run: ``auto``, ``keep``, ``rerun_affected`` or ``fail``; default: the pipeline's own, which is ``auto`` unless
        it says otherwise (templated)
    :param on_clear: what to do when the task is cleared before the pipeline is complete: ``auto``, ``resume`` or
        ``restart``; default: the pipeline's own, which is ``auto`` unless it says otherwise (templated)
    :param max_parallel_components: how many components may run side by side, or ``auto``; default: the pipeline's own,
        which is 1 unless it says otherwise (templated)
    :param on_failure: what becomes of the components that run when another one fails: ``finish_running``,
        ``cancel_running`` or ``continue``; default: the pipeline's own, which is ``finish_running`` unless it says
        otherwise (templated)
    :param restart_from: run these components and their descendants again, although they have completed: a name, a list
        of names, or ``{"components": […], "only": True}`` or ``{"components": […], "until": name}``. Each value takes
        effect once in a run. Default: ``restart_from`` in the DAG run's conf or params, which applies to the run's
        first attempt; there a mapping of task id to any of these works too (templated)
    :param validate_when_parsed: check the pipeline, also one in a file, as ``python -m airflow_provider validate`` does
        when Airflow parses the DAG file, so that a wrong one is an import error. That imports the components (not with
        ``PySparkPipelineSubmitOperator``, whose components are where the driver runs) and so Spark each time; without
        it only a pipeline in the DAG file itself is checked, as far as that needs neither
    """

    template_fields: Sequence[str] = ("pipeline", *SHARED_FIELDS)
    ui_color = "#f9e0c7"

    def __init__(
        self,
        *,
        pipeline: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
        checkpoint_store: CheckpointStore | None = None,
        checkpoint_url: str | None = None,
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
        max_parallel_components: int | str | None = None,
        on_failure: str | None = None,
        restart_from: str | Sequence[str] | Mapping[str, Any] | None = None,
        validate_when_parsed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline: Any = os.fspath(pipeline) if isinstance(pipeline, os.PathLike) else pipeline
        self.checkpoint_store = checkpoint_store
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
        self.max_parallel_components = max_parallel_components
        self.on_failure = on_failure
        self.restart_from = restart_from
        self._attempt: RunningAttempt | None = None
        self._killed = False
        self._check_when_parsed(validate_when_parsed)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the pipeline, or what is left of it, and return the summary.

        :raises AirflowFailException: a retry cannot help: the config is wrong, or has changed and must not; session
            state that is needed cannot be brought back; the connection does not exist; or the driver that spark-submit
            starts cannot reach the checkpoint, or lacks a package
        :raises ComponentFailedError: a component failed; its ``cause`` is what the component raised
        :raises SparkLostError: Spark ended while a component ran
        :raises CheckpointError: the progress could not be read or recorded, or a newer attempt has taken over
        :raises AttemptStopped: Airflow stopped the task
        :raises AirflowTaskTimeout: the task's ``execution_timeout`` is over
        """
        began = time.monotonic()  # Airflow's clock for execution_timeout runs from here
        try:
            self._refuse_map_index(context)
            self._attempt = self._new_attempt(self._pipeline_run(context), context, began)
            if self._killed:  # on_kill came while the attempt was being prepared
                self._attempt.kill()
            return self._attempt.run()
        except NotRetriableError as error:
            raise AirflowFailException(str(error)) from None  # the message says it all

    def on_kill(self) -> None:
        """Stop Spark and make :meth:`execute` end.

        :raises AttemptStopped: while components run in this process
        """
        self._killed = True
        if self._attempt is not None:
            self._attempt.kill()

    @abc.abstractmethod
    def _new_attempt(self, run: AirflowAttemptSpec, context: Context, began: float) -> RunningAttempt:
        """Return an attempt that is ready to run.

        :param run: the pipeline to run, and which attempt it is
        :param context: of the task
        :param began: when the task began, by the monotonic clock in seconds
        """

    def _attempt_settings(self, began: float, checkpoint_days: float | None = None) -> AttemptSettings:
        """Return what this operator says of its attempts, and Airflow's configuration where it says nothing.

        :param began: when the task began, by the monotonic clock in seconds
        :param checkpoint_days: for how many days checkpoints are kept, as far as the operator says so
        """
        from airflow_provider.operators.airflow_config import resolve_save_patience, saved_views_retention
        from airflow_provider.operators.attempt_guard import TimeLimit
        from airflow_provider.operators.attempt_settings import AttemptSettings

        return AttemptSettings(
            task_id=self.task_id,
            time_limit=TimeLimit(self.execution_timeout, began),
            started_in=self.started_in,
            checkpoint_url=self.checkpoint_url,
            session_state_url=self.session_state_url,
            keep_session_state=self.keep_session_state,
            retention=saved_views_retention(
                self.session_state_retention_days, checkpoint_days, self.keep_session_state_hours
            ),
            save_patience_seconds=resolve_save_patience(self.save_patience_seconds),
        )

    def _pipeline_run(self, context: Context) -> AirflowAttemptSpec:
        """Read and render the pipeline, and take from the context what identifies the run and the attempt.

        :raises PipelineConfigError: the config is wrong
        :raises StaleAttemptError: the attempt has been replaced by a newer one
        """
        from airflow_provider.operators.airflow_config import configured_harmless_modules
        from airflow_provider.operators.pipeline.config_restart_requests import config_requests
        from airflow_provider.operators.pipeline.rendered import RenderedPipeline
        from airflow_provider.operators.pipeline.source import templated_fields, with_policies
        from airflow_provider.operators.task_context import airflow_try, run_key
        from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

        if not isinstance(self.pipeline, RenderedPipeline):
            self.pipeline = self._rendered(context)
        policies = {name: getattr(self, name) for name in POLICY_FIELDS}
        config = with_policies(self.pipeline, policies, runs_here=self._runs_here)
        config = self._with_late_files(config, context).starting_in(self.started_in)
        harmless = dict.fromkeys([*config.harmless_modules, *configured_harmless_modules()])
        config = config.model_copy(update={"harmless_modules": list(harmless)})
        attempt = airflow_try(context, self.retries or 0)
        requests = config_requests(context, self.task_id, config, self.restart_from)
        if self.restart_from:  # as for all policies, the operator's counts and not the pipeline's
            config = config.model_copy(update={"restart_from": None})
        templated = tuple(templated_fields(self.pipeline, config))
        return AirflowAttemptSpec(config, run_key(context, config.name), attempt, templated, requests=requests)

    def _with_late_files(self, config: PipelineConfig, context: Context) -> PipelineConfig:
        """Return the config with the files that the author's own classes name, which are imported by now.

        :raises PipelineConfigError: a file cannot be found, read or rendered
        """
        from airflow_provider.template_files import TemplatedComponent

        late = [c for c in config.ordered if self._runs_here and c.name not in self.pipeline.texts]
        if not late:
            return config
        components = [TemplatedComponent(c.name, c.target(), c.config) for c in late]
        source = self._with_files(self.pipeline, components, context, self._environment())
        if source.problems:
            raise PipelineConfigError(source.problems, config.source)
        self.pipeline = source
        return config.with_texts(source.texts)

    def next_run(self, context: Context) -> AirflowAttemptSpec:
        """Return the attempt that would start now, for commands that only look.

        :param context: of the task
        :raises PipelineConfigError: the config is wrong
        """
        return self._pipeline_run(context)

    def _check_when_parsed(self, validate: bool) -> None:
        """Check the pipeline already when Airflow parses the DAG file, so that a wrong one is an import error.

        :param validate: whether to check all that ``validate`` does; otherwise only a pipeline that is in the DAG
            file itself, and without importing Spark
        :raises PipelineConfigError: with every problem
        """
        self._note_working_directory()
        if getattr(self, "_BaseOperator__from_mapped", False):
            return  # only the run knows the pipeline
        if isinstance(self.pipeline, str) and (
            not (validate and self.pipeline) or any(mark in self.pipeline for mark in _MARKS)
        ):
            return
        from airflow_provider.operators.pipeline.parse_check import check_when_parsed

        check_when_parsed(self.pipeline, self._folders(), imports=validate and self._runs_here)
