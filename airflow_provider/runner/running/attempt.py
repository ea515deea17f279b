"""One attempt from checkpoint to result, the same for every way to start it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.checkpoint import CheckpointHooks, CheckpointState, CheckpointStore
from airflow_provider.runner.checkpoint.store import RestartRequests
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import suggest
from airflow_provider.runner.fingerprint.config import compute_pipeline_fingerprint
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.log import LoggingHooks
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.decide import plan_fresh
from airflow_provider.runner.record.file_names import file_name
from airflow_provider.runner.record.state import RestartRequest, Scope
from airflow_provider.runner.running.runner import SimplePipelineRunner
from airflow_provider.runner.session_state.live import LiveSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def run_attempt(
    config: PipelineConfig,
    store: CheckpointStore,
    run_id: str,
    checkpoint: CheckpointState | None,
    *,
    scope: Scope = (),
    fresh: str | None = None,
    restart_from: str | None = None,
    attempt: int | None = None,
    airflow: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    on_save: Callable[[float], object] = lambda seconds: None,
    hooks: Sequence[PipelineHooks] = (),
    spark: SparkSession | Callable[[], SparkSession] | None = None,
    session_state_url: str | None = None,
    keep_session_state: bool = False,
    live: LiveSession | None = None,
) -> PipelineResult:
    """Plan and run one attempt, log it and record it.

    A request to restart from a component that somebody left in the store is carried out, once.

    :param config: the pipeline
    :param store: where checkpoints are kept
    :param run_id: the run
    :param checkpoint: what the store holds of it
    :param scope: what else identifies the run
    :param fresh: why the checkpoint is left aside and everything runs; None to go on from it
    :param restart_from: run this component again with all its descendants
    :param attempt: number of this attempt; default: one more than the checkpoint's
    :param airflow: what Airflow says of this attempt, kept in the record
    :param notes: what the log should say beside the plan
    :param on_save: called with the seconds that each save of the checkpoint took
    :param hooks: further hooks, called before those of the log and of the checkpoint
    :param spark: see :class:`SimplePipelineRunner`
    :param session_state_url: see :class:`SimplePipelineRunner`
    :param keep_session_state: see :class:`SimplePipelineRunner`
    :param live: the session that ``spark`` opens, if its server keeps it for the next attempt
    :raises PipelineConfigError: a component cannot be imported or does not take its config
    :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
    :raises SparkSessionError: Spark did not start, or was lost while session state was restored
    :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
    """
    request = _new_request(store, run_id, checkpoint, config, scope)
    checkpoint_hooks = CheckpointHooks(
        store,
        run_id,
        compute_pipeline_fingerprint(config),
        scope=scope,
        attempt=attempt,
        airflow=airflow,
        restart_request=request,
        live=live,
        on_save=on_save,
    )
    runner = SimplePipelineRunner(
        config,
        hooks=CompositeHooks(*hooks, LoggingHooks(), checkpoint_hooks),
        spark=spark,
        session_state_url=session_state_url,
        keep_session_state=keep_session_state,
        live=live,
    )
    if fresh:
        plan = plan_fresh(config, fresh)
    else:
        plan = runner.plan(checkpoint, restart_from=request.component if request else restart_from)
    return runner.run(plan=dataclasses.replace(plan, notes=(*plan.notes, *notes)))


def _new_request(
    store: CheckpointStore, run_id: str, checkpoint: CheckpointState | None, config: PipelineConfig, scope: Scope
) -> RestartRequest | None:
    """Return the request that was left in the store, unless it has been carried out."""
    if not isinstance(store, RestartRequests):
        return None
    request = store.find_request(run_id, config.name, scope=scope)
    if request is None or (checkpoint is not None and checkpoint.restart_request == request.id):
        return None
    names = [component.name for component in config.ordered]
    if request.component not in names:
        message = (
            f"the request in {store} to restart run {run_id!r} from {request.component!r} names an unknown or disabled "
            f"component{suggest(request.component, names)}; leave another request, which replaces it"
        )
        raise PipelineConfigError([ConfigProblem(message)], config.source)
    logger.info("somebody asked to restart this run from component %r", request.component)
    return request


def run_directory(base: str, scope: Scope, run_id: str, pipeline_name: str) -> str:
    """Return the directory below ``base`` for the saved views of one run: one of its own for each run."""
    return "/".join([base.rstrip("/"), *map(file_name, (*scope, run_id, pipeline_name))])
