"""What a long component says while it is at work, with a real Spark."""

from __future__ import annotations

import logging
import os
import pty
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pyspark import InheritableThread

from airflow_provider.commands.standalone.terminal import ProgressBar, StderrHandler
from airflow_provider.runner import NoOpHooks, PipelineConfig, SimplePipelineRunner
from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for
from airflow_provider.runner.observing.progress import ProgressLog, in_words
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from airflow_provider.runner.spark.job_progress import ProgressReader, SparkWork, spark_progress
from airflow_provider.runner.spark.thread_work import ThreadWork
from tests.conftest import Script
from tests.samples.pipelines import pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run(config: PipelineConfig, spark: Any, every: float) -> None:
    SimplePipelineRunner(config, spark=spark, environment=RunnerEnvironment(progress=ProgressLog(every))).run()


def at_work(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "still running after" in message]


def busy(spark: SparkSession, until: Callable[[], bool]) -> Callable[[], None]:
    """Return what keeps Spark busy: a job of two stages, whose tasks wait until they may end."""

    def work() -> None:
        rows = spark.createDataFrame([(n,) for n in range(40)], "n INT").repartition(4)
        rows.createOrReplaceTempView("rows_of_progress")
        done = threading.Event()

        def query() -> None:
            try:
                while not until():
                    spark.sql("SELECT n % 3, count(*) FROM rows_of_progress GROUP BY 1").collect()
            finally:
                done.set()

        threading.Thread(target=query, daemon=True).start()
        assert done.wait(60)

    return work


