"""Airflow's time limit ends a call to Spark: nothing asks on that connection again, and what is recorded is right."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.errors import AttemptStopped
from airflow_provider.launch.in_process import InProcessSpark
from airflow_provider.operators.attempt_guard import AttemptGuard, TimeLimit
from airflow_provider.runner import LocalCheckpointStore, PipelineConfig
from airflow_provider.runner.config.interrupted_call import collected, is_interruption, sound_connection
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READY = "airflow_provider.components"


class AirflowTaskTimeout(BaseException):
    """As Airflow's own, which needs Airflow."""


class Wire:
    """The connection of this thread to the JVM: breaks a call in the middle, and notes what is asked after that.

    :param breaks: which call, counted from 1; 0 for none
    """

    def __init__(self, breaks: int = 0) -> None:
        self.calls = 0
        self.asked: list[str] = []
        self._breaks = breaks
        self._thread = threading.current_thread()

    def send(self, original: Any, connection: Any, command: str) -> Any:
        if threading.current_thread() is not self._thread:
            return original(connection, command)
        self.calls += 1
        # `collect` itself takes the call site back on its way out, and nothing of ours follows on that connection.
        if is_interruption(sys.exception()) and "setCallSite" not in command:
            self.asked.append(command.replace("\n", " "))
        if self.calls == self._breaks:
            connection.socket.sendall(command.encode())  # the answer will come, and nobody waits for it
            raise AirflowTaskTimeout
        return original(connection, command)


@contextmanager
def wire(breaks: int = 0) -> Iterator[Wire]:
    """Put a :class:`Wire` between Python and the JVM."""
    from py4j.clientserver import ClientServerConnection

    original, found = ClientServerConnection.send_command, Wire(breaks)
    with sound_connection():
        ClientServerConnection.send_command = lambda connection, command: found.send(original, connection, command)
        try:
            yield found
        finally:
            ClientServerConnection.send_command = original


