"""What Spark is doing at this moment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from airflow_provider.runner.config.thread_owner import thread_owner
from airflow_provider.runner.spark.kind import spark_kind
from airflow_provider.runner.spark.thread_work import thread_marks

MOST_STAGES = 50
_DULL = " at NativeMethodAccessorImpl.java:0"  # the caller that Spark names for every call from Python
_LONGEST = 100


@dataclass(frozen=True)
class SparkWork:
    """The jobs that run at one moment, taken together.

    :param description: that of their SQL, or the job's own; empty if there is none
    :param rows: rows read so far, 0 if that is not known
    :param bytes: bytes read so far
    """

    description: str = ""
    stages: int = 0
    stages_done: int = 0
    tasks: int = 0
    tasks_done: int = 0
    tasks_running: int = 0
    rows: int = 0
    bytes: int = 0


ProgressReader = Callable[[], SparkWork | None]
"""Returns what Spark is doing, None if no job runs."""


def spark_progress(spark: Any) -> AbstractContextManager[ProgressReader]:
    """Return a context manager that gives a reader of the session's progress. Reading may raise Spark's errors.

    In a thread of a component that runs side by side with others, it is that of the jobs that carry a mark of the
    thread, see :func:`~airflow_provider.runner.spark.thread_work.thread_marks`.
    """
    if spark_kind(spark) == "classic":
        marks = thread_marks(spark) if thread_owner() is not None else None
        return contextlib.nullcontext(lambda: _classic(spark, marks))
    if hasattr(spark, "registerProgressHandler"):
        return _connect(spark)
    return contextlib.nullcontext(lambda: None)


def _classic(spark: Any, marks: Collection[str] | None) -> SparkWork | None:
    context = spark.sparkContext
    jobs = context.statusTracker().getActiveJobsIds()
    if not jobs:
        return None
    store = context._jsc.sc().statusStore()
    described: dict[str, None] = {}
    total = SparkWork()
    stages: list[int] = []
    for job in jobs:
        found = store.jobWithAssociatedSql(int(job))
        data, execution = found._1(), found._2()
        if marks is not None and not any(data.jobTags().contains(mark) for mark in marks):
            continue
        described[_described(spark, data, execution)] = None
        ids = [int(stage) for stage in data.stageIds().mkString(" ").split()]
        stages += ids
        total = SparkWork(
            stages=total.stages + len(ids),
            stages_done=total.stages_done + data.numCompletedStages() + data.numSkippedStages(),
            tasks=total.tasks + data.numTasks() - data.numSkippedTasks(),
            tasks_done=total.tasks_done + data.numCompletedTasks(),
            tasks_running=total.tasks_running + data.numActiveTasks(),
        )
    if not described:
        return None
    rows, size = _read(store, sorted(set(stages))[-MOST_STAGES:])
    return _with(total, "; ".join(filter(None, described)), rows, size)


def _described(spark: Any, job: Any, execution: Any) -> str:
    if execution.isDefined():
        kept = spark._jsparkSession.sharedState().statusStore().execution(execution.get())
        if kept.isDefined():
            return _short(kept.get().description())
    description = job.description()
    return _short(description.get() if description.isDefined() else job.name())


def _read(store: Any, stages: Iterable[int]) -> tuple[int, int]:
    """Return rows and bytes that stages have read from their sources or, without sources, from other stages."""
    from py4j.protocol import Py4JJavaError

    read = [0, 0]
    shuffled = [0, 0]
    for stage in stages:
        try:
            data = store.lastStageAttempt(stage)
        except Py4JJavaError:  # it has not begun
            continue
        read = [read[0] + data.inputRecords(), read[1] + data.inputBytes()]
        shuffled = [shuffled[0] + data.shuffleReadRecords(), shuffled[1] + data.shuffleReadBytes()]
    rows, size = read if any(read) else shuffled
    return rows, size


def _short(text: str) -> str:
    words = " ".join(text.split()).removesuffix(_DULL)
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _with(work: SparkWork, description: str, rows: int, size: int) -> SparkWork:
    return SparkWork(
        description, work.stages, work.stages_done, work.tasks, work.tasks_done, work.tasks_running, rows, size
    )


@contextlib.contextmanager
def _connect(spark: Any) -> Iterator[ProgressReader]:
    """A server reports progress only while a query runs."""
    running: dict[str, SparkWork] = {}

    def on_progress(stages: Any, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        if done:
            running.pop(str(operation_id), None)
            return
        stages = list(stages or ())
        running[str(operation_id)] = SparkWork(
            stages=len(stages),
            stages_done=sum(stage.done for stage in stages),
            tasks=sum(stage.num_tasks for stage in stages),
            tasks_done=sum(stage.num_completed_tasks for stage in stages),
            tasks_running=inflight_tasks,
            bytes=sum(stage.num_bytes_read for stage in stages),
        )

    spark.registerProgressHandler(on_progress)
    try:
        yield lambda: next(reversed(list(running.values())), None)
    finally:
        spark.removeProgressHandler(on_progress)
