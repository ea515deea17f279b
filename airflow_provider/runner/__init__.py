"""The engine: config, plan, run, checkpoint. Works without Airflow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider.runner.checkpoint.checkpoint_hooks import CheckpointHooks
    from airflow_provider.runner.checkpoint.local_store import LocalCheckpointStore
    from airflow_provider.runner.checkpoint.memory_store import InMemoryCheckpointStore
    from airflow_provider.runner.checkpoint.resume import load_checkpoint_for_resume
    from airflow_provider.runner.checkpoint.store import CheckpointStore
    from airflow_provider.runner.config.component_config import ComponentConfig
    from airflow_provider.runner.config.config_loader import load_pipeline_config
    from airflow_provider.runner.config.dataflow import DataFlow
    from airflow_provider.runner.config.model import PipelineConfig
    from airflow_provider.runner.fingerprint.config_hashes import compute_pipeline_fingerprint
    from airflow_provider.runner.observing.hooks import CompositeHooks, NoOpHooks, PipelineHooks
    from airflow_provider.runner.observing.log import LoggingHooks
    from airflow_provider.runner.observing.metrics import MetricsHooks
    from airflow_provider.runner.observing.result import ComponentResult, PipelineResult, PipelineResultStatus
    from airflow_provider.runner.record.checkpoint_state import CheckpointState
    from airflow_provider.runner.running.pipeline_runner import SimplePipelineRunner

__all__ = [
    "CheckpointHooks",
    "CheckpointState",
    "CheckpointStore",
    "ComponentConfig",
    "ComponentResult",
    "CompositeHooks",
    "DataFlow",
    "InMemoryCheckpointStore",
    "LocalCheckpointStore",
    "LoggingHooks",
    "MetricsHooks",
    "NoOpHooks",
    "PipelineConfig",
    "PipelineHooks",
    "PipelineResult",
    "PipelineResultStatus",
    "SimplePipelineRunner",
    "compute_pipeline_fingerprint",
    "load_checkpoint_for_resume",
    "load_pipeline_config",
]

_HOMES = {
    "CheckpointHooks": "airflow_provider.runner.checkpoint.checkpoint_hooks",
    "LocalCheckpointStore": "airflow_provider.runner.checkpoint.local_store",
    "InMemoryCheckpointStore": "airflow_provider.runner.checkpoint.memory_store",
    "load_checkpoint_for_resume": "airflow_provider.runner.checkpoint.resume",
    "CheckpointStore": "airflow_provider.runner.checkpoint.store",
    "DataFlow": "airflow_provider.runner.config.dataflow",
    "ComponentConfig": "airflow_provider.runner.config.component_config",
    "PipelineConfig": "airflow_provider.runner.config.model",
    "load_pipeline_config": "airflow_provider.runner.config.config_loader",
    "compute_pipeline_fingerprint": "airflow_provider.runner.fingerprint.config_hashes",
    "CompositeHooks": "airflow_provider.runner.observing.hooks",
    "NoOpHooks": "airflow_provider.runner.observing.hooks",
    "PipelineHooks": "airflow_provider.runner.observing.hooks",
    "LoggingHooks": "airflow_provider.runner.observing.log",
    "MetricsHooks": "airflow_provider.runner.observing.metrics",
    "ComponentResult": "airflow_provider.runner.observing.result",
    "PipelineResult": "airflow_provider.runner.observing.result",
    "PipelineResultStatus": "airflow_provider.runner.observing.result",
    "CheckpointState": "airflow_provider.runner.record.checkpoint_state",
    "SimplePipelineRunner": "airflow_provider.runner.running.pipeline_runner",
}
"""Public name to the module that has it. It is imported when the name is first asked for: Airflow parses DAG files
all the time, and most of this is only needed to run one."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
