"""Whether a component failed because Spark was lost, and why."""

from __future__ import annotations

import re
import threading
from typing import Any

from airflow_provider.errors import ComponentTimeoutError, SparkLostError
from airflow_provider.masking import mask
from airflow_provider.runner.spark.kind import spark_kind
from airflow_provider.runner.spark.process_jvm import started_jvm

_ANSWER_SECONDS = 10.0

_EXECUTOR = re.compile(r"ExecutorLostFailure \(executor (?P<id>\S+) exited[^)]*\) Reason: (?P<why>[^\n]*)")
_GONE = re.compile(r"Master removed our application|All masters are unresponsive|SparkContext was shut down")
_SERVER_GONE = re.compile(
    r"StatusCode\.UNAVAILABLE|INVALID_HANDLE\.(?:SESSION_CHANGED|SESSION_NOT_FOUND|SESSION_CLOSED)|RETRIES_EXCEEDED"
    r"|NO_ACTIVE_SESSION|Cannot invoke RPC"
)
_KILLED = re.compile(r"137|code 9\b|OutOfMemory|code 52|memory limits|OOM", re.IGNORECASE)


def spark_lost(spark: Any, error: BaseException) -> SparkLostError | None:
    """Return the error to raise instead of a component's own if Spark was lost, None if it was not."""
    text = str(error)
    if spark_kind(spark) == "connect":
        return _server_lost(spark, text)
    context = getattr(spark, "_sc", None)
    if context is None or getattr(context, "_jsc", None) is None:
        return None  # the component stopped it, and another error says so
    stopped = _is_stopped(context)
    if stopped is None:
        return _jvm_lost()
    if stopped and _jvm_is_ending():
        return _jvm_lost()
    if stopped or _GONE.search(text):
        return _application_lost(text)
    found = _EXECUTOR.search(text)
    return _executors_lost(spark, found["why"]) if found else None


def was_stopped(spark: Any) -> bool:
    """Return whether code of this process has stopped a classic session."""
    context = getattr(spark, "_sc", None)
    return spark_kind(spark) == "classic" and (context is None or getattr(context, "_jsc", None) is None)


def session_is_gone(error: BaseException | None) -> bool:
    """Return whether no session is left in which something else could run."""
    if isinstance(error, ComponentTimeoutError):
        return error.still_running  # code that nobody waits for could change the session
    return isinstance(error, SparkLostError) and error.session_is_gone


def _is_stopped(context: Any) -> bool | None:
    """Return whether Spark has stopped by itself, None if its JVM does not answer."""
    answer: list[bool] = []

    def ask() -> None:
        try:
            answer.append(bool(context._jsc.sc().isStopped()))
        except Exception:  # noqa: BLE001 - py4j has many errors for a JVM that is gone
            return

    thread = threading.Thread(target=ask, name="pyspark-pipeline-ask", daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    return answer[0] if answer else None


def _jvm_is_ending() -> bool:
    """Return whether Spark has stopped because its JVM ends, as it does when it runs out of memory."""
    jvm = started_jvm()
    return jvm is not None and (jvm.out_of_memory() is not None or jvm.end(1) is not None)


def _jvm_lost() -> SparkLostError:
    jvm = started_jvm()
    if jvm is None:
        return SparkLostError("Spark's JVM no longer answers; see its own log")
    end, memory = jvm.end(), jvm.out_of_memory()
    how = str(end) if end is not None else "ran out of memory" if memory else "no longer answers"
    now = jvm.settings.get("spark.driver.memory", "1g, Spark's default")
    if memory:
        remedy = f"remedy: raise spark.driver.memory (now {now}), or bring less to the driver with collect and toPandas"
    elif end is not None and end.was_killed:
        remedy = (
            f"remedy: give the worker more memory or Spark less: spark.driver.memory is {now}, and both Spark and "
            "Python need more than that"
        )
    else:
        remedy = f"remedy: check the worker, and the JVM's lines at debug level; spark.driver.memory is {now}"
    last_words = [f"Spark's last words: {line}" for line in jvm.last_words()]
    what = f"Spark's JVM {how}" + (f"; {memory}" if memory else "")
    return SparkLostError("\n".join([what, *last_words, remedy]), session_is_gone=True)


def _application_lost(text: str) -> SparkLostError:
    jvm = started_jvm()
    words = jvm.last_words() if jvm is not None else []
    reason = next((found[0] for line in [text, *words] if (found := _GONE.search(line))), "the reason is not known")
    lines = [
        f"Spark has stopped by itself: {reason}",
        *(f"Spark's last words: {line}" for line in words),
        "remedy: check the cluster's master and its log; the next attempt needs it back",
    ]
    return SparkLostError("\n".join(lines), session_is_gone=True)


def _executors_lost(spark: Any, why: str) -> SparkLostError:
    now = spark.conf.get("spark.executor.memory", "1g, Spark's default")
    remedy = (
        f"remedy: raise spark.executor.memory (now {now}) or spark.executor.memoryOverhead"
        if _KILLED.search(why)
        else f"remedy: check the executors' logs in Spark's UI; spark.executor.memory is {now}"
    )
    return SparkLostError(
        "\n".join(
            [f"Spark kept losing executors; the last one: {mask(why).strip()}", remedy],
        )
    )


def _server_lost(spark: Any, text: str) -> SparkLostError | None:
    if not _SERVER_GONE.search(text):
        return None
    host = getattr(getattr(spark, "client", None), "host", None) or "its address"
    remedy = "check the server and its log (it may have run out of memory); the next attempt needs it back"
    if "SESSION_CLOSED" in text:
        what = (
            f"the Spark Connect server at {host} has closed the session: it was idle for longer than the server "
            "allows, or it was released"
        )
        remedy = "raise the server's spark.connect.session.manager.defaultSessionTimeout; a retry gets a new session"
    elif (
        "INVALID_HANDLE" in text or "NO_ACTIVE_SESSION" in text
    ):  # pyspark closes its client when the server is another
        what = f"the Spark Connect server at {host} has restarted, and what its sessions held is gone"
    else:
        what = f"the Spark Connect server at {host} no longer answers"
    lines = [what, f"remedy: {remedy}"]
    return SparkLostError("\n".join(lines), session_is_gone=True)
