"""Who is blamed when a component fails because Spark is gone. The failures themselves: ``airflow/failing``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.errors import SparkLostError
from airflow_provider.runner import SimplePipelineRunner
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.spark import lost
from airflow_provider.runner.spark.jvm import JvmEnd
from airflow_provider.runner.spark.lost import session_is_gone, spark_lost
from tests.conftest import Script
from tests.samples.pipelines import pipeline


class Jvm:
    """What a JVM that this process has started has said.

    :param words: its last ones
    :param how: how it ended, None if it runs
    :param memory: what it ran out of
    """

    def __init__(self, words: tuple[str, ...] = (), how: JvmEnd | None = None, memory: str | None = None) -> None:
        self._words, self._how, self._memory = list(words), how, memory
        self.settings = {"spark.driver.memory": "2g"}

    def last_words(self) -> list[str]:
        return self._words

    def end(self, seconds: float = 0) -> JvmEnd | None:
        return self._how

    def out_of_memory(self) -> str | None:
        return self._memory


def classic(*, stopped: bool | None) -> Any:
    """A session whose context says whether it was stopped; with None nobody answers."""

    def is_stopped() -> bool:
        if stopped is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return stopped

    context = SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: SimpleNamespace(isStopped=is_stopped)))
    return SimpleNamespace(_sc=context, _jsparkSession=None, conf=SimpleNamespace(get=lambda key, default: default))


def connected() -> Any:
    return SimpleNamespace(_client=None, client=SimpleNamespace(host="spark.example"))


@pytest.fixture
def jvm(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(lost, "started_jvm", lambda: getattr(request, "param", None))


@pytest.mark.parametrize(
    ("jvm", "first", "remedy"),
    [
        (None, "Spark's JVM no longer answers; see its own log", None),
        (
            Jvm(how=JvmEnd(-9)),
            "Spark's JVM was killed by signal 9 (SIGKILL): most likely this machine or container ran out of memory",
            "give the worker more memory or Spark less: spark.driver.memory is 2g, and both",
        ),
        (
            Jvm(how=None, memory="java.lang.OutOfMemoryError: Java heap space"),
            "Spark's JVM ran out of memory; java.lang.OutOfMemoryError: Java heap space",
            "raise spark.driver.memory (now 2g)",
        ),
        (Jvm(how=JvmEnd(1)), "Spark's JVM ended with exit status 1", "check the worker"),
    ],
    indirect=["jvm"],
)
@pytest.mark.usefixtures("jvm")
def test_a_jvm_that_does_not_answer_is_blamed(first: str, remedy: str | None) -> None:
    """With how it ended, if that is known, and the setting to raise."""
    lost = spark_lost(classic(stopped=None), ConnectionRefusedError(111, "Connection refused"))
    assert lost is not None
    lines = str(lost).splitlines()
    assert lines[0] == first
    assert remedy is None or lines[-1].startswith(f"remedy: {remedy}")


@pytest.mark.parametrize(
    "jvm", [Jvm(("ERROR TaskSchedulerImpl: Master removed our application: KILLED",))], indirect=True
)
@pytest.mark.usefixtures("jvm")
def test_a_context_that_stopped_by_itself_is_the_masters_doing() -> None:
    """The reason stands in what the JVM printed."""
    lost = spark_lost(classic(stopped=True), ValueError("Cannot call methods on a stopped SparkContext"))
    assert lost is not None
    assert session_is_gone(lost)
    assert str(lost).splitlines()[0] == "Spark has stopped by itself: Master removed our application"
    assert str(lost).splitlines()[-1].startswith("remedy: check the cluster's master")


@pytest.mark.parametrize("jvm", [Jvm(memory="java.lang.OutOfMemoryError: Java heap space")], indirect=True)
@pytest.mark.usefixtures("jvm")
def test_a_context_that_stopped_because_its_jvm_ends_is_not() -> None:
    """Spark stops its context on the way out when memory is at an end."""
    lost = spark_lost(classic(stopped=True), ValueError("stopped"))
    assert lost is not None
    assert "ran out of memory" in str(lost) or "OutOfMemoryError" in str(lost)


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("Command exited with code 137", "raise spark.executor.memory (now 1g, Spark's default) or"),
        ("worker lost", "check the executors' logs in Spark's UI"),
    ],
)
@pytest.mark.usefixtures("jvm")
def test_executors_that_are_lost_leave_a_session_behind(why: str, remedy: str) -> None:
    """The next component could run in it, so saving what is complete is tried."""
    text = (
        f"Job aborted: ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: {why}\n\tat x"
    )
    lost = spark_lost(classic(stopped=False), ValueError(text))
    assert lost is not None
    assert not session_is_gone(lost)
    assert str(lost).splitlines()[0] == f"Spark kept losing executors; the last one: {why}"
    assert str(lost).splitlines()[1].startswith(f"remedy: {remedy}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<_MultiThreadedRendezvous> StatusCode.UNAVAILABLE", "no longer answers"),
        ("[RETRIES_EXCEEDED] The maximum number of retries has been exceeded.", "no longer answers"),
        ("[INVALID_HANDLE.SESSION_NOT_FOUND] Session not found.", "has restarted, and what its sessions held is gone"),
        ("[NO_ACTIVE_SESSION] No active Spark session found.", "has restarted, and what its sessions held is gone"),
        (
            "[INVALID_HANDLE.SESSION_CLOSED] Session was closed.",
            "has closed the session: it was idle for longer than the server allows, or it was released",
        ),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `v`", None),
    ],
)
def test_a_server_that_is_gone_is_blamed(text: str, told: str | None) -> None:
    """Any other error of a server is the component's."""
    lost = spark_lost(connected(), ValueError(text))
    assert (str(lost).splitlines()[0] if lost else None) == (
        told and f"the Spark Connect server at spark.example {told}"
    )


@pytest.mark.parametrize(
    "found",
    [
        classic(stopped=False),
        SimpleNamespace(_sc=SimpleNamespace(_jsc=None), _jsparkSession=None),
        SimpleNamespace(),
    ],
    ids=["it answers", "the component has stopped it", "no session of Spark"],
)
@pytest.mark.usefixtures("jvm")
def test_an_error_while_spark_is_there_is_the_components(found: Any) -> None:
    """Whatever it says."""
    assert spark_lost(found, ValueError("[DIVIDE_BY_ZERO] Division by zero")) is None


@pytest.mark.parametrize(("is_gone", "asked"), [(True, 0), (False, 1)])
def test_nothing_more_is_asked_of_a_session_that_is_gone(
    script: Script, monkeypatch: pytest.MonkeyPatch, is_gone: bool, asked: int
) -> None:
    """A Spark Connect client would try for two minutes."""
    asks: list[int] = []
    monkeypatch.setattr(AttemptSession, "saved_after_a_failure", lambda self: asks.append(1) or [])
    script.fail("a", SparkLostError("it is not there", session_is_gone=is_gone))

    result = SimplePipelineRunner(pipeline("a"), spark=object()).run()  # type: ignore[arg-type]

    assert [name for name, _ in result.failed_components] == ["a"]
    assert len(asks) == asked
