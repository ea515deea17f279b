"""What every operator that runs a pipeline shares: from the DAG author's words to an attempt that can begin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.operators.attempt import AirflowAttempt, AttemptStart, how_to_start
from airflow_provider.operators.pipeline_source import read_source, render, unstable_templates, with_policies
from airflow_provider.operators.places import choose_store, kept_by_clear_dialog
from airflow_provider.runner import CheckpointState, CheckpointStore, PipelineConfig
from airflow_provider.runner.attempt import run_directory
from airflow_provider.runner.checkpoint.state import Scope
from airflow_provider.stores.task_state import refuse_replaced

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedAttempt:
    """An attempt that can begin.

    :param config: the pipeline
    :param store: where checkpoints are kept
    :param run_id: Airflow's run
    :param scope: dag id, task id and map index
    :param checkpoint: what the earlier attempts recorded, None if nothing
    :param attempt: what Airflow says of this one
    :param start: whether it goes on from the checkpoint, and why
    :param notes: what the log should say beside the plan
    """

    config: PipelineConfig
    store: CheckpointStore
    run_id: str
    scope: Scope
    checkpoint: CheckpointState | None
    attempt: AirflowAttempt
    start: AttemptStart
    notes: tuple[str, ...] = ()

    @property
    def fresh(self) -> str | None:
        """Why everything runs, None to go on from the checkpoint."""
        return None if self.start.resume else self.start.reason

    @property
    def restart_from(self) -> str | None:
        """The component to restart from although that has been carried out: whoever cleared wants it again."""
        return self.config.restart_from if self.start.cleared else None

    def directory(self, base: str) -> str:
        """Return the directory of this run for saved views."""
        return run_directory(base, self.scope, self.run_id, self.config.name)


class PipelineTask:
    """Mixin for operators: reads the pipeline, finds the checkpoint and decides how the attempt starts.

    The attributes are those of the operator, see :class:`PySparkPipelineOperator`.
    """

    task_id: str
    template_fields: Any
    pipeline: Any
    session_state: str | None
    on_config_change: str | None
    on_clear: str | None
    restart_from: str | None
    checkpoint_store: CheckpointStore | None
    checkpoint_url: str | None
    retention_days: float | None
    _written: Any

    def _check_places(self, store: CheckpointStore | None, url: str | None) -> None:
        if store is not None and url is not None:
            raise ValueError(f"task {self.task_id!r}: give checkpoint_store or checkpoint_url, not both")

    def _prepare(self, context: Context) -> PreparedAttempt:
        """Make ready to begin, and log which case it is.

        :raises PipelineConfigError: the config is wrong
        :raises CheckpointError: the checkpoint cannot be read, or a newer attempt has taken over
        """
        config = self._load_config(context)
        ti: Any = context["ti"]
        run_id = str(context["run_id"])
        scope = (ti.dag_id, ti.task_id, str(-1 if ti.map_index is None else ti.map_index))
        attempt = AirflowAttempt(
            ti.try_number,
            ti.max_tries,
            getattr(self, "retries", None) or 0,
            getattr(context.get("dag_run"), "clear_number", None),
            getattr(getattr(ti, "bundle_instance", None), "version", None),
        )
        task_state = context.get("task_state_store")
        store = choose_store(self.checkpoint_store, self.checkpoint_url, task_state, self.retention_days)
        checkpoint = store.load(run_id, config.name, scope=scope)
        if checkpoint is not None and attempt.try_number <= checkpoint.attempt:
            refuse_replaced(task_state)
        start = how_to_start(checkpoint, attempt, config.on_clear, dialog_decides=kept_by_clear_dialog(store))
        logger.info("run %r, try %d: %s (checkpoints in %s)", run_id, ti.try_number, start.reason, store)
        notes = self._notes(config, checkpoint, attempt) if checkpoint and start.resume else []
        return PreparedAttempt(config, store, run_id, scope, checkpoint, attempt, start, tuple(notes))

    def _load_config(self, context: Context) -> PipelineConfig:
        content, origin = read_source(self.pipeline, self._folder())
        if isinstance(self.pipeline, Mapping) and "pipeline" in self.template_fields:
            rendered = content  # by Airflow
        else:
            self._written = content
            operator: Any = self
            rendered = render(content, origin, lambda value: operator.render_template(value, context))
        policies = {
            "session_state": self.session_state,
            "on_config_change": self.on_config_change,
            "on_clear": self.on_clear,
            "restart_from": self.restart_from or self._restart_from_asked_for(context),
        }
        return with_policies(rendered, origin, policies)

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

    def _notes(self, config: PipelineConfig, checkpoint: CheckpointState, attempt: AirflowAttempt) -> list[str]:
        notes = unstable_templates(self._written, config, checkpoint)
        before = checkpoint.airflow.get("bundle_version")
        if None not in (before, attempt.bundle_version) and before != attempt.bundle_version:
            notes.append(
                f"the DAG bundle's version was {before} in attempt {checkpoint.attempt} and is now "
                f"{attempt.bundle_version}; components are reused if their config is the same, whatever became of "
                "their code: raise checkpoint_version where old results are wrong"
            )
        return notes
