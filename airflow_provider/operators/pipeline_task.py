"""What every operator that runs a pipeline shares: from the DAG author's words to a pipeline and an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.runner.running.airflow_attempt import AirflowRun


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
    _written: Any
    _runs_here = True

    def _pipeline_run(self, context: Context, *, runs_here: bool = True) -> AirflowRun:
        """Read and render the pipeline, and take from the context what identifies the run and the attempt.

        :param runs_here: whether the components run in this process
        :raises PipelineConfigError: the config is wrong
        """
        from airflow_provider.operators.airflow_secrets import ask_airflow
        from airflow_provider.operators.pipeline_source import read_source, render, templated_fields, with_policies
        from airflow_provider.operators.places import harmless_modules
        from airflow_provider.operators.standing_requests import standing_requests
        from airflow_provider.runner.planning.start import AirflowAttempt
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.runner.running.airflow_attempt import AirflowRun

        ask_airflow()
        content, origin = read_source(self.pipeline, self._folder())
        if isinstance(self.pipeline, Mapping) and "pipeline" in self.template_fields:
            written, rendered = self._written, content  # rendered by Airflow
        else:
            operator: Any = self
            written, rendered = content, render(content, origin, lambda value: operator.render_template(value, context))
        policies = {
            "session_state": self.session_state,
            "on_config_change": self.on_config_change,
            "on_code_change": self.on_code_change,
            "on_source_change": self.on_source_change,
            "on_clear": self.on_clear,
        }
        config = with_policies(rendered, origin, policies, runs_here=runs_here)
        known = [*config.harmless_modules, *harmless_modules()]
        config = config.model_copy(update={"harmless_modules": list(dict.fromkeys(known))})
        ti: Any = context["ti"]
        attempt = AirflowAttempt(
            ti.try_number,
            ti.max_tries,
            getattr(self, "retries", None) or 0,
            getattr(context.get("dag_run"), "clear_number", None),
            getattr(getattr(ti, "bundle_instance", None), "version", None),
        )
        scope = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
        key = RunKey(scope, str(context["run_id"]), config.name)
        requests = standing_requests(context, self.task_id, config, self.restart_from)
        if self.restart_from:  # as for all policies, the operator's counts and not the pipeline's
            config = config.model_copy(update={"restart_from": None})
        return AirflowRun(config, key, attempt, tuple(templated_fields(written, config)), requests=requests)

    def next_run(self, context: Context) -> AirflowRun:
        """Return what an attempt would be given, for those who look from outside.

        :param context: of the task
        :raises PipelineConfigError: the config is wrong
        """
        return self._pipeline_run(context, runs_here=self._runs_here)

    def _folder(self) -> Path:
        operator: Any = self
        return Path(operator.dag.folder) if operator.has_dag() and operator.dag.fileloc else Path.cwd()