def test_a_long_component_says_what_spark_is_doing(
    spark: SparkSession, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Its place, how long it has been at work, stages, tasks, and rows that were read; a quick one says nothing."""
    caplog.set_level(logging.INFO)
    until = time.monotonic() + 60
    script.on("a", busy(spark, lambda: any("stages" in line for line in at_work(caplog)) or time.monotonic() > until))
    run(pipeline("a", "b"), spark, 0.05)

    told = next(line for line in at_work(caplog) if "stages" in line)
    assert re.fullmatch(
        r"\[1/2\] a: still running after [\d.]+ s: .*stages \d+ of \d+, tasks \d+ of \d+ \(\d+ running\)(, .* read)?",
        told,
    ), told
    assert not [line for line in at_work(caplog) if line.startswith("[2/2]")]


def test_a_component_that_waits_for_something_else_says_that_no_job_runs(
    spark: SparkSession, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """So that nobody looks for the fault in Spark."""
    caplog.set_level(logging.INFO)
    script.on("a", lambda: [time.sleep(0.01) for _ in range(3000) if not at_work(caplog)])
    run(pipeline("a"), spark, 0.05)
    assert at_work(caplog)[0].endswith("s: no active Spark job")


def test_progress_is_no_side_effect_of_the_component(
    spark: SparkSession, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The look goes to the JVM through a connection of its own while the component runs; it stays harmless."""
    caplog.set_level(logging.INFO)

    def work() -> None:
        spark.range(3).createOrReplaceTempView("seen_by_progress")
        for _ in range(3000):
            if at_work(caplog):
                break
            time.sleep(0.01)

    script.on("a", work)
    left: list[Any] = []

    class Notes(NoOpHooks):
        def after_component(self, event: Any) -> None:
            left.append(event.session_state)

    environment = RunnerEnvironment(progress=ProgressLog(0.05))
    SimplePipelineRunner(pipeline("a"), hooks=Notes(), spark=spark, environment=environment).run()
    assert at_work(caplog)
    assert left[0].harmless, left[0].reason


def test_side_by_side_each_component_is_told_its_own_work(spark: SparkSession) -> None:
    """By the mark of its jobs; jobs without a mark are nobody's."""
    stop, together = threading.Event(), threading.Barrier(4, timeout=60)
    seen: dict[str, set[str]] = {}

    def job(name: str) -> None:
        spark.sparkContext.setJobDescription(f"job of {name}")
        while not stop.is_set():
            spark.range(0, 10, 1, 2).repartition(2).foreach(lambda _: time.sleep(0.05))

    def component(name: str) -> None:
        with acting_for(ThreadOwner(name)):
            ThreadWork(spark).mark()
            with spark_progress(spark) as look:
                together.wait()
                found = seen.setdefault(name, set())
                reader = threading.Thread(target=watch, args=(look, found))
                reader.start()
                if name != "idle":
                    job(name)
                reader.join()

    def watch(look: ProgressReader, found: set[str]) -> None:
        for _ in range(40):
            if (work := look()) is not None:
                found.add(work.description)
            time.sleep(0.05)
        together.wait()
        stop.set()

    threads = [threading.Thread(target=component, args=(name,)) for name in ("a", "b", "idle")]
    threads.append(threading.Thread(target=lambda: (together.wait(), together.wait())))
    other = InheritableThread(target=lambda: (time.sleep(0.1), job("nobody")))
    for thread in [*threads, other]:
        thread.start()
    for thread in [*threads, other]:
        thread.join()
    assert seen == {"a": {"job of a"}, "b": {"job of b"}, "idle": set()}


def test_a_session_that_is_gone_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A look that fails is noted at debug level only: the component says what is wrong."""

    class Gone:
        _jsparkSession = None

        @property
        def sparkContext(self) -> Any:
            raise ConnectionRefusedError

    caplog.set_level(logging.DEBUG)
    with ProgressLog(0.01).watching("a", 1, 1, Gone()):
        deadline = time.monotonic() + 20
        while not caplog.messages and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [record.levelno for record in caplog.records][:1] == [logging.DEBUG]
    assert at_work(caplog) == []


def test_of_a_connect_server_is_known_what_it_tells() -> None:
    """The newest query that runs; nothing when all have ended, and nobody listens any more afterwards."""
    handlers: list[Any] = []

    class Stage:
        num_tasks, num_completed_tasks, num_bytes_read, done = 10, 4, 2_000_000, False

    class Session:
        registerProgressHandler = staticmethod(handlers.append)
        removeProgressHandler = staticmethod(handlers.remove)

    with spark_progress(Session()) as look:
        assert look() is None
        (tell,) = handlers
        tell([Stage()], 2, "x", False)
        assert look() == SparkWork(stages=1, tasks=10, tasks_done=4, tasks_running=2, bytes=2_000_000)
        tell(None, 0, "x", True)
        assert look() is None
    assert handlers == []


def test_progress_reads_as_stages_tasks_rows_and_bytes() -> None:
    """With rows and bytes where they are known, and with the SQL's description where there is one."""
    work = SparkWork("collect at etl.py:12", 5, 2, 800, 120, 8, 1_234_567, 98_700_000)
    assert in_words(work) == (
        "collect at etl.py:12: stages 2 of 5, tasks 120 of 800 (8 running), 1,234,567 rows, 98.7 MB read"
    )
    assert in_words(SparkWork("", 1, 0, 2, 0, 2)) == "stages 0 of 1, tasks 0 of 2 (2 running)"


@contextmanager
def screen() -> Iterator[list[str]]:
    """Let standard error lead to a terminal; return what arrives there."""
    arrived: list[str] = []
    there, here = pty.openpty()

    def read() -> None:
        try:
            while part := os.read(there, 4096):
                arrived.append(part.decode(errors="replace"))
        except OSError:  # nobody has it open any more
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with open(here, "w", encoding="utf-8") as terminal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "140")
        yield arrived
    reader.join(5)
    os.close(there)


def test_in_a_terminal_a_bar_shows_it_until_the_component_ends(spark: SparkSession) -> None:
    """Its place and what Spark is doing; what is logged meanwhile is a line above it; in the end the bar is gone."""
    log = logging.LogRecord("x", logging.INFO, __file__, 1, "a line of the log", None, None)
    until = time.monotonic() + 60

    with screen() as arrived:
        with ProgressBar().watching("grade", 2, 5, spark):
            busy(spark, lambda: "stages" in "".join(arrived) or time.monotonic() > until)()
            StderrHandler().emit(log)
        print("the end", file=sys.stderr, flush=True)
        while "the end" not in "".join(arrived) and time.monotonic() < until:
            time.sleep(0.05)

    shown = "".join(arrived)
    assert re.search(r"\[2/5\] grade.* stages ", shown)
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    assert "a line of the log" in [line.rpartition("\r")[2] for line in plain.split("\r\n")]
    wiped, _, after = shown.rpartition("\x1b[2K")
    assert "[2/5] grade" in wiped
    assert "[2/5] grade" not in after
    assert after.rstrip().endswith("the end")
