"""Runs one try of a component that has a ``timeout_seconds``.

The try runs in a thread of its own, and the main thread waits, so both a signal of Airflow's and the end of the time
reach the main thread at once. Whatever Python and Spark keep for a thread is carried into that thread and back, so that
the component finds and leaves the same as without a time limit.

When the time is up, the try's Spark work is cancelled. If its Python code goes on after that, an exception is raised in
it. Only code inside a call to C cannot be ended in this way: its thread is abandoned. It is a daemon, and nothing else
may run in its session.
"""

from __future__ import annotations

import contextvars
import ctypes
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from airflow_provider.errors import AttemptStopped, ComponentTimeoutError, SparkSessionError, describe
from airflow_provider.runner.config.thread_owner import acting_for, thread_owner
from airflow_provider.runner.observing.author_line import author_line_of_thread
from airflow_provider.runner.observing.unfailing import observe
from airflow_provider.runner.spark.thread_work import SparkThreadState, ThreadWork

logger = logging.getLogger(__name__)

_SPARK_GRACE_SECONDS = 2.0  # until the component has seen that its Spark work is cancelled
_PYTHON_GRACE_SECONDS = 3.0  # until it has ended after an exception was raised in it
_INTERRUPTED_GRACE_SECONDS = 1.0  # Airflow kills the process 5 s after it has asked it to stop
_CANCEL_AGAIN_SECONDS = 1.0  # a component may start further jobs
_STEP_SECONDS = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True)
class TryLimit:
    """How long one try of a component may take.

    :param component: name of the component
    :param seconds: its ``timeout_seconds``
    :param package: the component's top-level package
    """

    component: str
    seconds: float
    package: str


@dataclass
class _ThreadOutcome(Generic[Result]):
    """What a thread has come to, written by the thread before it says that it is done."""

    result: Result | None = None
    error: BaseException | None = None
    spark: SparkThreadState | None = None


@dataclass(frozen=True)
class _AbandonedTry:
    component: str
    thread: threading.Thread
    spark: Any = field(compare=False)


_abandoned: list[_AbandonedTry] = []
"""Tries whose code went on after their time was up."""


def refuse_abandoned_session(spark: Any) -> None:
    """Refuse to run something in a session that an abandoned try could still change.

    :param spark: the session
    :raises SparkSessionError: the code of such a try is still running
    """
    _abandoned[:] = [each for each in _abandoned if each.thread.is_alive()]
    running = [each.component for each in _abandoned if each.spark is spark]
    if running:
        raise SparkSessionError(
            f"the code of {', '.join(map(repr, running))} is still running in this process and could change the "
            "session, although its timeout_seconds are over; end this process, or use another session for the next "
            "attempt"
        )


