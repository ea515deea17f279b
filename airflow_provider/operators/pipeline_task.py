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
    restart_from: str | None
    _written: Any

    def _pipeline_run(self, context: Context, *, runs_here: bool = True) -> AirflowRun:
        """Read and render the pipeline, and take from the context what identifies the run and the attempt.

        :param runs_here: whether the components run in this process
        :raises PipelineConfigError: the config is wrong
        :raises StaleAttemptError: the attempt has been replaced by a newer one
        """
        from airflow_provider.operators.airflow_secrets import ask_airflow
        from airflow_provider.operators.pipeline_source import read_source, render, templated_fields, with_policies
        from airflow_provider.operators.places import a_clear_may_discard, harmless_modules
        from airflow_provider.runner.planning.start import AirflowAttempt
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.runner.running.airflow_attempt import AirflowRun
        from airflow_provider.stores.task_state_marker import leave_marker

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
            "restart_from": self.restart_from or self._restart_from_asked_for(context),
        }
        config = with_policies(rendered, origin, policies, runs_here=runs_here)
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
        return AirflowRun(config, key, attempt, tuple(templated_fields(written, config)))

    def _restart_from_asked_for(self, context: Context) -> Any:
        """Return what the person who triggered the run asked for."""
        for source in (getattr(context.get("dag_run"), "conf", None), context.get("params")):
            asked = (source or {}).get("restart_from")
            if isinstance(asked, Mapping):
                asked = asked.get(self.task_id)
            if asked:
                return asked
        return None

    def _folder(self) -> Path:
        operator: Any = self
        return Path(operator.dag.folder) if operator.has_dag() and operator.dag.fileloc else Path.cwd()


def _scope(context: Context) -> tuple[str, ...]:
    """Return what tells the task instance apart from the others of the DAG run."""
    ti: Any = context["ti"]
    scope = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
    # In a loop over tasks (Airflow 3.4) each iteration. A mapped task has a region, too, but its index suffices.
    return (*scope, str(ti.region_id), str(ti.region_index)) if context.get("loop") is not None else scope
