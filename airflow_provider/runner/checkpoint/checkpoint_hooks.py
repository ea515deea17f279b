"""Turns the events of a run into checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_provider.errors import CheckpointWriteError, UnreadableRequestError, describe
from airflow_provider.runner.checkpoint.attempt_progress import AttemptProgress, completed_code, earlier_code
from airflow_provider.runner.checkpoint.manual_calls import may_be_called_by_hand
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.checkpoint.session_copies import SessionCopies
from airflow_provider.runner.checkpoint.store import CheckpointStore, RestartRequests
from airflow_provider.runner.checkpoint.takeover import take_over
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    PipelineFinished,
    PipelineStarted,
    SessionStateSaved,
)
from airflow_provider.runner.observing.hooks import NoOpHooks
from airflow_provider.runner.observing.result import PipelineResultStatus
from airflow_provider.runner.planning.plan import RequestOutcome
from airflow_provider.runner.planning.restart_plan import pending_config_restart
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate, ComponentRecord
from airflow_provider.runner.record.requests import SettledRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.runner.record.source_record import TouchedData
from airflow_provider.runner.session_state.live import LiveSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttemptMetadata:
    """What to record about an attempt beside its progress.

    :param number: default: one more than the checkpoint's
    :param airflow: what Airflow says about it; plain JSON
    """

    number: int | None = None
    airflow: Mapping[str, Any] = field(default_factory=dict)


class CheckpointHooks(NoOpHooks):
    """Records the progress of a run, durably, before it goes on.

    First takes the checkpoint over: from then on no earlier attempt can save, and everything recorded stays. When the
    pipeline begins, drops from the record what the plan neither reuses nor replays. After that each component adds to
    it.

    A loop of your own may call it in place of the runner, see
    :mod:`airflow_provider.runner.checkpoint.manual_calls`.

    >>> hooks = CheckpointHooks(store, "run-002", compute_pipeline_fingerprint(config))
    >>> result = SimplePipelineRunner(config, hooks=hooks, spark=spark).run()
    >>> store.load("run-002").status
    'completed'

    :param store: where to keep the checkpoint
    :param run_id: Airflow's ``run_id``, or any name for the run
    :param pipeline_fingerprint: what :func:`compute_pipeline_fingerprint` returned for the config
    :param scope: what else identifies the run, see :data:`~airflow_provider.runner.record.run_key.Scope`
    :param metadata: what else to record about the attempt
    :param live: the session, if its server keeps it for the next attempt
    :param saving: how long to retry a save
    :param now_func: returns the time, with time zone; default: that of ``saving``
    """

    def __init__(  # noqa: PLR0913 - the names of the public face, and what the operators add to them
        self,
        store: CheckpointStore,
        run_id: str,
        pipeline_fingerprint: str,
        *,
        scope: Scope = (),
        metadata: AttemptMetadata | None = None,
        live: LiveSession | None = None,
        saving: SavePolicy | None = None,
        now_func: Callable[[], datetime] | None = None,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._pipeline_fingerprint = pipeline_fingerprint
        self._scope = scope
        self._metadata = metadata or AttemptMetadata()
        self._saving = saving or SavePolicy()
        if now_func is not None:
            self._saving = replace(self._saving, now=now_func)
        self._copies = SessionCopies(live)
        self._attempt: AttemptProgress | None = None

    def take_over(self, config: PipelineConfig) -> CheckpointState | None:
        """Take the checkpoint over and return what was recorded until then, None if nothing was.

        The runner calls this before it plans.

        :raises StaleAttemptError: a newer attempt has taken over
        :raises CheckpointError: the checkpoint cannot be read or taken over
        """
        key = RunKey(self._scope, self._run_id, config.name)
        # Nothing is lost yet, so a wrong address should not take minutes to show.
        patience = min(self._saving.patience_seconds, _TAKEOVER_SECONDS)
        brief = replace(self._saving, patience_seconds=patience, on_save=lambda seconds: None)
        claim, taken = brief(
            f"the takeover of {key}", lambda: take_over(self._store, key, self._metadata.number), reads=True
        )
        self._attempt = AttemptProgress(claim, taken)
        return taken.recorded

    @may_be_called_by_hand
    def before_pipeline(self, event: PipelineStarted) -> None:
        """Drop from the record what the plan runs again; keep everything else."""
        config, plan = event.config, event.plan
        if self._attempt is None or self._attempt.has_begun:  # or these hooks served an attempt that was interrupted
            self.take_over(config)
        attempt = self._current()
        recorded = attempt.taken.recorded
        kept = self._kept(event, recorded)
        now = self._saving.now()
        hashes = ConfigHashes.of(config)
        attempt.fingerprints = hashes.components
        attempt.config = config
        attempt.begun = CheckpointState(
            run_id=self._run_id,
            pipeline_name=config.name,
            pipeline_fingerprint=self._pipeline_fingerprint,
            completed_components=kept,
            created_at=(recorded.created_at if recorded else None) or now,
            updated_at=now,
            scope=self._scope,
            attempt=attempt.taken.attempt,
            fence=attempt.taken.fence,
            owner=attempt.claim.owner,
            components={name: recorded.components[name] for name in kept if recorded and name in recorded.components},
            fields={name: dict(fields) for name, fields in hashes.fields.items()},
            earlier_code=earlier_code(config, kept, recorded) if recorded else {},
            left=recorded.left if recorded and kept else [],
            requests=self._settled(event, recorded, now),
            session_state_url=event.session_state_url,
            live_session=self._copies.begin(plan, recorded.live_session if recorded else None),
            airflow=dict(self._metadata.airflow),
        )
        self._saving(f"the checkpoint of {attempt.claim.key}", lambda: attempt.taken.writer.begin(attempt.state()))
        self._copies.after_record()
        self._drop(plan.requests)

    @may_be_called_by_hand
    def after_component(self, event: ComponentCompleted) -> None:
        """Record that a component completed. Returns only when the record is durable."""
        attempt = self._current()
        copy = self._copies.after(event.position)
        now = self._saving.now()
        update = CheckpointUpdate(at=now, live_copy=copy.copy_id, live_adds=list(copy.adds))
        if event.component.name not in attempt.completed:
            touched = event.touched or TouchedData()
            record = ComponentRecord(
                fingerprint=attempt.fingerprints[event.component.name],
                completed_at=now,
                duration_seconds=round(event.duration_seconds, 3),
                attempt=attempt.begun.attempt,
                session_state=event.session_state,
                code=completed_code(event, attempt.config),
                sources=touched.sources,
                writes=touched.writes,
                left=touched.left,
            )
            update = update.model_copy(update={"component": event.component.name, "record": record})
        # Even after a replay, where its record stays: a replaced attempt must notice before it goes on.
        self._add(update)

    def on_session_state_saved(self, event: SessionStateSaved) -> None:
        """Record that the session state of a completed component was saved, so that it need not be replayed."""
        record = self._current().state().components.get(event.component)
        if record is not None:  # otherwise the caller gave it as complete
            record = record.model_copy(update={"session_state": event.session_state})
            self._add(CheckpointUpdate(at=self._saving.now(), component=event.component, record=record))

    @may_be_called_by_hand
    def on_component_failure(self, event: ComponentFailed) -> None:
        """Record which component failed."""
        self._copies.stop()
        self._add(
            CheckpointUpdate(
                at=self._saving.now(),
                status="failed",
                failed_component=event.component.name,
                left=list(event.left),
            )
        )

    @may_be_called_by_hand
    def after_pipeline(self, event: PipelineFinished) -> None:
        """Record, as the last act, whether the pipeline is complete."""
        failed, result = event.result.failed_components, event.result
        says_so = result.status is PipelineResultStatus.FAILURE and not result.component_results
        update = CheckpointUpdate(
            at=self._saving.now(),
            status="failed" if failed or says_so else "completed",
            failed_component=failed[-1][0] if failed else None,
        )
        if update.status == "completed":
            self._copies.release_all()
        self._add(update)
        self._attempt = None

    def _kept(self, event: PipelineStarted, recorded: CheckpointState | None) -> list[str]:
        """Return which recorded components stay recorded."""
        wanted = set(event.plan.kept)
        names = recorded.completed_components if recorded else []
        # The plan may have been made from what was loaded before the takeover.
        since = (
            []
            if event.plan.recorded_when_planned is None
            else [n for n in names if n not in wanted and n not in event.plan.recorded_when_planned]
        )
        if since:
            logger.warning(
                "kept in the checkpoint, because an earlier attempt recorded them after this one had loaded it: %s",
                ", ".join(map(repr, since)),
            )
        unknown = sorted(wanted.difference(names))
        if unknown:
            logger.warning(
                "given as completed but not in the checkpoint, so a later attempt will run them: %s",
                ", ".join(map(repr, unknown)),
            )
        if event.plan.recorded_when_planned is None and (dropped := [name for name in names if name not in wanted]):
            logger.warning("will run again although recorded as completed: %s", ", ".join(map(repr, dropped)))
        return [name for name in names if name in wanted or name in since]

    def _settled(self, event: PipelineStarted, recorded: CheckpointState | None, now: datetime) -> list[SettledRequest]:
        """Return the outcome of all requests until now, including those of this plan and of the config."""
        attempt = self._current().taken.attempt
        answers = list(event.plan.requests)
        if (pending := pending_config_restart(event.config, recorded)) is not None:
            answers.append(RequestOutcome(pending))
        new = [
            SettledRequest.of(answer.request, now, attempt, answer.set_aside)
            if answer.request is not None
            else SettledRequest.unreadable(now, attempt, answer.set_aside)
            for answer in answers
        ]
        return [*(recorded.requests if recorded is not None else ()), *new]

    def _drop(self, answers: Sequence[RequestOutcome]) -> None:
        """Remove the request that was dealt with from the store, unless a newer one is there."""
        store, key = self._store, self._current().claim.key
        if not answers or not isinstance(store, RestartRequests):
            return
        ids = {answer.request.id for answer in answers if answer.request is not None}
        try:
            try:
                left = store.find_request(key)
                dealt_with = left is not None and left.id in ids
            except UnreadableRequestError:
                dealt_with = any(answer.request is None for answer in answers)
            if dealt_with:
                store.drop_request(key)
        except Exception as error:  # noqa: BLE001 - its outcome is in the checkpoint
            what = ", ".join(str(answer.request) for answer in answers if answer.request is not None)
            logger.warning("cannot remove the request from the store (%s): %s", what, describe(error))

    def _current(self) -> AttemptProgress:
        if self._attempt is None:
            raise CheckpointWriteError("a component event arrived before the start of the pipeline was recorded")
        return self._attempt

    def _add(self, update: CheckpointUpdate) -> None:
        attempt = self._current()
        try:
            self._saving(
                f"the checkpoint of {attempt.claim.key}",
                lambda: attempt.taken.writer.append(update, lambda: attempt.state(update)),
            )
        except BaseException:
            self._copies.after_lost_record()
            raise
        attempt.add(update)
        self._copies.after_record()


_TAKEOVER_SECONDS = 20.0
