"""Stores and what stands in for the services that they talk to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from airflow_provider.runner import CheckpointState
from airflow_provider.runner.checkpoint.store import only_one, replaced_error
from airflow_provider.runner.record.run_key import RunKey, Scope


class FakeTaskState:
    """What ``context["task_state_store"]`` does, without Airflow: values pass through JSON, and nothing is None.

    :param rows: what Airflow keeps for this task instance, as JSON texts
    :param retention: for how long
    :ivar replaced: a newer attempt is the live one. Then Airflow refuses to write and finds nothing to read
    :ivar broken: raised by whatever is asked for
    """

    def __init__(self, rows: dict[str, str] | None = None, retention: dict[str, Any] | None = None) -> None:
        self.rows: dict[str, str] = {} if rows is None else rows
        self.retention: dict[str, timedelta | None] = {} if retention is None else retention
        self.replaced = False
        self.broken: Exception | None = None

    def successor(self) -> FakeTaskState:
        """Return what the next attempt gets: the same rows. From now on Airflow refuses this one."""
        self.replaced = True
        return FakeTaskState(self.rows, self.retention)

    def get(self, key: str) -> Any:
        self._answer()
        return json.loads(self.rows[key]) if key in self.rows and not self.replaced else None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        if len(key) > 512:
            raise ValueError("Airflow's column holds 512 characters")
        if value is None:
            raise ValueError("Cannot set value as None")
        self._answer()
        self._refuse_replaced()
        self.rows[key] = json.dumps(value, allow_nan=False)
        self.retention[key] = retention

    def delete(self, key: str) -> None:
        self._answer()
        self._refuse_replaced()
        self.rows.pop(key, None)

    def _answer(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _refuse_replaced(self) -> None:
        if self.replaced:
            raise refusal(404)


def refusal(status_code: int) -> Exception:
    """Return what Airflow raises in a task when its API server answers with this status."""
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse

    response = ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": status_code})
    return AirflowRuntimeError(response)


class PlainStore:
    """A store as an author writes one: three methods, and nothing else of what a store may do.

    :ivar documents: what it keeps, as JSON texts
    """

    def __init__(self) -> None:
        self.documents: dict[RunKey, str] = {}

    def save(self, state: CheckpointState) -> None:
        stored = self._find(state.key)
        if stored is not None and (stored.fence + (stored.owner != state.owner)) > state.fence:
            raise replaced_error(state.key, state.attempt, stored.attempt)
        self.documents[state.key] = json.dumps(state.to_json())

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is not None:
            return self._find(RunKey(scope, run_id, pipeline_name))
        found = [self._find(key) for key in self.documents if (key.scope, key.run_id) == (scope, run_id)]
        return only_one([state for state in found if state is not None], run_id)

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        return self.documents.pop(RunKey(scope, run_id, pipeline_name), None) is not None

    def _find(self, key: RunKey) -> CheckpointState | None:
        return CheckpointState.from_json(self.documents[key]) if key in self.documents else None


class FlakyStore(PlainStore):
    """A store whose saves fail when the test says so.

    An attempt saves once when it takes over a checkpoint that is there, once when it begins, and once for each event.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[BaseException] = []
        """Raised by the next saves, one each."""
        self.saves = 0
        self._broken = False

    def breaks(self) -> None:
        """Let every save fail from now on."""
        self._broken = True

    def mend(self) -> None:
        """Let saves succeed again."""
        self._broken = False

    def save(self, state: CheckpointState) -> None:
        self.saves += 1
        if self.failures:
            raise self.failures.pop(0)
        if self._broken:
            raise OSError(28, "No space left on device")
        super().save(state)
