"""A component's time limit ends its try, wherever it hangs, and changes nothing for one that is quick."""

from __future__ import annotations

import contextvars
import decimal
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import AttemptStopped, ComponentTimeoutError, SparkSessionError
from airflow_provider.runner import PipelineResult, PipelineResultStatus
from airflow_provider.runner.running import timed_try
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AT_ONCE = {"initial_delay_seconds": 0}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> Iterator[None]:
    """On a busy machine what can be ended takes longer to end. And Spark takes some seconds to kill Python workers."""
    monkeypatch.setattr(timed_try, "_PYTHON_GRACE_SECONDS", 30.0)
    yield
    deadline = time.monotonic() + 30
    while any(each.numRunningTasks() for each in executors(spark)) and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What abandoned code waits for, so that it ends with the test."""
    monkeypatch.setattr(timed_try, "_PYTHON_GRACE_SECONDS", 0.3)
    monkeypatch.setattr(timed_try, "_SPARK_GRACE_SECONDS", 0.3)
    event = threading.Event()
    yield event
    event.set()
    for abandoned in timed_try._abandoned:
        abandoned.thread.join(10)


def timed_run(spark: SparkSession, folder: Path, seconds: float | None, **fields: Any) -> SparkRun:
    """A run of two components, the first of which has a time limit."""
    return SparkRun(
        spark, folder / "views", component("slow", timeout_seconds=seconds, **fields), component("next", "slow")
    )


def succeeded(result: PipelineResult) -> bool:
    return result.status is PipelineResultStatus.SUCCESS


def executors(spark: SparkSession) -> Any:
    return spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()


def active_jobs(spark: SparkSession) -> list[int]:
    return list(spark.sparkContext.statusTracker().getActiveJobsIds())


def slow_rows(spark: SparkSession, seconds: float = 60) -> Any:
    """A frame with a row that takes that long in a Python function."""
    from pyspark.sql.functions import udf

    def wait(n: int) -> int:
        time.sleep(seconds)
        return n

    return spark.range(1).select(udf(wait, "bigint")("id"))


def hanging_action(run: SparkRun) -> None:
    slow_rows(run.session).collect()


def hanging_job(run: SparkRun) -> None:
    """A job without Python on the executors."""
    run.session.range(10**13).selectExpr("sum(id * 7 % 3)").collect()


def hanging_loop(run: SparkRun) -> None:
    while True:
        time.sleep(0.05)


def stubborn_retries(run: SparkRun) -> None:
    """Takes each failure of Spark for an outage, as an author's own retries do."""
    while True:
        try:
            slow_rows(run.session).collect()
        except Exception:
            time.sleep(0.01)