class Night:
    """A run whose components leave views and write to a path and to tables in every way."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.tables = [f"t_{uuid4().hex}" for _ in range(3)]
        anew, swapped, partitioned = self.tables
        spark.sql(f"CREATE TABLE {anew} USING parquet AS SELECT 'old' AS word")
        spark.sql(f"CREATE TABLE {swapped} USING parquet AS SELECT 0 AS n")
        spark.sql(f"CREATE TABLE {partitioned} USING parquet PARTITIONED BY (p) AS SELECT 0 AS n, 1 AS p")
        spark.range(1).write.parquet(str(folder / "out"))
        components = [
            ("numbers", "RunSql", {"sql": "SELECT CAST(id AS INT) AS n FROM range(3)", "output_view": "numbers"}),
            ("path", "WriteData", {"input_view": "numbers", "path": str(folder / "out"), "mode": "overwrite"}),
            ("anew", "WriteData", {"input_view": "numbers", "table": anew, "mode": "overwrite"}),
            ("swapped", "WriteData", {"input_view": "numbers", "table": swapped, "mode": "overwrite"}),
            ("parted", "RunSql", {"sql": "SELECT n, 1 AS p FROM numbers", "output_view": "parted"}),
            (
                "partitions",
                "WriteData",
                {"input_view": "parted", "table": partitioned, "mode": "overwrite_partitions"},
            ),
        ]
        self._config = PipelineConfig.model_validate(
            {
                "name": "night",
                "session_state": "save",
                "components": [
                    {
                        "name": name,
                        "class_path": f"{READY}.{kind}",
                        "config": config,
                        "depends_on": [components[n - 1][0]] if n else [],
                    }
                    for n, (name, kind, config) in enumerate(components)
                ],
            }
        )
        self._store = LocalCheckpointStore(folder / "checkpoints")

    def attempt(self) -> None:
        """Run what is left of it.

        :raises Exception: what a component raised
        """
        result = run_attempt(
            AttemptSpec(
                self._config,
                self._store,
                RunKey((), "r", "night"),
                spark=lambda: self.spark.newSession(),
                session_state_url=str(self.folder / "views"),
            )
        )
        for _, error in result.failed_components:
            raise error

    def completed(self) -> list[str]:
        state = self._store.load("r", "night")
        return state.completed_components if state is not None else []

    def results(self) -> list[list[int]]:
        self.spark.catalog.refreshByPath(str(self.folder / "out"))
        for table in self.tables:
            self.spark.catalog.refreshTable(table)
        frames = [self.spark.read.parquet(str(self.folder / "out")), *map(self.spark.table, self.tables)]
        return [sorted(row[0] for row in frame.collect()) for frame in frames]

    def drop(self) -> None:
        for table in self.tables:
            self.spark.sql(f"DROP TABLE IF EXISTS {table}")


def calls_of_a_night(spark: SparkSession, folder: Path) -> int:
    """Return the number of calls to the JVM when what is made once for each JVM is there."""
    for place in (folder / "first", folder / "second"):
        place.mkdir(parents=True)
        night = Night(spark, place)
        with wire() as counted:
            night.attempt()
        assert night.results() == [[0, 1, 2]] * 4
        night.drop()
    return counted.calls


def break_at(spark: SparkSession, folder: Path, calls: list[int]) -> None:
    """Break a night at each of these calls, and let the next attempt finish it."""
    for breaks in calls:
        place = folder / str(breaks)
        place.mkdir()
        night = Night(spark, place)
        began = time.monotonic()
        with wire(breaks) as found:
            with pytest.raises(AirflowTaskTimeout):
                night.attempt()
            assert time.monotonic() - began < 30
        assert found.asked == [], f"asked after call {breaks} was interrupted"
        before = night.completed()
        night.attempt()
        assert night.completed()[: len(before)] == before
        assert night.results() == [[0, 1, 2]] * 4, f"after call {breaks} was interrupted"
        night.drop()


@pytest.mark.torture
def test_no_call_follows_an_interrupted_one_in_its_thread(spark: SparkSession, tmp_path: Path) -> None:
    """Wherever the time limit falls, the next attempt finishes the run with the right rows. A sample of all calls."""
    total = calls_of_a_night(spark, tmp_path / "whole")
    assert total > 200
    break_at(spark, tmp_path, [round(total * part / 5) for part in range(1, 5)])


@pytest.mark.torture
def test_no_call_follows_any_interrupted_one_in_its_thread(spark: SparkSession, tmp_path: Path) -> None:
    """The same for each tenth call."""
    total = calls_of_a_night(spark, tmp_path / "whole")
    break_at(spark, tmp_path, list(range(1, total, 10)))


def kinds_of_errors(spark: SparkSession, collect: Callable[[Any], object]) -> set[type[BaseException]]:
    """Return what a `collect` raises whose first, second, … call is interrupted."""
    found: set[type[BaseException]] = set()
    for number in range(1, 100):
        with wire(number) as broken:
            try:
                collect(spark.range(3))
            except BaseException as error:
                found.add(type(error))
        if broken.calls < number:
            return found
    raise AssertionError("it makes more than a hundred calls")


def test_an_interrupted_collect_raises_the_interruption(spark: SparkSession) -> None:
    """Between two of its calls pyspark makes another error of it, and who catches those would go on."""
    assert kinds_of_errors(spark, lambda frame: frame.collect()) > {AirflowTaskTimeout}
    assert kinds_of_errors(spark, collected) == {AirflowTaskTimeout}


@pytest.fixture
def signalled() -> Iterator[Callable[[Callable[[], object], float], None]]:
    """Calls something from a signal handler after so many seconds."""

    def after(call: Callable[[], object], seconds: float) -> None:
        signal.signal(signal.SIGALRM, lambda *_: call())
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.getsignal(signal.SIGALRM)
    yield after
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def long_job(spark: SparkSession) -> None:
    spark.range(10**12).selectExpr("sum(hash(id))").collect()


def running_jobs(spark: SparkSession) -> int:
    return len(spark.sparkContext.statusTracker().getActiveJobsIds())


def test_a_time_limit_that_ends_a_collect_leaves_a_right_record(
    spark: SparkSession, script: Script, tmp_path: Path, signalled: Any
) -> None:
    """A real SIGALRM in the middle of a long job: the attempt ends within seconds, and the next one goes on."""
    config = PipelineConfig.model_validate(
        {
            "name": "p",
            "components": [
                {
                    "name": "first",
                    "class_path": f"{READY}.RunSql",
                    "config": {"sql": "SELECT id FROM range(3)", "output_view": "three"},
                },
                *(
                    {
                        "name": name,
                        "class_path": "tests.samples.components.basic.scripted",
                        "config": {"name": name},
                        "depends_on": [after],
                    }
                    for name, after in (("long", "first"), ("last", "long"))
                ),
            ],
        }
    )
    store, counted = LocalCheckpointStore(tmp_path / "checkpoints"), []
    began: list[float] = []  # the time is counted from when the long job begins, however slow this machine is

    def attempt() -> None:
        limit = TimeLimit(timedelta(seconds=1), 0)
        with (
            InProcessSpark(None, {}, {}, "test") as opened,
            AttemptGuard(
                opened, limit, supervised=False, clock=lambda: time.monotonic() - began[0] if began else 0
            ) as guard,
        ):
            session = opened.open()
            script.on("last", lambda: counted.append(session.table("three").count()))
            views = str(tmp_path / "views")
            run_attempt(
                AttemptSpec(config, store, RunKey((), "r", "p"), spark=session, session_state_url=views, hooks=[guard])
            )

    def over() -> None:
        raise AirflowTaskTimeout

    def run_long() -> None:
        began.append(time.monotonic())
        signalled(over, 1)
        long_job(spark)

    script.on("long", run_long)
    with pytest.raises(AirflowTaskTimeout, match="execution_timeout of 0:00:01 is over") as caught:
        attempt()
    assert time.monotonic() - began.pop() < 10
    assert running_jobs(spark) == 0
    state = store.load("r", "p")
    assert state is not None
    assert (state.completed_components, list(state.components)) == (["first"], ["first"])
    assert [view.name for view in state.components["first"].session_state.left_views] == ["three"]

    # The traceback is still held, as it is while Airflow logs it. This thread is fit for the next attempt all the same.
    assert caught.value is not None
    script.mend("long")
    attempt()
    assert counted == [3]


def test_cancelling_in_a_signal_handler_cancels_nothing(spark: SparkSession, signalled: Any) -> None:
    """The surprise itself, in plain pyspark: the handler runs in the thread that waits for the job."""
    refused: list[BaseException] = []

    def cancel() -> None:
        try:
            spark.sparkContext.cancelAllJobs()
        except Exception as error:
            refused.append(error)
        aside = threading.Thread(target=lambda: still.append(running_jobs(spark)))
        aside.start()
        aside.join()
        aside = threading.Thread(target=spark.sparkContext.cancelAllJobs)
        aside.start()
        aside.join()

    still: list[int] = []
    signalled(cancel, 1)
    with pytest.raises(Exception, match=r"cancelled|An error occurred while calling"), sound_connection():
        long_job(spark)
    assert running_jobs(spark) == 0
    assert len(refused) == 1
    assert still == [1]


def test_spark_in_the_task_is_aborted_from_a_signal_handler(spark: SparkSession, signalled: Any) -> None:
    """``on_kill`` runs in one, in the middle of any call."""
    with InProcessSpark(None, {}, {}, "test") as opened:
        guard = AttemptGuard(opened, TimeLimit(None, 0), supervised=False)
        session = opened.open()
        signalled(guard.kill, 1)
        began = time.monotonic()
        with pytest.raises(AttemptStopped), sound_connection():
            long_job(session)
    assert time.monotonic() - began < 10
    assert running_jobs(spark) == 0
