"""What an operator hands on to the attempt that it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider.operators.airflow_config import resolve_session_state_url
from airflow_provider.operators.attempt_guard import TimeLimit
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.session_state.saved.directory_marker import Retention


class RunningAttempt(Protocol):
    """An attempt that an operator has started."""

    def run(self) -> dict[str, Any]:
        """Run the attempt to its end, and return its summary."""

    def kill(self) -> None:
        """Stop Spark and make :meth:`run` end. Airflow calls it from a signal handler."""


@dataclass(frozen=True)
class AttemptSettings:
    """The parameters that both operators pass on, with Airflow's configuration where none was given.

    :param task_id: the task, for error messages
    :param time_limit: Airflow's ``execution_timeout``
    :param started_in: where relative paths start
    :param checkpoint_url: as the author gave it; None: as Airflow's configuration says
    :param session_state_url: as the author gave it; None: as Airflow's configuration says
    :param keep_session_state: whether saved views stay after a success
    :param retention: for how long they are kept
    :param save_patience_seconds: for how long the save of a record is tried again
    """

    task_id: str
    time_limit: TimeLimit
    started_in: str
    checkpoint_url: str | None
    session_state_url: str | None
    keep_session_state: bool
    retention: Retention
    save_patience_seconds: float

    def session_state_directory(self, run: AirflowAttemptSpec, *, spark_runs_here: bool) -> str | None:
        """Return the directory for the saved views of a run, None if they cannot be saved.

        :param run: the pipeline and its attempt; the first one warns if there is none
        :param spark_runs_here: whether all of Spark runs on this host
        """
        base = resolve_session_state_url(
            self.session_state_url, spark_runs_here, first=run.attempt.try_number == 1, start=self.started_in
        )
        return run.key.directory(base) if base else None
