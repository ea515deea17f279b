"""The components of a stored checkpoint that need not run again."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from airflow_provider.runner.checkpoint.store import CheckpointStore, load
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.planning.changed_code import describe_all, entered_before
from airflow_provider.runner.planning.changed_config import describe_changes
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.run_key import RunKey, Scope

logger = logging.getLogger(__name__)


class CompletedComponents(set[str]):
    """Names of completed components, with the checkpoint that records their session state.

    Remove names with ``discard``; an operator such as ``-`` returns a plain set without the checkpoint.
    """

    def __init__(self, names: Iterable[str], checkpoint: CheckpointState | None) -> None:
        super().__init__(names)
        self.checkpoint = checkpoint
        self.valid = frozenset(self)


def load_checkpoint_for_resume(
    store: CheckpointStore, run_id: str, config: PipelineConfig, *, scope: Scope = ()
) -> CompletedComponents:
    """Return the names of the components that completed under this run id and are still valid.

    Empty if there is no checkpoint, or if the config has changed since and the pipeline's ``on_config_change`` is
    ``restart``; the log then says what changed. Given to
    :meth:`~airflow_provider.runner.SimplePipelineRunner.run`, it also brings their session state back.

    >>> completed = load_checkpoint_for_resume(store, "run-001", config)
    >>> sorted(completed)
    ['clean', 'load']
    >>> result = SimplePipelineRunner(config, spark=spark).run(completed)

    :param store: where the checkpoint is kept
    :param run_id: the run
    :param config: the pipeline as it is today
    :param scope: what else identifies the run
    :raises CheckpointFormatError: written by a newer version of this package
    :raises CheckpointReadError: the store cannot be read
    :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
    :raises CodeChangedError: code has changed and ``on_code_change`` is ``fail``
    """
    checkpoint = load(store, RunKey(scope, run_id, config.name))
    code = read_code_of_components(config, entered_before(checkpoint)) if checkpoint is not None else None
    plan = decide(config, Facts(checkpoint, code=code))
    if checkpoint is not None and plan.config_changed:
        logger.warning(
            "pipeline %r, run %r: config changed: %s; %s",
            config.name,
            run_id,
            describe_changes(plan.config_changes, recorded=bool(checkpoint.fields)),
            f"kept: {', '.join(plan.kept)}" if plan.kept else "it starts from the beginning",
        )
    if plan.code_changes:
        logger.warning(
            "pipeline %r, run %r: code changed: %s; kept: %s",
            config.name,
            run_id,
            describe_all(plan.code_changes),
            ", ".join(plan.kept) or "none",
        )
    return CompletedComponents(plan.kept, checkpoint)
