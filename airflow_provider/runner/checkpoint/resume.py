"""From a stored checkpoint to what can be left out."""

from __future__ import annotations

import logging

from airflow_provider.runner.checkpoint.state import Scope
from airflow_provider.runner.checkpoint.store import CheckpointStore
from airflow_provider.runner.config import PipelineConfig
from airflow_provider.runner.plan import plan_from_checkpoint, shorten

logger = logging.getLogger(__name__)


def load_checkpoint_for_resume(
    store: CheckpointStore, run_id: str, config: PipelineConfig, *, scope: Scope = ()
) -> set[str]:
    """Return the names of the components that completed under this run id and need not run again.

    Empty if there is no checkpoint, or if the config has changed since; the log then says what changed.

    :param store: where the checkpoint is kept
    :param run_id: the run
    :param config: the pipeline as it is today
    :param scope: what else identifies the run
    :raises CheckpointFormatError: written by a newer version of this package
    :raises CheckpointReadError: the store cannot be read
    """
    checkpoint = store.load(run_id, config.name, scope=scope)
    plan = plan_from_checkpoint(config, checkpoint)
    if plan.config_changed:
        what = f": {shorten(plan.config_changes)}" if plan.config_changes else ""
        logger.warning("pipeline %r, run %r: config changed%s; it starts from the beginning", config.name, run_id, what)
    return set(plan.reused)
