"""A store for tests and notebooks: gone with the process."""

from __future__ import annotations

import json
import threading

from airflow_provider.runner.checkpoint.store import only_one, refuse_stale
from airflow_provider.runner.record.state import CheckpointState, RestartRequest, Scope


class InMemoryCheckpointStore:
    """Keeps checkpoints in memory, as JSON text like the other stores."""

    def __init__(self) -> None:
        self._texts: dict[tuple[Scope, str, str], str] = {}
        self._requests: dict[tuple[Scope, str, str], RestartRequest] = {}
        self._lock = threading.Lock()

    def save(self, state: CheckpointState) -> None:
        key = (state.scope, state.run_id, state.pipeline_name)
        with self._lock:
            text = self._texts.get(key)
            refuse_stale(CheckpointState.from_json(text) if text else None, state)
            self._texts[key] = json.dumps(state.to_json())

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        with self._lock:
            texts = [
                text
                for (of_scope, of_run, of_pipeline), text in self._texts.items()
                if (of_scope, of_run) == (scope, run_id) and pipeline_name in (None, of_pipeline)
            ]
        return only_one([CheckpointState.from_json(text) for text in texts], run_id)

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        with self._lock:
            self._requests.pop((scope, run_id, pipeline_name), None)
            return self._texts.pop((scope, run_id, pipeline_name), None) is not None

    def leave_request(self, request: RestartRequest, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        with self._lock:
            self._requests[scope, run_id, pipeline_name] = request

    def find_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> RestartRequest | None:
        with self._lock:
            return self._requests.get((scope, run_id, pipeline_name))

    def drop_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        with self._lock:
            self._requests.pop((scope, run_id, pipeline_name), None)
