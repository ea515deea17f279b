"""Which requests to restart from components an attempt has to deal with, and what becomes of each."""

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
from airflow_provider.runner.planning.restart_plan import why_impossible
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PendingRequests:
    """The requests that have not been dealt with yet.

    :param due: those that can be carried out, as far as the pipeline alone tells
    :param answered: those that cannot, with the reason
    """

    due: tuple[RestartRequest, ...] = ()
    answered: tuple[RequestOutcome, ...] = ()

    def __bool__(self) -> bool:
        """Whether somebody has asked for something, possible or not."""
        return bool(self.due or self.answered)

    @property
    def carried_out(self) -> tuple[RequestOutcome, ...]:
        """What to record if all that are due are carried out."""
        return (*map(RequestOutcome, self.due), *self.answered)

    def plan_with_fallback(self, plan: Callable[[Sequence[RestartRequest]], RunPlan]) -> RunPlan:
        """Return the plan that carries out what is due. If it cannot be carried out, it is set aside.

        :param plan: returns the plan that carries out some requests, or raises what is in the way
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
                raise error from None  # what is in the way is not what was asked for
            aside = [RequestOutcome(request, str(error)) for request in self.due]
            return replace(made, requests=(*aside, *self.answered))
        return replace(made, requests=self.carried_out)


def find_requests(
    store: CheckpointStore,
    key: RunKey,
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    config_requests: Sequence[RestartRequest],
    adopt: Callable[[RestartRequest], object] | None = None,
) -> PendingRequests:
    """Find what has been asked for and not been dealt with.

    :param store: where somebody may have left a request
    :param key: which run
    :param config: the pipeline as it is today
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param config_requests: requests that every attempt finds again: those of the run's conf
    :param adopt: replaces in the store a request that was typed there by the same with an id; None to leave it alone
    :raises CheckpointError: the store cannot be read
    """
    found = list(config_requests)
    answered: list[RequestOutcome] = []
    try:
        left = store.find_request(key) if isinstance(store, RestartRequests) else None
    except UnreadableRequestError as error:
        answered.append(RequestOutcome(None, str(error)))
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
            answered.append(RequestOutcome(request, why))
    return PendingRequests(tuple(due), tuple(answered))


def log_outcomes(answers: Sequence[RequestOutcome]) -> None:
    """Say in the log what becomes of each request."""
    for answer in answers:
        request = answer.request
        what = f"the request to {request} ({request.origin})" if request is not None else "a request"
        if answer.set_aside is None:
            logger.info("%s is carried out by this attempt", what)
            continue
        logger.warning(
            "%s cannot be carried out: %s. It is set aside, and the attempt goes on as if there were none; to restart "
            "from something else, leave another request and clear the task",
            what,
            answer.set_aside,
        )
