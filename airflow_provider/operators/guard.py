"""Makes an attempt end when it must: Airflow stops it, its time is over, or its supervisor has died."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from airflow_provider.errors import AttemptStopped
from airflow_provider.runner import NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, ComponentStarted

logger = logging.getLogger(__name__)

_POLL_SECONDS = 2.0


class Abortable(Protocol):
    """Whatever runs Spark for an attempt."""

    def abort(self) -> None:
        """Stop it, in less than five seconds, from any thread or signal handler."""


class AttemptGuard(NoOpHooks):
    """Watches over one attempt, as a context manager around it and as hooks in it.

    Airflow calls ``on_kill`` from a signal handler and then lets ``execute`` go on, so :meth:`kill` raises right
    there. What is raised is no ``Exception``, so that a component does not swallow it by accident; one that swallows
    even that is stopped when it returns, and is not recorded as complete.

    When the supervisor is killed, nobody stops the task process: it would work on beside its successor. A thread
    looks whether the parent process is still the same one.

    :param spark: stopped when the attempt must end
    :param time_limit: Airflow's ``execution_timeout``, None for none
    :param supervised: whether the parent process is Airflow's supervisor
    :param clock: a monotonic clock in seconds
    :param parent: returns the id of the parent process
    :param end_process: ends the process at once with an exit status
    :param began: when the task began, by the same clock; default: now
    """

    def __init__(
        self,
        spark: Abortable,
        time_limit: timedelta | None,
        *,
        supervised: bool,
        clock: Callable[[], float] = time.monotonic,
        parent: Callable[[], int] = os.getppid,
        end_process: Callable[[int], object] = os._exit,
        began: float | None = None,
    ) -> None:
        self._spark = spark
        self._time_limit = time_limit
        self._supervised = supervised
        self._clock = clock
        self._parent = parent
        self._end_process = end_process
        self._began = clock() if began is None else began
        self._reason: str | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        if self._supervised:
            threading.Thread(
                target=self._watch, args=(self._parent(),), name="pyspark-pipeline-watch", daemon=True
            ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def kill(self) -> None:
        """Stop Spark and end the attempt.

        :raises AttemptStopped: always, while the attempt is under way
        """
        if self._over.is_set():
            return
        self._reason = "Airflow asked the task to stop"
        logger.error("%s; stopping Spark. Completed components stay recorded", self._reason)
        self._spark.abort()
        raise AttemptStopped(self._reason)

    def before_component(self, event: ComponentStarted) -> None:
        self._check()

    def after_component(self, event: ComponentCompleted) -> None:
        self._check()

    def on_component_failure(self, event: ComponentFailed) -> None:
        self._check_killed()  # then the failure is only a consequence

    def _check_killed(self) -> None:
        if self._reason is not None:
            raise AttemptStopped(self._reason)

    def _check(self) -> None:
        self._check_killed()
        if self._time_limit is not None and self._clock() - self._began >= self._time_limit.total_seconds():
            raise AttemptStopped(f"the task's execution_timeout of {self._time_limit} is over")

    def _watch(self, first: int) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self._parent() == first:
                continue
            self._reason = "the supervisor of this task has died"
            with contextlib.suppress(OSError):  # the log goes through the supervisor
                logger.error("%s; stopping Spark and ending. Completed components stay recorded", self._reason)
            self._spark.abort()
            self._end_process(1)
            return


def has_supervisor() -> bool:
    """Return whether a supervisor process of Airflow watches this one; ``dag.test()`` and the like have none."""
    from airflow.sdk.execution_time import task_runner

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "CommsDecoder"
