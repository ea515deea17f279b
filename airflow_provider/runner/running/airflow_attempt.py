"""Which attempt is this: the first one, an automatic retry, or did somebody clear the task?

Nothing of Airflow is imported here: a Spark driver that spark-submit started decides by what the operator told it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.checkpoint.store import CheckpointStore
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.policies import OnClear
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.result import PipelineResult
from airflow_provider.runner.planning.reasons import changed_since
from airflow_provider.runner.record.state import CheckpointState, Scope
from airflow_provider.runner.running.attempt import run_attempt, run_directory
from airflow_provider.runner.session_state.live import LiveSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

TemplatedField = tuple[str, str]
"""A component and one of its fields, named as in :class:`~airflow_provider.runner.fingerprint.config.Change`."""


@dataclass(frozen=True)
class AirflowAttempt:
    """What Airflow says of an attempt.

    :param try_number: number of this try; never starts again
    :param max_tries: Airflow raises it to the try number plus ``retries`` when the task is cleared, and leaves it alone
        otherwise, also when ``retries`` changes in the DAG file
    :param retries: the task's ``retries`` as the DAG file has them now
    :param clear_number: how often any task of the DAG run was cleared; None if this Airflow does not say
    :param bundle_version: version of the DAG bundle that the DAG file is of, None if it has none
    """

    try_number: int
    max_tries: int
    retries: int = 0
    clear_number: int | None = None
    bundle_version: str | None = None

    def record(self) -> dict[str, Any]:
        """Return what the checkpoint keeps of it."""
        kept = {
            "max_tries": self.max_tries,
            "clear_number": self.clear_number,
            "bundle_version": self.bundle_version,
        }
        return {key: value for key, value in kept.items() if value is not None}

    def cleared_since(self, checkpoint: CheckpointState) -> bool:
        """Return whether somebody cleared the task since the checkpoint's last attempt."""
        before = checkpoint.airflow
        if before.get("max_tries", self.max_tries) != self.max_tries:
            return True
        # With fewer retries in the DAG file than before, a clear may come to the same max_tries as it had.
        as_after_a_clear = self.max_tries == checkpoint.attempt + self.retries
        return as_after_a_clear and before.get("clear_number", self.clear_number) != self.clear_number


@dataclass(frozen=True)
class AttemptStart:
    """Whether the attempt goes on from the checkpoint.

    :param resume: False to start afresh
    :param reason: which case it is and why, for the first line of the log
    :param cleared: whether somebody cleared the task
    """

    resume: bool
    reason: str
    cleared: bool = False


def how_to_start(
    checkpoint: CheckpointState | None,
    attempt: AirflowAttempt,
    on_clear: OnClear = "resume",
    *,
    dialog_decides: bool = False,
) -> AttemptStart:
    """Decide whether an attempt resumes.

    :param checkpoint: what the earlier attempts recorded, None if nothing
    :param attempt: what Airflow says of this one
    :param on_clear: what to do when the task was cleared before the pipeline was complete
    :param dialog_decides: whether a checkpoint that is still there after a clear was kept by whoever cleared, in
        Airflow's clear dialog; then ``on_clear`` is not asked
    """
    if checkpoint is None:
        if attempt.try_number <= 1:
            return AttemptStart(False, "first attempt")
        return AttemptStart(False, "no checkpoint of an earlier attempt, so it starts from the beginning")
    if attempt.try_number <= checkpoint.attempt:
        return AttemptStart(False, "the DAG run was deleted and made again under the same id, so it starts afresh")
    cleared = attempt.cleared_since(checkpoint)
    if checkpoint.status == "completed":
        if cleared:
            return AttemptStart(False, "cleared after the pipeline had succeeded, so it starts afresh", cleared)
        return AttemptStart(True, "the pipeline was complete but the task did not end well; nothing runs again")
    if not cleared:
        return AttemptStart(True, "retry after an unfinished attempt, so it goes on from the checkpoint")
    if dialog_decides:
        why = "cleared after an unfinished attempt and its task state was kept, so it goes on from the checkpoint"
        return AttemptStart(True, why, cleared)
    if on_clear == "restart":
        why = "cleared after an unfinished attempt and on_clear is 'restart', so it starts afresh"
        return AttemptStart(False, why, cleared)
    return AttemptStart(True, "cleared after an unfinished attempt, so it goes on from the checkpoint", cleared)


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

    def directory(self, base: str) -> str:
        """Return the directory of this run for saved views."""
        return run_directory(base, self.scope, self.run_id, self.config.name)


