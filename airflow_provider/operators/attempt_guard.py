"""Ends an attempt when Airflow stops the task, its time is over, or its supervisor has died."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from airflow_provider.errors import AttemptStopped
from airflow_provider.runner import NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, ComponentStarted

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_GRACE_SECONDS = 2.0  # after the time is over, for the attempt to end by itself
_ENDING_SECONDS = 7.0


class Abortable(Protocol):
    """Whatever runs Spark for an attempt."""

    def abort(self) -> None:
        """Stop Spark within five seconds, from any thread or signal handler."""


@dataclass(frozen=True)
class TimeLimit:
    """Airflow's ``execution_timeout`` of a task.

    :param length: how long the task may run; None for ever
    :param began: when the task began, by the guard's clock
    """

    length: timedelta | None
    began: float


class AttemptGuard(NoOpHooks):
    """Watches over one attempt, as a context manager around it and as hooks in it.

    Airflow calls ``on_kill`` from a signal handler and then lets ``execute`` continue, so :meth:`kill` raises right
    there. It raises a ``BaseException``, so that a component does not swallow it by accident. If a component swallows
    even that, the attempt stops when the component returns, and does not record it as complete.

    When the supervisor is killed, nothing stops the task process: it would run on beside its successor. So a thread
    checks whether the parent process is still the same.

    Airflow raises ``AirflowTaskTimeout`` in the main thread when the time is over. C code delays it, and a component
    may swallow it. So the thread stops Spark a little later, and then ends the process if it has not ended.

    :param spark: stopped when the attempt must end
    :param time_limit: how long the attempt may take
    :param status: returns lines that say what is recorded and what comes next
    :param supervised: whether the parent process is Airflow's supervisor
    :param clock: a monotonic clock in seconds
    :param parent: returns the id of the parent process
    :param end_process: ends the process at once with an exit status
    """

    def __init__(
        self,
        spark: Abortable,
        time_limit: TimeLimit,
        status: Callable[[], Sequence[str]] = tuple,
        *,
        supervised: bool,
        clock: Callable[[], float] = time.monotonic,
        parent: Callable[[], int] = os.getppid,
        end_process: Callable[[int], object] = os._exit,
    ) -> None:
        self._spark = spark
        self._time_limit = time_limit
        self._status = status
        self._supervised = supervised
        self._clock = clock
        self._parent = parent
        self._end_process = end_process
        self._reason: str | None = None
        self._is_aborted = False
        self._over = threading.Event()

    def __enter__(self) -> Self:
        if self._supervised or self._time_limit.length is not None:
            threading.Thread(
                target=self._watch, args=(self._parent(),), name="pyspark-pipeline-watch", daemon=True
            ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if error is not None and type(error).__name__ == "AirflowTaskTimeout":
            self._spark.abort()
            raise type(error)(self._out_of_time()) from None

    def kill(self) -> None:
        """Stop Spark and end the attempt.

        :raises AttemptStopped: always, while the attempt is under way
        """
        if self._over.is_set():
            return
        self._reason = "\n".join(["Airflow asked the task to stop", *self._status()])
        for line in [*self._reason.splitlines(), "stopping Spark"]:
            logger.error("%s", line)
        self._spark.abort()
        raise AttemptStopped(self._reason)

    def before_component(self, event: ComponentStarted) -> None:
        self._check()

    def after_component(self, event: ComponentCompleted) -> None:
        self._check()

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._check()  # the failure may be a consequence of the stop

    def _check_killed(self) -> None:
        if self._reason is not None:
            raise AttemptStopped(self._reason)

    def _check(self) -> None:
        self._check_killed()
        if self._late() >= 0:
            raise AttemptStopped(self._out_of_time())

    def _late(self) -> float:
        """Return by how many seconds the time is exceeded, negative if it is not."""
        if self._time_limit.length is None:
            return -1.0
        return self._clock() - self._time_limit.began - self._time_limit.length.total_seconds()

    def _out_of_time(self) -> str:
        over = f"the task's execution_timeout of {self._time_limit.length} is over"
        return "\n".join([over, "Spark's work is cancelled", *self._status()])

    def _watch(self, first: int) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self._supervised and self._parent() != first:
                self._end("the supervisor of this task has died")
                return
            if self._late() >= _GRACE_SECONDS and not self._is_aborted:
                self._is_aborted = True
                self._spark.abort()  # code that waits for Spark wakes up
            if self._supervised and self._late() >= _ENDING_SECONDS:
                self._end(self._out_of_time())
                return

    def _end(self, reason: str) -> None:
        """Stop Spark and end the process at once, because nothing else will."""
        self._reason = reason
        with contextlib.suppress(OSError):  # the log goes through the supervisor
            for line in [*reason.splitlines(), "stopping Spark and ending. Completed components stay recorded"]:
                logger.error("%s", line)
        self._spark.abort()
        self._end_process(1)


def has_supervisor() -> bool:
    """Return whether a supervisor process of Airflow watches this one; ``dag.test()`` and the like have none."""
    from airflow.sdk.execution_time import task_runner

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "CommsDecoder"
