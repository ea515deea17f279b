"""One attempt from takeover to result, the same for every way to start it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.checkpoint.checkpoint_hooks import AttemptMetadata, CheckpointHooks
from airflow_provider.runner.checkpoint.saving import Saving
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.config.model import PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.config_hashes import compute_pipeline_fingerprint
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.log import LoggingHooks
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.decide import plan_fresh
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.restart_plan import from_config
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.pipeline_runner import SimplePipelineRunner, Surroundings
from airflow_provider.runner.running.restart_requests import Requests, find_requests, tell
from airflow_provider.runner.session_state.saved.directory_marker import Keeping

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beginning:
    """How an attempt begins.

    :param fresh: why the checkpoint is left aside and everything runs; None to go on from it
    :param restarts: what is to run again
    :param notes: what the log should say beside the plan
    :param cleared: whether a person cleared the Airflow task, so that it is more than a retry
    """

    fresh: str | None = None
    restarts: tuple[RestartFrom, ...] = ()
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
    :param standing: requests to restart that each attempt finds again, carried out once
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
    about: AttemptMetadata = field(default_factory=AttemptMetadata)
    standing: tuple[RestartRequest, ...] = ()
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

    A request to restart that somebody left in the store is carried out, once. One that cannot be carried out is set
    aside, and the attempt goes on as if there were none.

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
            attempt.surroundings, owner=attempt.keeping.owner(attempt.key, store_address(attempt.store))
        ),
    )
    checkpoint = checkpoint_hooks.take_over(config)
    requests = find_requests(
        attempt.store, attempt.key, config, checkpoint, attempt.standing, lambda request: _adopt(attempt, request)
    )
    beginning = attempt.beginning(checkpoint, bool(requests) or from_config(config, checkpoint) is not None)
    plan = plan_attempt(config, checkpoint, beginning, requests, runner.plan)
    plan = attempt.part(plan)
    tell(plan.requests)
    return runner.run(plan=plan)


def _adopt(attempt: Attempt, request: RestartRequest) -> None:
    store, key = attempt.store, attempt.key
    if isinstance(store, RestartRequests):
        requests: RestartRequests = store
        attempt.saving(f"the request to restart {key}", lambda: requests.leave_request(request, key))


class MakePlan(Protocol):
    """Makes a plan, see :meth:`SimplePipelineRunner.plan`."""

    def __call__(
        self, checkpoint: CheckpointState | None, *, restarts: Sequence[RestartFrom], cleared: bool
    ) -> RunPlan: ...


def plan_attempt(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    beginning: Beginning,
    requests: Requests,
    make: MakePlan,
) -> RunPlan:
    """Return the plan of an attempt.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param beginning: how the attempt begins
    :param requests: what somebody asked for
    :param make: makes a plan that goes on from the checkpoint
    :raises PySparkPipelineError: what is in the way of every plan
    """
    if beginning.fresh is not None:
        plan = dataclasses.replace(plan_fresh(config, beginning.fresh, checkpoint), requests=requests.carried_out)
    else:
        asked = bool(requests or beginning.restarts) or from_config(config, checkpoint) is not None
        # Who asks for something has said what is to run again: no more because of what others changed since.
        cleared = beginning.cleared and not asked
        plan = requests.planned(lambda due: make(checkpoint, restarts=(*beginning.restarts, *due), cleared=cleared))
    return dataclasses.replace(plan, notes=(*plan.notes, *beginning.notes))