def prepare(
    config: PipelineConfig,
    store: CheckpointStore,
    run_id: str,
    scope: Scope,
    attempt: AirflowAttempt,
    *,
    templated: Collection[TemplatedField] = (),
    dialog_decides: bool = False,
    refuse_replaced: Callable[[], object] = lambda: None,
) -> PreparedAttempt:
    """Read the checkpoint, decide how the attempt starts, and log which case it is.

    :param config: the pipeline
    :param store: where checkpoints are kept
    :param run_id: Airflow's run
    :param scope: dag id, task id and map index
    :param attempt: what Airflow says of this one
    :param templated: which fields of the pipeline hold a template
    :param dialog_decides: see :func:`how_to_start`
    :param refuse_replaced: called when the checkpoint is of this attempt or a later one; raises if this one has been
        replaced, which cannot be told from the checkpoint
    :raises CheckpointError: the checkpoint cannot be read, or a newer attempt has taken over
    """
    checkpoint = store.load(run_id, config.name, scope=scope)
    if checkpoint is not None and attempt.try_number <= checkpoint.attempt:
        refuse_replaced()
    start = how_to_start(checkpoint, attempt, config.on_clear, dialog_decides=dialog_decides)
    logger.info("run %r, try %d: %s (checkpoints in %s)", run_id, attempt.try_number, start.reason, store)
    notes = _notes(config, checkpoint, attempt, templated) if checkpoint and start.resume else []
    return PreparedAttempt(config, store, run_id, scope, checkpoint, attempt, start, tuple(notes))


def run_prepared(
    prepared: PreparedAttempt,
    *,
    spark: SparkSession | Callable[[], SparkSession],
    session_state_url: str | None,
    keep_session_state: bool,
    hooks: Sequence[PipelineHooks] = (),
    on_save: Callable[[float], object] = lambda seconds: None,
    live: LiveSession | None = None,
) -> PipelineResult:
    """Run an attempt, wherever its driver is. Arguments and errors are those of :func:`run_attempt`."""
    return run_attempt(
        prepared.config,
        prepared.store,
        prepared.run_id,
        prepared.checkpoint,
        scope=prepared.scope,
        fresh=None if prepared.start.resume else prepared.start.reason,
        # Carried out before, but whoever cleared the task wants it again.
        restart_from=prepared.config.restart_from if prepared.start.cleared else None,
        attempt=prepared.attempt.try_number,
        airflow=prepared.attempt.record(),
        notes=prepared.notes,
        on_save=on_save,
        hooks=hooks,
        spark=spark,
        session_state_url=session_state_url,
        keep_session_state=keep_session_state,
        live=live,
    )


def _notes(
    config: PipelineConfig,
    checkpoint: CheckpointState,
    attempt: AirflowAttempt,
    templated: Collection[TemplatedField],
) -> list[str]:
    notes = unstable_templates(templated, config, checkpoint)
    before = checkpoint.airflow.get("bundle_version")
    if None not in (before, attempt.bundle_version) and before != attempt.bundle_version:
        notes.append(
            f"the DAG bundle's version was {before} in attempt {checkpoint.attempt} and is now "
            f"{attempt.bundle_version}; components are reused if their config is the same, whatever became of "
            "their code: raise checkpoint_version where old results are wrong"
        )
    return notes


def unstable_templates(
    templated: Collection[TemplatedField], config: PipelineConfig, checkpoint: CheckpointState
) -> list[str]:
    """Say which fields hold a template and have another value than in the attempt that wrote the checkpoint.

    :param templated: which fields hold a template
    :param config: the pipeline, rendered and validated
    :param checkpoint: the record of the earlier attempts
    """
    return [
        f"component {change.component!r}, field {change.field!r}: its template has another value than in attempt "
        f"{checkpoint.attempt}, so what had completed counts as made under another config; in a template use what "
        "stays the same within a DAG run, such as ds or run_id, not try_number or the time"
        for change in changed_since(config, checkpoint)
        if change.kind == "changed" and (change.component, change.field) in templated
    ]
