"""Forgetting a run: its checkpoint and what it saved."""

from __future__ import annotations

from airflow_provider.runner.checkpoint import CheckpointState, CheckpointStore
from airflow_provider.runner.session_state.saved.files import LocalFiles, local_path, remove_attempts


def forget(store: CheckpointStore, state: CheckpointState) -> str:
    """Delete a checkpoint and, where this process reaches them, the run's saved views.

    :param store: where the checkpoint is kept
    :param state: the checkpoint
    :return: what was deleted and what was not, for a person to read
    """
    store.delete(state.run_id, state.pipeline_name, scope=state.scope)
    done = f"deleted the checkpoint of run {state.run_id!r}, pipeline {state.pipeline_name!r}"
    url = state.session_state_url
    saved = any(record.session_state and record.session_state.views for record in state.components.values())
    if url is not None and local_path(url) is not None:
        remove_attempts(LocalFiles(), url)  # also what an attempt left that was killed before it recorded anything
        return f"{done} and its saved views" if saved else done
    return f"{done}; its saved views are in {url}: remove them there" if saved else done
