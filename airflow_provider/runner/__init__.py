"""The engine: config, plan, run, checkpoint. Works without Airflow."""

from airflow_provider.runner.checkpoint import (
    CheckpointHooks,
    CheckpointState,
    CheckpointStore,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.component import DataFlow
from airflow_provider.runner.config import ComponentConfig, PipelineConfig, load_pipeline_config
from airflow_provider.runner.hooks import CompositeHooks, MetricsHooks, NoOpHooks, PipelineHooks
from airflow_provider.runner.logging_hooks import LoggingHooks
from airflow_provider.runner.result import ComponentResult, PipelineResult, PipelineResultStatus
from airflow_provider.runner.simple_runner import SimplePipelineRunner

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