HANGS = {"an action": hanging_action, "a job": hanging_job, "a loop": hanging_loop, "own retries": stubborn_retries}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_what_hangs_is_ended_and_named(
    hang: Any, spark: SparkSession, tmp_path: Path, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Its Spark work is cancelled, the error says where it was and what to do, and the session is good for others."""
    run = timed_run(spark, tmp_path, 1.0)
    script.on("slow", lambda: hang(run))
    began = time.monotonic()
    result = run.attempt()
    assert time.monotonic() - began < 40

    (failed, after) = result.component_results
    error = failed.error
    assert isinstance(error, ComponentTimeoutError)
    assert (error.component, error.seconds, error.still_running) == ("slow", 1.0, False)
    assert "took longer than its timeout_seconds of 1" in str(error)
    assert hang.__name__ in str(error.place)
    assert failed.failure is not None
    assert failed.failure.where == error.place
    assert str(after.reason) == "'slow' failed before it"
    assert "slow: its timeout_seconds of 1 are over; cancelling its Spark work" in caplog.text
    deadline = time.monotonic() + 10
    while active_jobs(spark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert active_jobs(spark) == []
    assert run.session.range(3).count() == 3

    script.mend("slow")
    assert succeeded(run.attempt())


def test_code_that_cannot_be_ended_is_abandoned(
    spark: SparkSession, tmp_path: Path, script: Script, caplog: pytest.LogCaptureFixture, release: threading.Event
) -> None:
    """No retry of it starts, nothing else runs, also with ``fail_fast=False``, and what it does is not recorded."""
    run = SparkRun(
        spark,
        tmp_path,
        component("slow", timeout_seconds=0.3, retry={"max_attempts": 3, **AT_ONCE}),
        component("other"),
    )

    def deaf() -> None:
        release.wait(60)
        run.session.range(1).createOrReplaceTempView("too_late")

    script.on("slow", deaf)
    result = run.attempt(fail_fast=False)
    error = result.component_results[0].error
    assert isinstance(error, ComponentTimeoutError)
    assert error.still_running
    assert script.calls == ["slow"]
    assert result.completed_components == []
    assert "release.wait(60)" in str(error.place)
    assert "slow: its Python code is still running, at " in caplog.text
    assert ", in deaf: release.wait(60)" in caplog.text

    release.set()
    timed_try._abandoned[0].thread.join(10)
    state = run.store.load("run-1", "p")
    assert state is not None
    assert (state.completed_components, state.failed_component) == ([], "slow")


def test_nothing_runs_in_a_session_that_abandoned_code_could_change(
    spark: SparkSession, tmp_path: Path, script: Script, release: threading.Event
) -> None:
    """An attempt in the same process and session is refused, until that code has ended."""
    from airflow_provider.runner import SimplePipelineRunner

    run = timed_run(spark, tmp_path, 0.2)
    runner = SimplePipelineRunner(run.config, spark=run.session)
    script.on("slow", lambda: release.wait(60))
    assert not succeeded(runner.run())
    script.mend("slow")
    with pytest.raises(SparkSessionError, match="code of 'slow' is still running in this process"):
        runner.run()
    release.set()
    timed_try._abandoned[0].thread.join(10)
    assert succeeded(runner.run())


def test_a_retry_after_a_time_limit_has_its_own_time(spark: SparkSession, tmp_path: Path, script: Script) -> None:
    """Two tries that together take longer than the limit, and the second one succeeds."""
    run = timed_run(spark, tmp_path, 3.0, retry={"max_attempts": 2, **AT_ONCE})
    tries: list[float] = []

    def slow_at_first() -> None:
        tries.append(time.monotonic())
        while len(tries) == 1:
            time.sleep(0.05)
        time.sleep(1.0)
        run.session.range(4).createOrReplaceTempView("rows")

    script.on("slow", slow_at_first)
    result = run.attempt()
    assert succeeded(result), result.component_results[0].error
    assert (len(tries), result.component_results[0].retries) == (2, 1)
    assert run.session.table("rows").count() == 4


class AirflowTaskTimeout(BaseException):
    """As Airflow's own, which needs Airflow."""


@pytest.mark.parametrize("hang", [hanging_action, hanging_loop])
def test_airflows_time_limit_ends_a_component_that_has_one_of_its_own(
    hang: Any, spark: SparkSession, tmp_path: Path, script: Script
) -> None:
    """The signal reaches the main thread at once, and the component is ended, too."""
    run = timed_run(spark, tmp_path, 60)
    ended = threading.Event()

    def hangs() -> None:
        try:
            hang(run)
        finally:
            ended.set()

    def handler(number: int, frame: object) -> None:
        raise AirflowTaskTimeout

    script.on("slow", hangs)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        began = time.monotonic()
        with pytest.raises(AirflowTaskTimeout):
            run.attempt()
        assert time.monotonic() - began < 15
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ended.wait(30)
    assert run.session.range(3).count() == 3
    state = run.store.load("run-1", "p")
    assert state is None or state.completed_components == []


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def outcome(spark: SparkSession, folder: Path, script: Script, seconds: float | None) -> dict[str, Any]:
    """What a busy component finds and leaves."""
    found: dict[str, Any] = {}
    run = timed_run(spark, folder, seconds, session_state="save")
    context = spark.sparkContext
    java_sessions: Any = type(run.session)._get_j_spark_session_class(run.session._jvm)

    def busy() -> None:
        active = java_sessions.getActiveSession()
        found["active"] = active.isDefined() and active.get().equals(run.session._jsparkSession)
        found["inherited"] = context.getLocalProperty("set.before")
        found["variable"] = VARIABLE.get()
        logging.getLogger("author").warning("the author says so")
        run.session.range(5).createOrReplaceTempView("five")
        run.session.conf.set("spark.sql.shuffle.partitions", "7")
        context.setLocalProperty("set.by.component", "yes")
        context.setLocalProperty("spark.scheduler.pool", "nightly")
        context.setJobGroup("group of the author", "what it is for")
        os.environ["SET_BY_COMPONENT"] = "yes"
        VARIABLE.set("by the component")
        decimal.setcontext(decimal.Context(prec=9))
        (folder / "note.txt").write_text("a side effect")
        found["rows"] = run.session.table("five").count()

    def following() -> None:
        found["then"] = (
            context.getLocalProperty("set.by.component"),
            context.getLocalProperty("spark.scheduler.pool"),
            context.getLocalProperty("spark.jobGroup.id"),
            context.getLocalProperty("spark.job.tags"),
            VARIABLE.get(),
            decimal.getcontext().prec,
            os.environ["SET_BY_COMPONENT"],
        )

    script.on("slow", busy)
    script.on("next", following)

    def whole() -> PipelineResult:
        context.setLocalProperty("set.before", "here")
        java_sessions.setActiveSession(run.session._jsparkSession)
        return run.attempt()

    result = contextvars.copy_context().run(whole)
    assert succeeded(result), result.component_results[0].error
    state = run.store.load("run-1", "p")
    assert state is not None
    record = state.components["slow"].session_state
    assert record is not None
    found["record"] = record.model_dump(exclude={"views", "work_seconds"})
    found["views"] = [view.name for view in record.views]
    found["sources"], found["writes"] = state.components["slow"].sources, state.components["slow"].writes
    os.environ.pop("SET_BY_COMPONENT")
    for name in ("set.before", "set.by.component", "spark.scheduler.pool", "spark.jobGroup.id"):
        context.setLocalProperty(name, None)
    context.setLocalProperty("spark.job.description", None)
    return found


def test_a_quick_component_finds_and_leaves_the_same_as_without_a_limit(
    spark: SparkSession, tmp_path: Path, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Session, local properties, pool, job group, environment, context, evidence and record."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    without = outcome(spark, tmp_path / "a", script, None)
    limited = outcome(spark, tmp_path / "b", script, 60)
    for name in without:
        ours = str(without[name]).replace(f"{tmp_path}/a", "FOLDER")
        theirs = str(limited[name]).replace(f"{tmp_path}/b", "FOLDER")
        assert theirs == ours, name
    assert without["active"]
    assert without["inherited"] == "here"
    assert without["then"][:3] == ("yes", "nightly", "group of the author")
    assert caplog.text.count("the author says so") == 2


def test_without_a_limit_a_component_runs_in_the_thread_of_its_caller(
    spark: SparkSession, tmp_path: Path, script: Script
) -> None:
    threads: list[threading.Thread] = []
    run = SparkRun(spark, tmp_path, component("plain"), component("timed", timeout_seconds=60))
    for name in ("plain", "timed"):
        script.on(name, lambda: threads.append(threading.current_thread()))
    assert succeeded(run.attempt())
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threads[0]


def test_what_a_component_raises_in_time_is_what_fails_it(spark: SparkSession, tmp_path: Path, script: Script) -> None:
    """With the line of the author's code, as ever."""
    run = timed_run(spark, tmp_path, 60)

    def breaks() -> None:
        raise ValueError("broken")

    script.on("slow", breaks)
    failed = run.attempt().component_results[0]
    assert str(failed.error) == "broken"
    assert failed.failure is not None
    assert "in breaks" in str(failed.failure.where)


def test_an_attempt_that_is_stopped_by_its_component_stops(spark: SparkSession, tmp_path: Path, script: Script) -> None:
    """What is no ordinary exception leaves the thread as such."""
    run = timed_run(spark, tmp_path, 60)
    script.fail("slow", AttemptStopped("enough"))
    with pytest.raises(AttemptStopped, match="enough"):
        run.attempt()
