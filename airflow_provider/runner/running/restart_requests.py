"""Which restart requests an attempt has to deal with, and what it does about each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from airflow_provider.errors import (
    NotRetriableError,
    RestartRefusedError,
    SessionStateNotSavedError,
    SourceChangedError,
    UnreadableRequestError,
)
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import RequestOutcome, RunPlan
from airflow_provider.runner.planning.restart_plan import pending_config_restart, why_impossible
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PendingRequests:
    """The restart requests that no attempt has dealt with yet.

    :param due: those that can be carried out, as far as the pipeline alone tells
    :param impossible: those that cannot, with the reason
    :param in_config: that of the config's ``restart_from``, None if there is none
    """

    due: tuple[RestartRequest, ...] = ()
    impossible: tuple[RequestOutcome, ...] = ()
    in_config: RestartRequest | None = None

    def __bool__(self) -> bool:
        """Whether there is a request, possible or not."""
        return bool(self.due or self.impossible or self.in_config)

    @property
    def carried_out(self) -> tuple[RequestOutcome, ...]:
        """What to record if all that are due are carried out."""
        return (*map(RequestOutcome, self.due), *self.impossible)

    def plan_with_fallback(self, plan: Callable[[Sequence[RestartRequest]], RunPlan]) -> RunPlan:
        """Return the plan that carries out what is due; if there is none, the plan that sets it aside.

        :param plan: returns the plan that carries out some requests, or raises why there is none
        :raises PySparkPipelineError: there is no plan without them either
        """
        try:
            made = plan(self.due)
        except (RestartRefusedError, SessionStateNotSavedError, SourceChangedError) as error:
            if not self.due:
                raise
            try:
                made = plan(())
            except NotRetriableError:
                raise error from None  # the requests are not what is in the way
            aside = [RequestOutcome(request, str(error)) for request in self.due]
            return replace(made, requests=(*aside, *self.impossible))
        return replace(made, requests=self.carried_out)


def find_requests(
    store: CheckpointStore,
    key: RunKey,
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    config_requests: Sequence[RestartRequest],
    adopt: Callable[[RestartRequest], object] | None = None,
) -> PendingRequests:
    """Find the restart requests that no attempt has dealt with.

    :param store: may hold a request that a person left there
    :param key: which run
    :param config: the pipeline as it is today
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param config_requests: requests that every attempt finds again: those of the run's conf
    :param adopt: replaces in the store a request that was typed there by the same with an id; None to leave it alone
    :raises CheckpointError: the store cannot be read
    """
    found = list(config_requests)
    impossible: list[RequestOutcome] = []
    try:
        left = store.find_request(key) if isinstance(store, RestartRequests) else None
    except UnreadableRequestError as error:
        impossible.append(RequestOutcome(None, str(error)))
        left = None
    if left is not None:
        if not left.id and adopt is not None:
            # Before it is carried out: what is removed only afterwards may be found again, after a kill.
            left = left.adopted()
            adopt(left)
        found.append(left)
    due: list[RestartRequest] = []
    for request in found:
        if checkpoint is not None and checkpoint.settled(request.id):
            continue
        why = why_impossible(config, request)
        if why is None:
            due.append(request)
        else:
            impossible.append(RequestOutcome(request, why))
    return PendingRequests(tuple(due), tuple(impossible), pending_config_restart(config, checkpoint))


def log_outcomes(outcomes: Sequence[RequestOutcome]) -> None:
    """Log what the attempt does about each request."""
    for outcome in outcomes:
        request = outcome.request
        what = f"the request to {request} ({request.origin})" if request is not None else "a restart request"
        if outcome.set_aside is None:
            logger.info("this attempt carries out %s", what)
        else:
            logger.warning(
                "ignoring %s: %s To restart from another component, leave a new request and clear the task",
                what,
                outcome.set_aside if outcome.set_aside.endswith(("?", ".")) else f"{outcome.set_aside}.",
            )
