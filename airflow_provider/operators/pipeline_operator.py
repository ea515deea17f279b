"""What every operator that runs a pipeline shares: from the DAG author's words to a pipeline and an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.templated_task import TemplatedTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.runner.running.airflow_attempt import AirflowAttemptSpec

SUMMARY_KEY = "pyspark_pipeline_summary"
"""XCom key of the attempt's summary, which is there also while it goes on and when it has failed."""


_MARKS = ("{{", "{%", "{#")


class PipelineOperator(TemplatedTask):
    """Mixin for operators: reads and renders the pipeline, and says which attempt at it this is.

    The attributes are those of the operator, see :class:`PySparkPipelineOperator`.
    """

    task_id: str
    template_fields: Any
    session_state: str | None
    on_config_change: str | None
    on_code_change: str | None
    on_source_change: str | None
    on_clear: str | None
    restart_from: Any

    def _pipeline_run(self, context: Context, *, runs_here: bool = True) -> AirflowAttemptSpec:
        """Read and render the pipeline, and take from the context what identifies the run and the attempt.

        :param runs_here: whether the components run in this process
        :raises PipelineConfigError: the config is wrong
        :raises StaleAttemptError: the attempt has been replaced by a newer one
        """
        from airflow_provider.operators.airflow_config import clear_discards_task_state, configured_harmless_modules
        from airflow_provider.operators.pipeline.config_restart_requests import config_requests
        from airflow_provider.operators.pipeline.rendered import RenderedPipeline
        from airflow_provider.operators.pipeline.source import templated_fields, with_policies
        from airflow_provider.runner.planning.start_mode import AirflowTry
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.runner.running.airflow_attempt import AirflowAttemptSpec
        from airflow_provider.stores.task_state_marker import leave_marker
        from airflow_provider.template_files import TemplatedComponent

        if not isinstance(self.pipeline, RenderedPipeline):
            self.pipeline = self._rendered(context)
        source = self.pipeline
        policies = {
            "session_state": self.session_state,
            "on_config_change": self.on_config_change,
            "on_code_change": self.on_code_change,
            "on_source_change": self.on_source_change,
            "on_clear": self.on_clear,
        }
        config = with_policies(source, policies, runs_here=runs_here)
        late = [c for c in config.ordered if runs_here and c.name not in source.texts]
        if late:  # classes of the author's, which are imported by now
            components = [TemplatedComponent(c.name, c.target(), c.config) for c in late]
            source = self._with_files(source, components, context, self._environment())
            if source.problems:
                raise PipelineConfigError(source.problems, config.source)
            config = config.with_texts(source.texts)
            self.pipeline = source
        config = config.starting_in(self.started_in)
        known = [*config.harmless_modules, *configured_harmless_modules()]
        config = config.model_copy(update={"harmless_modules": list(dict.fromkeys(known))})
        ti: Any = context["ti"]
        marker = leave_marker(context.get("task_state_store"))
        if not clear_discards_task_state():
            marker = None
        attempt = AirflowTry(
            ti.try_number,
            ti.max_tries,
            getattr(self, "retries", None) or 0,
            getattr(context.get("dag_run"), "clear_number", None),
            getattr(getattr(ti, "bundle_instance", None), "version", None),
            marker.id if marker else None,
            marker is not None and marker.found,
        )
        key = RunKey(_scope(context), str(context["run_id"]), config.name)
        requests = config_requests(context, self.task_id, config, self.restart_from)
        if self.restart_from:  # as for all policies, the operator's counts and not the pipeline's
            config = config.model_copy(update={"restart_from": None})
        return AirflowAttemptSpec(config, key, attempt, tuple(templated_fields(source, config)), requests=requests)

    def next_run(self, context: Context) -> AirflowAttemptSpec:
        """Return what an attempt would be given, for those who look from outside.

        :param context: of the task
        :raises PipelineConfigError: the config is wrong
        """
        return self._pipeline_run(context, runs_here=self._runs_here)

    def _check_when_parsed(self, validate: bool, *, runs_here: bool = True) -> None:
        """Raise what is wrong with the pipeline already when the DAG file is parsed, so that it is an import error.

        :param validate: whether to look at all that ``validate`` does; otherwise only at a pipeline that is in the DAG
            file itself, and without importing Spark
        :param runs_here: whether the components can be imported where Airflow runs
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

        check_when_parsed(self.pipeline, self._folders(), imports=validate and runs_here)


def _scope(context: Context) -> tuple[str, ...]:
    """Return what tells the task instance apart from the others of the DAG run."""
    ti: Any = context["ti"]
    scope = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
    # In a loop over tasks (Airflow 3.4) each iteration. A mapped task has a region, too, but its index suffices.
    return (*scope, str(ti.region_id), str(ti.region_index)) if context.get("loop") is not None else scope
