"""What an operator was given, or Airflow's configuration where it was given nothing."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow_provider.runner import CheckpointStore
    from airflow_provider.runner.session_state.saved.directory_marker import Retention

logger = logging.getLogger(__name__)

SECTION = "pyspark_pipeline"
"""Section of Airflow's configuration."""

DEFAULT_RETENTION_DAYS = 90.0
DEFAULT_SAVE_PATIENCE_SECONDS = 300.0


def resolve_checkpoint_url(given: str | None, start: str | None = None) -> str | None:
    """Return the address for checkpoints, None for Airflow's own store.

    :param given: the operator's ``checkpoint_url``; None: that of Airflow's configuration, empty: no address
    :param start: makes a relative path absolute, from this directory; None: a relative path stays relative
    """
    url = conf.get(SECTION, "checkpoint_url", fallback="") if given is None else given
    if not url or start is None:
        return url or None
    from airflow_provider.runner.config.absolute_paths import absolute_url

    return absolute_url(str(url), start)


def choose_checkpoint_store(
    store: CheckpointStore | None,
    url: str | None,
    task_state: Any,
    retention_days: float | None,
    start: str | None = None,
) -> CheckpointStore:
    """Return the store for an attempt's checkpoint.

    :param store: the operator's ``checkpoint_store``, which wins
    :param url: the operator's ``checkpoint_url``
    :param task_state: Airflow's accessor of the task state store, None before Airflow 3.3
    :param retention_days: how long the task state store keeps it; None: as Airflow's configuration says, 0: for ever
    :param start: where a relative ``checkpoint_url`` starts; None: in the working directory
    """
    from airflow_provider.runner import LocalCheckpointStore
    from airflow_provider.stores.location import store_at
    from airflow_provider.stores.task_state import TaskStateCheckpointStore

    if store is not None:
        return store
    address = resolve_checkpoint_url(url, start)
    if address is not None:
        return store_at(address)
    if task_state is not None:
        days = checkpoint_retention_days(retention_days)
        return TaskStateCheckpointStore(task_state, retention=timedelta(days=days) if days is not None else None)
    local = LocalCheckpointStore(airflow_home() / "pyspark_pipeline" / "checkpoints")
    logger.warning("%s serves a single host only. Set checkpoint_url if attempts can run on different hosts", local)
    return local


def checkpoint_retention_days(given: float | None) -> float | None:
    """Return how many days checkpoints are kept, None for ever.

    :param given: the operator's ``retention_days``; None: as Airflow's configuration says, 0: for ever
    """
    days = conf.getfloat(SECTION, "retention_days", fallback=DEFAULT_RETENTION_DAYS) if given is None else given
    return float(days) or None


def saved_views_retention(
    given: float | None, checkpoint_days: float | None = None, hours_after_success: float | None = None
) -> Retention:
    """Return how long saved views are kept.

    :param given: the operator's ``session_state_retention_days``; None: as Airflow's configuration says, and if that
        says nothing, as long as the checkpoint; 0: for ever
    :param checkpoint_days: the operator's ``retention_days``
    :param hours_after_success: the operator's ``keep_session_state_hours``; None: as Airflow's configuration says
    """
    from airflow_provider.runner.session_state.saved.directory_marker import Retention

    if given is None and conf.get(SECTION, "session_state_retention_days", fallback=""):
        given = conf.getfloat(SECTION, "session_state_retention_days")
    days = checkpoint_retention_days(checkpoint_days) if given is None else float(given) or None
    if hours_after_success is None:
        hours_after_success = conf.getfloat(SECTION, "keep_session_state_hours", fallback=0.0)
    return Retention(days, deployment_address(), float(hours_after_success))


def deployment_address() -> str:
    """Return the API server's address, by which runs of other Airflows in the same place are known."""
    return str(conf.get("api", "base_url", fallback="") or "")


def resolve_save_patience(given: float | None) -> float:
    """Return how many seconds to keep trying to save a record.

    :param given: the operator's ``save_patience_seconds``; None: as Airflow's configuration says
    """
    if given is not None:
        return given
    return float(conf.getfloat(SECTION, "save_patience_seconds", fallback=DEFAULT_SAVE_PATIENCE_SECONDS))


def configured_harmless_modules() -> list[str]:
    """Return the ``harmless_modules`` of Airflow's configuration, which add to a pipeline's own."""
    return str(conf.get(SECTION, "harmless_modules", fallback="")).replace(",", " ").split()


def clear_discards_task_state() -> bool:
    """Return whether a clear discards the task state unless told to keep it, as it does since Airflow 3.4."""
    import airflow

    return tuple(int(part) for part in airflow.__version__.split(".")[:2]) >= (3, 4)


def resolve_session_state_url(
    url: str | None, spark_runs_here: bool, *, first: bool, start: str | None = None
) -> str | None:
    """Return the directory below which views are saved, None if they cannot be saved.

    :param url: the operator's ``session_state_url``; None: that of Airflow's configuration
    :param spark_runs_here: whether all of Spark runs on this host
    :param first: whether this is the first attempt, which warns if views cannot be saved
    :param start: where a relative path starts; None: in the working directory
    """
    from airflow_provider.runner.config.absolute_paths import absolute_url

    base = url or conf.get(SECTION, "session_state_url", fallback=None)
    if base:
        return absolute_url(str(base), start) if spark_runs_here else str(base)
    if spark_runs_here:
        return str(airflow_home() / "pyspark_pipeline" / "session_state")
    if first:
        logger.warning(
            "Spark runs on a cluster and session_state_url is not set, so temp views cannot be saved. A retry that "
            "needs them replays the components that made them if these are known to be harmless, and otherwise fails. "
            "Set session_state_url to a directory that the cluster can write"
        )
    return None


def airflow_home() -> Path:
    """Return ``AIRFLOW_HOME``."""
    from airflow_provider.runner.config.absolute_paths import absolute_path

    return absolute_path(os.environ.get("AIRFLOW_HOME", "~/airflow"))
