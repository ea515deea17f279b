"""One attempt from takeover to result, the same for every way to start it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.checkpoint.hooks import AboutAttempt, CheckpointHooks
from airflow_provider.runner.checkpoint.place import place_of
from airflow_provider.runner.checkpoint.saving import Saving
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.config.model import PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.problems import suggest
from airflow_provider.runner.fingerprint.config import compute_pipeline_fingerprint
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.log import LoggingHooks
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.decide import plan_fresh
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.record.state import CheckpointState
from airflow_provider.runner.running.runner import SimplePipelineRunner, Surroundings
from airflow_provider.runner.session_state.saved.marker import Keeping

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beginning:
    """How an attempt begins.

    :param fresh: why the checkpoint is left aside and everything runs; None to go on from it
    :param restart_from: run this component again with all its descendants
    :param notes: what the log should say beside the plan
    :param cleared: whether a person cleared the Airflow task, so that it is more than a retry
    """

    fresh: str | None = None
    restart_from: str | None = None
    notes: tuple[str, ...] = ()
    cleared: bool = False


@dataclass(frozen=True)
class Attempt:
    """Everything that an attempt needs.

    :param config: the pipeline
    :param store: where checkpoints are kept
    :param key: which checkpoint
    :param beginning: decides how it begins, from what the takeover found and from whether somebody asked for a restart
    :param about: what to record of it
    :param spark: see :class:`SimplePipelineRunner`
    :param session_state_url: see :class:`SimplePipelineRunner`
    :param keep_session_state: see :class:`SimplePipelineRunner`
    :param keeping: for how long what is saved there is kept
    :param hooks: further hooks, called before those of the log and of the checkpoint
    :param after_the_record: hooks that are called when the record is durable
    :param logs_verdict: whether the log ends with the error of a failed attempt; False for who raises it
    :param saving: how records are saved
    :param surroundings: see :class:`SimplePipelineRunner`
    :param part: takes a part of the plan
    """

    config: PipelineConfig
    store: CheckpointStore
    key: RunKey
    beginning: Callable[[CheckpointState | None, bool], Beginning] = lambda checkpoint, asked: Beginning()
    about: AboutAttempt = field(default_factory=AboutAttempt)
    spark: SparkSession | Callable[[], SparkSession] | None = None
    session_state_url: str | None = None
    keep_session_state: bool = False
    keeping: Keeping = field(default_factory=Keeping)
    hooks: Sequence[PipelineHooks] = ()
    after_the_record: Sequence[PipelineHooks] = ()
    logs_verdict: bool = True
    saving: Saving = field(default_factory=Saving)
    surroundings: Surroundings = field(default_factory=Surroundings)
    part: Callable[[RunPlan], RunPlan] = lambda plan: plan


def run_attempt(attempt: Attempt) -> PipelineResult:
    """Take the checkpoint over, plan, run, log and record.

    A request to restart from a component that somebody left in the store is carried out, once.

    :raises PipelineConfigError: a component cannot be imported or does not take its config
    :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
    :raises SourceChangedError: a source has changed and ``on_source_change`` is ``fail``, or nothing right can be done
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
        about=attempt.about,
        live=attempt.surroundings.live,
        saving=attempt.saving,
    )
    runner = SimplePipelineRunner(
        config,
        hooks=CompositeHooks(
            *attempt.hooks, LoggingHooks(verdict=attempt.logs_verdict), checkpoint_hooks, *attempt.after_the_record
        ),
        spark=attempt.spark,
        session_state_url=attempt.session_state_url,
        keep_session_state=attempt.keep_session_state,
        surroundings=dataclasses.replace(
            attempt.surroundings, owner=attempt.keeping.owner(attempt.key, place_of(attempt.store))
        ),
    )
    checkpoint = checkpoint_hooks.take_over(config)
    request = _new_request(attempt, checkpoint)
    beginning = attempt.beginning(checkpoint, request is not None)
    if request is not None:
        logger.info("somebody asked to restart this run from component %r", request.component)
    if beginning.fresh is not None:
        plan = plan_fresh(config, beginning.fresh, checkpoint)
    else:
        restart_from = request.component if request else beginning.restart_from
        plan = runner.plan(checkpoint, restart_from=restart_from, cleared=beginning.cleared)
    plan = attempt.part(plan)
    return runner.run(plan=dataclasses.replace(plan, notes=(*plan.notes, *beginning.notes), restart_request=request))


def _new_request(attempt: Attempt, checkpoint: CheckpointState | None) -> RestartRequest | None:
    """Return the request that was left in the store, unless it has been carried out."""
    store, config = attempt.store, attempt.config
    if not isinstance(store, RestartRequests):
        return None
    request = store.find_request(attempt.key)
    if request is None or (checkpoint is not None and checkpoint.restart_request == request.id):
        return None
    names = [component.name for component in config.ordered]
    if request.component not in names:
        message = (
            f"the request in {store} to restart run {attempt.key.run_id!r} from {request.component!r} names an unknown "
            f"or disabled component{suggest(request.component, names)}; leave another request, which replaces it"
        )
        raise PipelineConfigError([ConfigProblem(message)], config.source)
    return request
