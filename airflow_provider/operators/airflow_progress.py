"""Where Airflow keeps an attempt's progress for people, and what it knows of the attempts before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import StaleAttemptError, describe
from airflow_provider.operators.airflow_config import checkpoint_retention_days
from airflow_provider.operators.supervisor_connection import in_use_by_a_loop, may_share_connection
from airflow_provider.runner.observing.progress_history import earlier_attempts, with_earlier
from airflow_provider.runner.observing.progress_recorder import ProgressRecorder, ProgressStart
from airflow_provider.runner.observing.progress_writer import Document, ProgressSink
from airflow_provider.runner.observing.usual_costs import UsualCosts, read_usual, usual_to_json, with_this_run
from airflow_provider.runner.record.progress_record import AttemptState
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.stores.task_state_progress import TaskStateProgress

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)

PROGRESS_KEY = "pyspark_pipeline_progress"
"""XCom key of the progress where Airflow has no task state store (before 3.3)."""

USUAL_KEY = "pyspark_pipeline_usual"
"""XCom key of what the components took in the last runs that succeeded."""


def triggered_by(context: Context, try_number: int) -> str | None:
    """Return who triggered the run, if that is why this try began; None if that is not known.

    :param context: of the task
    :param try_number: Airflow's number of this try
    """
    return getattr(context.get("dag_run"), "triggering_user_name", None) if try_number == 1 else None


@dataclass
class XComProgress:
    """Keeps the newest document in an XCom of the task, which Airflow removes when the next attempt begins.

    Airflow takes an XCom of a replaced attempt, too, so this looks first whether a newer one has been there.

    :param ti: Airflow's task instance
    :param any_thread: see :class:`~airflow_provider.runner.observing.progress_writer.ProgressSink`
    """

    ti: Any
    any_thread: bool
    _has_written: bool = False

    def write(self, document: Document) -> None:
        found = _pulled(self.ti, PROGRESS_KEY) if self._has_written else None  # Airflow warns if there is none
        attempt = found.get("attempt") if isinstance(found, dict) else None
        there = attempt.get("try_number") if isinstance(attempt, dict) else None
        if isinstance(there, int) and there > document["attempt"]["try_number"]:
            raise StaleAttemptError("a newer attempt has replaced this one")
        self.ti.xcom_push(key=PROGRESS_KEY, value=document)
        self._has_written = True


@dataclass(frozen=True)
class SharedProgress:
    """Writes from a thread as long as the connection to Airflow may be shared, and tells of earlier attempts, too.

    :param sink: the place itself
    :param earlier: earlier attempts, newest first
    """

    sink: ProgressSink
    earlier: Sequence[Mapping[str, Any]] = ()

    @property
    def any_thread(self) -> bool:
        return self.sink.any_thread

    def write(self, document: Document) -> None:
        if self.sink.any_thread and in_use_by_a_loop() and "ended_at" not in document["attempt"]:
            return  # the component's own calls would fail; in the end the task's thread waits for this one
        self.sink.write(with_earlier(document, self.earlier))


@dataclass(frozen=True)
class AirflowProgress:
    """The place for the progress of one attempt.

    :param ti: Airflow's task instance
    :param sink: the place
    :param start: what is known before the attempt begins
    """

    ti: Any
    sink: ProgressSink
    start: ProgressStart

    @classmethod
    def of(cls, context: Context, run: AirflowAttemptSpec, retention_days: float | None = None) -> AirflowProgress:
        """Return the place for an attempt: a row of the task state store, or an XCom before Airflow 3.3.

        :param context: of the task
        :param run: the pipeline and its attempt
        :param retention_days: how long the row is kept; None: as Airflow's configuration says, 0: for ever
        """
        ti: Any = context["ti"]
        accessor = context.get("task_state_store")
        shared, number = may_share_connection(), run.attempt.try_number
        start = ProgressStart(run.key, number, triggered_by(context, number), _usual(ti, run.config.name))
        if accessor is None:
            return cls(ti, SharedProgress(XComProgress(ti, shared)), start)
        days = checkpoint_retention_days(retention_days)
        row = TaskStateProgress(accessor, run.key, timedelta(days=days) if days else timedelta.max, shared)
        earlier: list[dict[str, Any]] = []
        try:
            earlier = earlier_attempts(row.read(), run.config.name, number)
        except Exception as error:  # noqa: BLE001 - it is for people only
            logger.warning("cannot read the progress of earlier attempts: %s", describe(error))
        return cls(ti, SharedProgress(row, earlier), start)

    def recorder(self, run: AirflowAttemptSpec) -> ProgressRecorder:
        """Return what records the attempt's progress here."""
        return ProgressRecorder(self.start, run.config, self.sink)

    def keep_usual(self, document: Document) -> None:
        """Keep what the components took for later runs to compare with, if all of them are complete.

        :param document: the attempt's last document
        """
        if document["attempt"]["state"] != AttemptState.SUCCEEDED:
            return
        try:
            usual = with_this_run(self.start.usual, document)
            self.ti.xcom_push(key=USUAL_KEY, value=usual_to_json(self.start.key.pipeline_name, usual))
        except Exception as error:  # noqa: BLE001 - it is for people only, and the pipeline has succeeded
            logger.warning("cannot keep what the components took: %s", describe(error))


def _usual(ti: Any, pipeline: str) -> dict[str, UsualCosts]:
    """Return what the components took in earlier runs, by the newest one that succeeded; empty if that is not known.

    In a backfill these are runs for earlier days. Of runs side by side each knows those that had ended when it began.
    """
    try:
        found = _pulled(ti, USUAL_KEY, include_prior_dates=True)
        return read_usual(found, pipeline)
    except Exception as error:  # noqa: BLE001 - it is for people only
        logger.debug("cannot read what the components usually take: %s", describe(error))
        return {}


def _pulled(ti: Any, key: str, *, include_prior_dates: bool = False) -> Any:
    """Return an XCom of the task itself, None if there is none."""
    index = -1 if ti.map_index is None else ti.map_index
    return ti.xcom_pull(task_ids=ti.task_id, key=key, include_prior_dates=include_prior_dates, map_indexes=index)