class TimedTry(Generic[Result]):
    """One try of a component, in a thread of its own.

    :param limit: how long it may take
    :param spark: the session
    :param work: the try
    """

    def __init__(self, limit: TryLimit, spark: Any, work: Callable[[], Result]) -> None:
        self._limit = limit
        self._spark = spark
        self._work = work
        self._tagged = ThreadWork(spark)
        self._context = contextvars.copy_context()
        self._owner = thread_owner()
        self._begin: SparkThreadState | None = None
        self._outcome: _ThreadOutcome[Result] = _ThreadOutcome()
        self._done = threading.Event()
        self._may_interrupt = threading.Lock()
        self._is_working = False
        self._thread = threading.Thread(
            target=self._context.run, args=(self._body,), name=f"component {limit.component}", daemon=True
        )

    def run(self) -> Result:
        """Run it and return its result.

        :raises ComponentTimeoutError: the time is up
        :raises BaseException: what it raises, or a signal handler does meanwhile
        """
        self._begin = observe("what Spark keeps for this thread", self._tagged.thread_state, None)
        self._thread.start()
        try:
            in_time = self._wait(self._limit.seconds)
        except BaseException:  # of a signal handler: without a time limit, it would have reached the component
            self._cancel()
            self._interrupt()
            self._done.wait(_INTERRUPTED_GRACE_SECONDS)
            raise
        if not in_time:
            self._end()
        self._carry_back()
        if self._outcome.error is not None:
            raise self._outcome.error
        return self._outcome.result  # type: ignore[return-value]  # there is one, as there is no error

    def _wait(self, seconds: float) -> bool:
        """Wait until it has ended, in steps: an exception that is raised in this thread reaches it between two."""
        until = time.monotonic() + seconds
        while not self._done.wait(min(_STEP_SECONDS, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until:
                return False
        return True

    def _body(self) -> None:
        try:
            observe("what Spark keeps for this thread", lambda: self._tagged.give_thread(self._begin), None)
            observe("which Spark jobs are this component's", self._tagged.mark, None)
            with acting_for(self._owner):
                self._set_working(working=True)
                try:
                    self._outcome.result = self._work()
                finally:
                    self._set_working(working=False)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self._outcome.error = error
        finally:
            try:
                self._tagged.unmark()
                self._outcome.spark = self._tagged.thread_state()
            except Exception as error:  # noqa: BLE001 - Spark may be gone, which the component has said
                logger.debug("cannot tell what Spark kept for the component's thread: %s", describe(error))
            finally:
                self._done.set()

    def _set_working(self, *, working: bool) -> None:
        with self._may_interrupt:
            self._is_working = working

    def _end(self) -> None:
        """End the try whose time is up.

        :raises ComponentTimeoutError: always
        """
        name, seconds = self._limit.component, self._limit.seconds
        place = observe(f"where {name} is", self._place, None)
        logger.warning(
            "%s: its timeout_seconds of %g are over; cancelling its Spark work%s",
            name,
            seconds,
            f" ({place})" if place else "",
        )
        self._cancel()
        ended = self._done.wait(_SPARK_GRACE_SECONDS)
        if not ended:
            self._interrupt()
            ended = self._done.wait(_PYTHON_GRACE_SECONDS)
        if ended:
            self._carry_back()
            cause = self._outcome.error
            raise ComponentTimeoutError(name, seconds, place) from (cause if isinstance(cause, Exception) else None)
        _abandoned.append(_AbandonedTry(name, self._thread, self._spark))
        now = observe(f"where {name} is", self._place, None)
        logger.error(
            "%s: its Python code is still running%s. What it does from now on is not recorded, and nothing else runs "
            "in this attempt",
            name,
            f", at {now}" if now else "",
        )
        raise ComponentTimeoutError(name, seconds, now or place, still_running=True)

    def _place(self) -> str | None:
        return author_line_of_thread(self._thread.ident, self._limit.package)

    def _cancel(self) -> None:
        """Cancel its Spark work until it has ended, in a thread of its own, because Spark may not answer."""

        def cancel() -> None:
            while not self._done.is_set():
                try:
                    self._tagged.cancel()
                except Exception as error:  # noqa: BLE001 - Spark may be gone, and its work with it
                    logger.debug("cannot cancel the Spark work of %s: %s", self._limit.component, describe(error))
                self._done.wait(_CANCEL_AGAIN_SECONDS)

        threading.Thread(target=cancel, name="pyspark-pipeline-cancel", daemon=True).start()

    def _interrupt(self) -> None:
        """Raise an exception in its Python code, which gets it with its next step in Python."""
        with self._may_interrupt:
            if self._is_working and self._thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident), ctypes.py_object(AttemptStopped)
                )

    def _carry_back(self) -> None:
        """Keep for this thread what the component has set for its own."""
        missing = object()
        for variable, value in self._context.items():
            if variable.get(missing) is not value:
                variable.set(value)
        state = self._outcome.spark
        observe("what Spark kept for the component's thread", lambda: self._tagged.give_thread(state), None)
