"""Checkpoints: the stores that keep the record of a run's progress, and the hooks that write it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider.runner.checkpoint.checkpoint_hooks import CheckpointHooks
    from airflow_provider.runner.checkpoint.local_store import LocalCheckpointStore
    from airflow_provider.runner.checkpoint.memory_store import InMemoryCheckpointStore
    from airflow_provider.runner.checkpoint.resume import load_checkpoint_for_resume
    from airflow_provider.runner.checkpoint.store import CheckpointStore
    from airflow_provider.runner.fingerprint.config_hashes import compute_pipeline_fingerprint
    from airflow_provider.runner.record.checkpoint_state import CheckpointState, ComponentRecord

__all__ = [
    "CheckpointHooks",
    "CheckpointState",
    "CheckpointStore",
    "ComponentRecord",
    "InMemoryCheckpointStore",
    "LocalCheckpointStore",
    "compute_pipeline_fingerprint",
    "load_checkpoint_for_resume",
]

_HOMES = {
    "CheckpointHooks": "airflow_provider.runner.checkpoint.checkpoint_hooks",
    "LocalCheckpointStore": "airflow_provider.runner.checkpoint.local_store",
    "InMemoryCheckpointStore": "airflow_provider.runner.checkpoint.memory_store",
    "load_checkpoint_for_resume": "airflow_provider.runner.checkpoint.resume",
    "CheckpointStore": "airflow_provider.runner.checkpoint.store",
    "compute_pipeline_fingerprint": "airflow_provider.runner.fingerprint.config_hashes",
    "CheckpointState": "airflow_provider.runner.record.checkpoint_state",
    "ComponentRecord": "airflow_provider.runner.record.checkpoint_state",
}
"""Public name to the module that has it, which is imported when the name is first used: Airflow parses DAG files all
the time, and needs most of this only to run one."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
