"""One attempt from takeover to result, the same for every way to start it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.checkpoint.checkpoint_hooks import AttemptMetadata, CheckpointHooks
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.config.config_loader import load_pipeline_config
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_hashes import compute_pipeline_fingerprint
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.log import LoggingHooks
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.decide import plan_fresh
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.reasons import FreshStart
from airflow_provider.runner.planning.start_mode import StartMode
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.pipeline_runner import Planner, RunnerEnvironment, SimplePipelineRunner
from airflow_provider.runner.running.restart_requests import PendingRequests, find_requests, log_outcomes
from airflow_provider.runner.session_state.saved.directory_marker import Retention

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttemptSpec:
    """Everything that an attempt needs.

    :param config: the pipeline
    :param store: where checkpoints are kept
    :param key: which checkpoint
    :param start_mode: decides how it starts, from what the takeover found and from whether a restart was requested
    :param metadata: what to record of the attempt
    :param config_requests: restart requests that each attempt finds again, and that are carried out once
    :param spark: see :class:`SimplePipelineRunner`
    :param session_state_url: see :class:`SimplePipelineRunner`
    :param keep_session_state: see :class:`SimplePipelineRunner`
    :param retention: for how long the saved views are kept
    :param hooks: further hooks, called before those of the log and of the checkpoint
    :param after_the_record: hooks that are called when the record is durable
    :param logs_verdict: whether the log ends with the error of a failed attempt; False for a caller that raises it
    :param saving: how records are saved
    :param environment: see :class:`SimplePipelineRunner`
    :param restrict: restricts the plan to a part of the pipeline
    """

    config: PipelineConfig
    store: CheckpointStore
    key: RunKey
    start_mode: Callable[[CheckpointState | None, bool], StartMode] = lambda checkpoint, asked: StartMode()
    metadata: AttemptMetadata = field(default_factory=AttemptMetadata)
    config_requests: tuple[RestartRequest, ...] = ()
    spark: SparkSession | Callable[[], SparkSession] | None = None
    session_state_url: str | None = None
    keep_session_state: bool = False
    retention: Retention = field(default_factory=Retention)
    hooks: Sequence[PipelineHooks] = ()
    after_the_record: Sequence[PipelineHooks] = ()
    logs_verdict: bool = True
    saving: SavePolicy = field(default_factory=SavePolicy)
    environment: RunnerEnvironment = field(default_factory=RunnerEnvironment)
    restrict: Callable[[RunPlan], RunPlan] = lambda plan: plan


def run_attempt(attempt: AttemptSpec) -> PipelineResult:
    """Take the checkpoint over, plan, run, log and record.

    A restart request in the store is carried out once. If that is impossible the attempt ignores it and goes on.

    :raises PipelineConfigError: a component cannot be imported or does not take its config
    :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
    :raises SourceChangedError: a source has changed and ``on_source_change`` is ``fail``, or no plan would be right
    :raises SparkSessionError: Spark did not start, or was lost while session state was restored
    :raises CheckpointError: the checkpoint cannot be taken over, progress could not be recorded, or a newer attempt has
        taken over
    """
    config = load_pipeline_config(attempt.config)
    checkpoint_hooks = CheckpointHooks(
        attempt.store,
        attempt.key.run_id,
        compute_pipeline_fingerprint(config),
        scope=attempt.key.scope,
        metadata=attempt.metadata,
        live=attempt.environment.live,
        saving=attempt.saving,
    )
    owner = attempt.retention.owner(attempt.key, store_address(attempt.store))
    runner = SimplePipelineRunner(
        config,
        hooks=CompositeHooks(
            *attempt.hooks, LoggingHooks(verdict=attempt.logs_verdict), checkpoint_hooks, *attempt.after_the_record
        ),
        spark=attempt.spark,
        session_state_url=attempt.session_state_url,
        keep_session_state=attempt.keep_session_state,
        environment=dataclasses.replace(attempt.environment, owner=owner),
    )
    checkpoint = checkpoint_hooks.take_over(config)
    requests = find_requests(
        attempt.store, attempt.key, config, checkpoint, attempt.config_requests, lambda found: _adopt(attempt, found)
    )
    plan = plan_attempt(
        config, checkpoint, attempt.start_mode(checkpoint, bool(requests)), requests, runner.planner(checkpoint)
    )
    plan = attempt.restrict(plan)
    log_outcomes(plan.requests)
    return runner.run(plan=plan)


def _adopt(attempt: AttemptSpec, request: RestartRequest) -> None:
    store, key = attempt.store, attempt.key
    if isinstance(store, RestartRequests):
        requests: RestartRequests = store
        attempt.saving(f"the request to restart {key}", lambda: requests.leave_request(request, key))


def plan_attempt(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    start: StartMode,
    requests: PendingRequests,
    planner: Planner,
) -> RunPlan:
    """Return the plan of an attempt.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param start: how the attempt starts
    :param requests: the restart requests that no attempt has dealt with
    :param planner: makes a plan that continues from the checkpoint
    :raises PySparkPipelineError: every plan is impossible
    """
    if not start.resumes:
        plan = plan_fresh(config, FreshStart(start.case), checkpoint)
        plan = dataclasses.replace(plan, requests=requests.carried_out)
    else:
        # A request says what is to run again: no more because of what others changed since.
        cleared = start.cleared and not (requests or start.restarts)
        in_config = () if requests.in_config is None else (requests.in_config,)
        plan = requests.plan_with_fallback(lambda due: planner((*start.restarts, *due, *in_config), cleared=cleared))
    return dataclasses.replace(plan, notes=(*plan.notes, *start.notes))
