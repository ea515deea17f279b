"""Spark's work of one thread: what Spark keeps for the thread, and how what it started is cancelled."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.spark.kind import spark_kind

_MARK = "pyspark_pipeline_"


@dataclass(frozen=True)
class SparkThreadState:
    """What Spark keeps for a thread: local properties or tags, and the active session.

    :param kept: properties of a JVM's thread, or what a client of Spark Connect keeps for a thread
    :param active: the active session, None if the thread has none
    """

    kept: Any
    active: Any


class ThreadWork:
    """Marks what a thread starts in Spark with a tag, so that another thread can cancel it.

    :param spark: the session that the thread uses; anything else has no work that could be cancelled
    """

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._kind = spark_kind(spark)
        self._tag = f"{_MARK}{uuid.uuid4().hex}"

    def thread_state(self) -> SparkThreadState | None:
        """Return a copy of what Spark keeps for this thread, None without Spark."""
        if self._kind == "classic":
            active = _java_sessions(self._spark).getActiveSession()
            properties = self._spark.sparkContext._jsc.sc().getLocalProperties().clone()
            return SparkThreadState(properties, active.get() if active.isDefined() else None)
        if self._kind == "connect":
            kept: Mapping[str, Any] = vars(self._spark.client.thread_local)
            active = getattr(type(self._spark)._active_session, "session", None)
            return SparkThreadState(copy.deepcopy(dict(kept)), active)
        return None

    def give_thread(self, state: SparkThreadState | None) -> None:
        """Let Spark keep for this thread what it kept for another one."""
        if state is None:
            return
        if self._kind == "connect":
            kept = vars(self._spark.client.thread_local)
            kept.clear()
            kept.update(copy.deepcopy(state.kept))
            type(self._spark)._active_session.session = state.active
            return
        self._spark.sparkContext._jsc.sc().setLocalProperties(state.kept)
        sessions = _java_sessions(self._spark)
        if state.active is not None:
            sessions.setActiveSession(state.active)
        else:
            sessions.clearActiveSession()

    def mark(self) -> None:
        """Mark what this thread starts from now on."""
        if self._kind == "classic":
            self._spark.sparkContext.addJobTag(self._tag)
        elif self._kind == "connect":
            self._spark.addTag(self._tag)

    def unmark(self) -> None:
        """Mark no more of what this thread starts; it may have removed the mark itself."""
        if self._kind == "classic":
            self._spark.sparkContext.removeJobTag(self._tag)
        elif self._kind == "connect" and self._tag in self._spark.getTags():
            self._spark.removeTag(self._tag)

    @property
    def cancel(self) -> Callable[[], object]:
        """Cancels what runs with the mark. Spark's answer may take long, so call it in a thread of its own."""
        if self._kind == "classic":
            return lambda: self._spark.sparkContext.cancelJobsWithTag(self._tag)
        if self._kind == "connect":
            return lambda: self._spark.interruptTag(self._tag)
        return lambda: None


def thread_marks(spark: Any) -> frozenset[str]:
    """Return with which marks of :class:`ThreadWork` this thread starts jobs.

    :param spark: a classic session
    """
    return frozenset(tag for tag in spark.sparkContext.getJobTags() if tag.startswith(_MARK))


def _java_sessions(spark: Any) -> Any:
    return type(spark)._get_j_spark_session_class(spark._jvm)
