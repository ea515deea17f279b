"""Finds the checkpoint that the command line of ``airflow pyspark-pipeline`` names."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import CheckpointError

if TYPE_CHECKING:
    from airflow_provider.runner import CheckpointState, CheckpointStore


def find_checkpoint(options: argparse.Namespace) -> tuple[CheckpointStore, CheckpointState]:
    """Return the checkpoint that the command line names, and the store that has it."""
    scope = (options.dag_id, options.task_id, str(options.map_index), *(options.region or ()))
    url = checkpoint_url_of(options)
    store: Any
    if url:
        from airflow_provider.stores.location import store_at

        store = store_at(url)
        state = store.load(options.run_id, options.pipeline, scope=scope)
    else:
        from airflow_provider.commands.airflow.metastore import MetastoreAccessor, stored_checkpoints
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

        store = TaskStateCheckpointStore(MetastoreAccessor.of(RunKey(scope, options.run_id, options.pipeline or "")))
        found = [
            state
            for state in stored_checkpoints(options.dag_id)
            if (state.run_id, state.scope) == (options.run_id, scope)
            and options.pipeline in (None, state.pipeline_name)
        ]
        if len(found) > 1:
            names = ", ".join(repr(state.pipeline_name) for state in found)
            raise CheckpointError(f"the task has run several pipelines ({names}); choose one with --pipeline")
        state = found[0] if found else None
    if state is None:
        hint = "" if url else "; if the task has a checkpoint_url of its own, name it with --store"
        raise CheckpointError(
            f"no checkpoint of task {options.dag_id}.{options.task_id}, run {options.run_id!r}, map index "
            f"{options.map_index} in {store}{hint}"
        )
    return store, state


def checkpoint_url_of(options: argparse.Namespace) -> str:
    """Return where checkpoints are kept, empty for Airflow's task state store."""
    from airflow.configuration import conf

    return str(options.store or conf.get("pyspark_pipeline", "checkpoint_url", fallback=""))
