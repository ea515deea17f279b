"""Turns the events of a run into checkpoints."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from airflow_provider.errors import CheckpointError, CheckpointWriteError, StaleAttemptError, describe
from airflow_provider.runner.checkpoint.live_copies import LiveCopies
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.fingerprint.config import component_fingerprint, field_hashes
from airflow_provider.runner.record.state import CheckpointState, ComponentRecord, RestartRequest, Scope
from airflow_provider.runner.session_state.live import LiveSession

if TYPE_CHECKING:
    from airflow_provider.runner.observing.events import (
        CircuitChanged,
        ComponentCompleted,
        ComponentFailed,
        ComponentReused,
        ComponentStarted,
        PipelineFinished,
        PipelineStarted,
        RetryScheduled,
    )

logger = logging.getLogger(__name__)

_SAVE_TRIES = 3


class CheckpointHooks:
    """Records the progress of a run, durably, before it goes on.

    A new attempt takes over what the plan reuses or replays and only that. Every save replaces the whole record.

    :param store: where to keep the checkpoint
    :param run_id: Airflow's ``run_id``, or any name for the run
    :param pipeline_fingerprint: what :func:`compute_pipeline_fingerprint` returned for the config
    :param scope: what else identifies the run: ``(dag id, task id, map index)`` in Airflow
    :param attempt: number of this attempt; default: one more than the checkpoint's
    :param airflow: what Airflow says of this attempt, kept in the record; plain JSON
    :param restart_request: what somebody asked for and this attempt's plan carries out; removed from the store then
    :param live: the session, if its server keeps it for the next attempt
    :param on_save: called with the seconds that each save took
    :param now: returns the time, with time zone
    :param sleep: pauses for so many seconds, between tries to save
    """

    def __init__(
        self,
        store: CheckpointStore,
        run_id: str,
        pipeline_fingerprint: str,
        *,
        scope: Scope = (),
        attempt: int | None = None,
        airflow: Mapping[str, Any] | None = None,
        restart_request: RestartRequest | None = None,
        live: LiveSession | None = None,
        on_save: Callable[[float], object] = lambda seconds: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._pipeline_fingerprint = pipeline_fingerprint
        self._scope = scope
        self._attempt = attempt
        self._airflow = dict(airflow or {})
        self._restart_request = restart_request
        self._copies = LiveCopies(live)
        self._on_save = on_save
        self._now = now
        self._sleep = sleep
        self._state: CheckpointState | None = None
        self._fingerprints: dict[str, str] = {}

    def before_pipeline(self, event: PipelineStarted) -> None:
        """Take the checkpoint over: keep what the plan reuses, so that a crash from here on forgets nothing."""
        config = event.config
        previous = self._store.load(self._run_id, config.name, scope=self._scope)
        wanted = set(event.plan.kept)
        recorded = previous.completed_components if previous else []
        kept = [name for name in recorded if name in wanted]
        unknown = sorted(wanted.difference(kept))
        if unknown:
            logger.warning(
                "not in the checkpoint although given as completed, so a later attempt will run them: %s",
                ", ".join(map(repr, unknown)),
            )
        request = self._restart_request
        now = self._now()
        self._fingerprints = {c.name: component_fingerprint(c, config.base_dir) for c in config.components}
        self._save(
            CheckpointState(
                run_id=self._run_id,
                pipeline_name=config.name,
                pipeline_fingerprint=self._pipeline_fingerprint,
                completed_components=kept,
                created_at=(previous.created_at if previous else None) or now,
                updated_at=now,
                scope=self._scope,
                attempt=self._attempt or (previous.attempt + 1 if previous else 1),
                fence=previous.fence + 1 if previous else 1,
                owner=uuid.uuid4().hex,
                components={
                    name: previous.components[name]
                    for name in kept
                    if previous is not None and name in previous.components
                },
                fields={c.name: field_hashes(c, config.base_dir) for c in config.components},
                restart_from=event.plan.restart_from,
                restart_request=request.id if request else (previous.restart_request if previous else None),
                session_state_url=event.session_state_url,
                live_session=self._copies.begin(event.plan, previous.live_session if previous else None),
                airflow=self._airflow,
            )
        )
        if request is not None:
            self._drop(request)

    def after_component(self, event: ComponentCompleted) -> None:
        """Record that a component completed. Returns only when the record is durable."""
        state = self._current()
        live = self._copies.after(event.position)
        if event.decision.component in state.completed_components:
            self._update(
                live_session=live
            )  # replayed: its record stays valid, but a replaced attempt must notice before it goes on
            return
        name = event.component.name
        record = ComponentRecord(
            fingerprint=self._fingerprints[name],
            completed_at=self._now(),
            duration_seconds=round(event.duration_seconds, 3),
            attempt=state.attempt,
            session_state=event.session_state,
        )
        self._update(
            completed_components=[*state.completed_components, name],
            components={**state.components, name: record},
            live_session=live,
        )

    def on_component_failure(self, event: ComponentFailed) -> None:
        """Record which component failed."""
        self._copies.disturbed()
        self._update(failed_component=event.component.name, status="failed")

    def after_pipeline(self, event: PipelineFinished) -> None:
        """Record, as the last act, whether the pipeline is complete."""
        if event.result.failed_components:
            self._update(status="failed")
        else:
            self._update(status="completed", failed_component=None, live_session=None)

    def before_component(self, event: ComponentStarted) -> None:
        """Nothing to record: a component that has only started counts as not run."""

    def on_component_reuse(self, event: ComponentReused) -> None:
        """Nothing to record: it was kept when the attempt began."""

    def on_retry_attempt(self, event: RetryScheduled) -> None:
        """Nothing to record."""

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        """Nothing to record."""

    def _drop(self, request: RestartRequest) -> None:
        store, name = self._store, self._current().pipeline_name
        if not isinstance(store, RestartRequests):
            return
        try:
            left = store.find_request(self._run_id, name, scope=self._scope)
            if left is not None and left.component == request.component:  # otherwise somebody left another one since
                store.drop_request(self._run_id, name, scope=self._scope)
        except Exception as error:  # noqa: BLE001 - that it has been carried out is in the checkpoint
            logger.warning("the request to restart from %r stays in the store: %s", request.component, describe(error))

    def _current(self) -> CheckpointState:
        if self._state is None:
            raise CheckpointWriteError("a component event came before the start of the pipeline was recorded")
        return self._state

    def _update(self, **changes: Any) -> None:
        self._save(self._current().model_copy(update={**changes, "updated_at": self._now()}))

    def _save(self, state: CheckpointState) -> None:
        retrying = Retrying(
            stop=stop_after_attempt(_SAVE_TRIES),
            wait=wait_exponential(multiplier=0.2),
            retry=retry_if_exception(_may_pass),
            before_sleep=self._warn,
            sleep=self._sleep,
            reraise=True,
        )
        began = time.monotonic()
        try:
            retrying(self._store.save, state)
        except CheckpointError:
            self._copies.not_recorded(state.live_session)
            raise
        except Exception as error:
            self._copies.not_recorded(state.live_session)
            raise CheckpointWriteError(
                f"the checkpoint of pipeline {state.pipeline_name!r}, run {state.run_id!r}, could not be "
                f"saved in {_SAVE_TRIES} tries: {describe(error)}; the attempt stops, because without the record "
                f"the next attempt would run finished components again"
            ) from error
        self._state = state
        self._copies.recorded(state.live_session)
        self._on_save(time.monotonic() - began)

    @staticmethod
    def _warn(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning("saving the checkpoint failed, trying again: %s", error)


def _may_pass(error: BaseException) -> bool:
    # What is no Exception ends the attempt, and asking again does not change that a newer one owns the checkpoint.
    return isinstance(error, Exception) and not isinstance(error, StaleAttemptError)
