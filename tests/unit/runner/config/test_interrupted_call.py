"""Nothing is asked on a connection that an exception has interrupted."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner.config.interrupted_call import ask_safely, clean_up, is_interruption, sound_connection

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class OutOfTime(BaseException):
    """What Airflow raises when a task's time is over is of this kind."""


def in_the_middle_of_a_call(spark: SparkSession) -> None:
    """Let SIGALRM end a call to the JVM that takes a second."""

    def over(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        spark._jvm.java.lang.Thread.sleep(1000)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def parse(spark: SparkSession) -> Any:
    """A function of the JVM whose answers are easy to tell apart."""
    return spark._jvm.java.lang.Integer.parseInt


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OutOfTime(), True),
        (KeyboardInterrupt(), True),
        (SystemExit(), True),
        (RuntimeError(), False),
        (GeneratorExit(), False),
        (None, False),
    ],
)
def test_an_interruption_is_what_signal_handlers_raise(error: BaseException | None, expected: bool) -> None:
    """``GeneratorExit`` is raised where a generator stands, which is never inside a call."""
    assert is_interruption(error) is expected


def test_the_interrupted_thread_gets_answers_of_the_call_before(spark: SparkSession, parse: Any) -> None:
    """The surprise itself, in plain pyspark: no error, only another answer."""

    def author() -> None:
        try:
            in_the_middle_of_a_call(spark)
        finally:
            answers.extend([parse("1"), parse("2"), ask_safely(lambda: parse("3"))])

    answers: list[object] = []
    with pytest.raises(OutOfTime), sound_connection():
        author()
    assert answers == [None, 1, 3]  # the first is what the interrupted call returns
    assert parse("4") == 4


def test_what_is_asked_on_the_way_out_gets_its_own_answer(spark: SparkSession, parse: Any) -> None:
    """It goes through a thread of its own; without an interruption it stays in the caller's."""

    def on_the_way_out() -> None:
        try:
            in_the_middle_of_a_call(spark)
        finally:
            answers.append(ask_safely(lambda: parse("7")))
            threads.append(ask_safely(threading.current_thread))

    answers, threads = [], [ask_safely(threading.current_thread)]
    with pytest.raises(OutOfTime), sound_connection():
        on_the_way_out()
    assert answers == [7]
    assert [thread is threading.current_thread() for thread in threads] == [True, False]


def keeps(error: BaseException) -> object:
    return error


def raises_another(error: BaseException) -> object:
    raise RuntimeError("could not finish") from error


@pytest.mark.parametrize("then", [keeps, raises_another])
def test_a_caught_interruption_does_not_shift_later_answers(
    spark: SparkSession, parse: Any, then: Callable[[BaseException], object]
) -> None:
    """A component may catch it and keep it, or raise its own error instead: the next component asks in this thread."""
    kept: object = None
    try:
        with sound_connection():
            try:
                in_the_middle_of_a_call(spark)
            except OutOfTime as error:
                kept = error
                kept = then(error)
    except RuntimeError:
        pass
    assert [parse(str(number)) for number in range(3)] == [0, 1, 2]
    assert kept is not None


def test_a_sound_connection_stays_with_what_spark_keeps_for_it(spark: SparkSession) -> None:
    """Job tags and local properties belong to a connection, so an ordinary error must not cost them."""
    spark.sparkContext.setLocalProperty("of.this.connection", "kept")
    with pytest.raises(RuntimeError), sound_connection():
        raise RuntimeError
    assert spark.sparkContext.getLocalProperty("of.this.connection") == "kept"
    spark.sparkContext.setLocalProperty("of.this.connection", None)  # type: ignore[arg-type]


def test_a_clean_up_that_fails_does_not_hide_the_interruption(caplog: pytest.LogCaptureFixture) -> None:
    """It would look like an error of the component, which Airflow retries; without an interruption it is raised."""

    def work() -> None:
        raise RuntimeError("the storage is gone")

    def interrupted() -> None:
        try:
            raise OutOfTime
        finally:
            clean_up(work)

    with caplog.at_level(logging.WARNING), pytest.raises(OutOfTime):
        interrupted()
    assert "the storage is gone" in caplog.text
    with pytest.raises(RuntimeError, match="the storage is gone"):
        clean_up(work)


def test_an_answer_that_does_not_come_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow kills the process five seconds after it has asked it to stop."""
    monkeypatch.setattr("airflow_provider.runner.config.interrupted_call._ANSWER_SECONDS", 0.05)
    never = threading.Event()

    def interrupted() -> None:
        try:
            raise OutOfTime
        except OutOfTime:
            ask_safely(never.wait)

    with pytest.raises(TimeoutError):
        interrupted()
    never.set()


def test_an_interruption_that_pyspark_hides_comes_out_as_itself(spark: SparkSession) -> None:
    """Between the job and its rows ``collect`` raises ``UnboundLocalError`` instead, which Airflow would retry."""
    from py4j.clientserver import ClientServerConnection

    def send(connection: Any, command: str) -> Any:
        if command.startswith("a\n"):  # an element of an array: the port where the rows wait
            connection.socket.sendall(command.encode())
            raise OutOfTime
        return original(connection, command)

    original, frame = ClientServerConnection.send_command, spark.range(3)
    ClientServerConnection.send_command = send
    try:
        with pytest.raises(OutOfTime), sound_connection():
            frame.collect()
    finally:
        ClientServerConnection.send_command = original
    assert frame.count() == 3
