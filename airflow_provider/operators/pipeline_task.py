"""What every operator that runs a pipeline shares: from the DAG author's words to a pipeline and an attempt."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import NotRetriableError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.rendered_pipeline import RenderedPipeline
    from airflow_provider.runner.running.airflow_attempt import AirflowRun

SUMMARY_KEY = "pyspark_pipeline_summary"
"""XCom key of the attempt's summary, which is there also while it goes on and when it has failed."""


class PipelineTask:
    """Mixin for operators: reads and renders the pipeline, and says which attempt at it this is.

    The attributes are those of the operator, see :class:`PySparkPipelineOperator`.
    """

    task_id: str
    template_fields: Any
    pipeline: Any
    session_state: str | None
    on_config_change: str | None
    on_code_change: str | None
    on_source_change: str | None
    on_clear: str | None
    restart_from: Any
    _runs_here = True

    overwrite_rtif_after_execution = True
    """Let Airflow note the rendered fields again at the end: what a decorated function returned is known then."""

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Context, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """Render the other fields as Airflow does, and the pipeline here, so that one from a file is shown as well."""
        airflow: Any = super()
        others = [field for field in template_fields if field != "pipeline"]
        airflow._do_render_template_fields(parent, others, context, jinja_env, seen_oids)
        if "pipeline" in template_fields and self.pipeline:
            with contextlib.suppress(NotRetriableError):  # the attempt says what is wrong with it
                self.pipeline = self._rendered(context, jinja_env, seen_oids)

    def _rendered(self, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None) -> RenderedPipeline:
        """Read the pipeline and render it. The arguments are those of Airflow's ``render_template``.

        :raises PipelineConfigError: it cannot be read, or a template cannot be rendered
        """
        from airflow_provider.operators.airflow_secrets import ask_airflow
        from airflow_provider.operators.pipeline_source import read_source
        from airflow_provider.operators.rendered_pipeline import RenderedPipeline
        from airflow_provider.operators.templates import render
        from airflow_provider.runner import PipelineConfig

        ask_airflow()
        operator: Any = self
        folder = self._folder()

        def rendered(value: Any) -> Any:
            return operator.render_template(value, context, jinja_env, seen_oids)

        given = self.pipeline.source if isinstance(self.pipeline, RenderedPipeline) else self.pipeline
        # A path may be a template, and all of it another task's result, which Airflow does not render either.
        source = given if isinstance(given, PipelineConfig) else render(given, None, rendered, context)
        if isinstance(source, Mapping):
            return RenderedPipeline(given, given if isinstance(given, Mapping) else source, source)
        written, origin = read_source(source, folder)
        return RenderedPipeline(given, written, render(written, origin, rendered, context), origin)

    def _pipeline_run(self, context: Context, *, runs_here: bool = True) -> AirflowRun:
        """Read and render the pipeline, and take from the context what identifies the run and the attempt.

        :param runs_here: whether the components run in this process
        :raises PipelineConfigError: the config is wrong
        :raises StaleAttemptError: the attempt has been replaced by a newer one
        """
        from airflow_provider.operators.pipeline_source import templated_fields, with_policies
        from airflow_provider.operators.places import a_clear_may_discard, harmless_modules
        from airflow_provider.operators.rendered_pipeline import RenderedPipeline
        from airflow_provider.operators.standing_requests import standing_requests
        from airflow_provider.runner.planning.start import AirflowAttempt
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.runner.running.airflow_attempt import AirflowRun
        from airflow_provider.stores.task_state_marker import leave_marker

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
        known = [*config.harmless_modules, *harmless_modules()]
        config = config.model_copy(update={"harmless_modules": list(dict.fromkeys(known))})
        ti: Any = context["ti"]
        marker = leave_marker(context.get("task_state_store"))
        if not a_clear_may_discard():
            marker = None
        attempt = AirflowAttempt(
            ti.try_number,
            ti.max_tries,
            getattr(self, "retries", None) or 0,
            getattr(context.get("dag_run"), "clear_number", None),
            getattr(getattr(ti, "bundle_instance", None), "version", None),
            marker.id if marker else None,
            marker is not None and marker.found,
        )
        key = RunKey(_scope(context), str(context["run_id"]), config.name)
        requests = standing_requests(context, self.task_id, config, self.restart_from)
        if self.restart_from:  # as for all policies, the operator's counts and not the pipeline's
            config = config.model_copy(update={"restart_from": None})
        return AirflowRun(config, key, attempt, tuple(templated_fields(source.written, config)), requests=requests)

    def next_run(self, context: Context) -> AirflowRun:
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
        if getattr(self, "_BaseOperator__from_mapped", False):
            return  # only the run knows the pipeline
        if isinstance(self.pipeline, str) and (not (validate and self.pipeline) or "{{" in self.pipeline):
            return
        from airflow_provider.operators.parse_check import check_when_parsed

        check_when_parsed(self.pipeline, self._folder(), imports=validate and runs_here)

    def _folder(self) -> Path:
        operator: Any = self
        return Path(operator.dag.folder) if operator.has_dag() and operator.dag.fileloc else Path.cwd()


def _scope(context: Context) -> tuple[str, ...]:
    """Return what tells the task instance apart from the others of the DAG run."""
    ti: Any = context["ti"]
    scope = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
    # In a loop over tasks (Airflow 3.4) each iteration. A mapped task has a region, too, but its index suffices.
    return (*scope, str(ti.region_id), str(ti.region_index)) if context.get("loop") is not None else scope
