"""Checkpoints: the record of a run's progress, the stores that keep it and the hooks that write it."""

from airflow_provider.runner.checkpoint.hooks import CheckpointHooks
from airflow_provider.runner.checkpoint.local_store import LocalCheckpointStore
from airflow_provider.runner.checkpoint.memory_store import InMemoryCheckpointStore
from airflow_provider.runner.checkpoint.resume import load_checkpoint_for_resume
from airflow_provider.runner.checkpoint.state import CheckpointState, ComponentRecord
from airflow_provider.runner.checkpoint.store import CheckpointStore
from airflow_provider.runner.fingerprint import compute_pipeline_fingerprint

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
