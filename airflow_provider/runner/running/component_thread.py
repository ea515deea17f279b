"""Runs the work of one component in a thread of its own, beside those of others, and can cancel it."""

from __future__ import annotations

import contextvars
import ctypes
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider.errors import AttemptStopped, describe
from airflow_provider.runner.running.component_runner import WorkOutcome
from airflow_provider.runner.running.main_thread import MainThread
from airflow_provider.runner.spark.thread_session import ThreadSession, end_thread, using_session
from airflow_provider.runner.spark.thread_work import ThreadWork

logger = logging.getLogger(__name__)

_SPARK_GRACE_SECONDS = 2.0  # until the component has seen that its Spark work is cancelled
_PYTHON_GRACE_SECONDS = 3.0  # until it has ended after an exception was raised in it
_CANCEL_AGAIN_SECONDS = 1.0  # a component may start further jobs
_SLEEP_SECONDS = 0.2  # between two looks whether a pause is over, or the component is cancelled


@dataclass(frozen=True)
class EndedWork:
    """What became of a component's work in its thread.

    :param component: its name
    :param outcome: None if its code still runs although it was cancelled
    :param error: what ends the attempt, such as a :class:`~airflow_provider.errors.CheckpointError`
    """

    component: str
    outcome: WorkOutcome | None = None
    error: BaseException | None = None


class ComponentThread:
    """The thread of one component.

    :param given: its copy of the session
    :param work: its work, called in that thread
    :param main: gets what becomes of it
    """

    def __init__(
        self, given: ThreadSession, work: Callable[[ComponentThread], WorkOutcome], main: MainThread[EndedWork]
    ) -> None:
        self._given = given
        self._component = component = given.component
        self._work = work
        self._main = main
        self._spark_work = ThreadWork(given.session)
        self._begin = self._spark_work.thread_state()
        self._done = threading.Event()
        self._may_interrupt = threading.Lock()
        self._is_working = False
        self._cancelled = False
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._body,), name=f"component {component}", daemon=True
        )

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to end."""
        return self._cancelled

    def sleep(self, pause: Callable[[float], None], seconds: float) -> None:
        """Pause, in the thread itself.

        :param pause: pauses for so many seconds
        :raises AttemptStopped: the component is cancelled
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.refuse_cancelled()
            pause(min(left, _SLEEP_SECONDS))

    def refuse_cancelled(self) -> None:
        """Go no further in the thread itself if the component is cancelled.

        :raises AttemptStopped: it is
        """
        if self._cancelled:
            raise AttemptStopped(f"component {self._component!r} is cancelled")

    def cancel(self, *, patiently: bool = True) -> None:
        """Cancel its Spark work, and end its Python code. Returns at once.

        :param patiently: whether it may first see that its Spark work is cancelled
        """
        if self._cancelled:
            return
        self._cancelled = True
        if not patiently:
            self._interrupt()
        threading.Thread(target=self._cancel, args=(patiently,), name="pyspark-pipeline-cancel", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Return whether it ends within some time."""
        return self._done.wait(max(0.0, seconds))

    def _body(self) -> None:
        ended = EndedWork(self._component, None, AttemptStopped("its thread ended early"))
        try:
            self._spark_work.give_thread(self._begin)
            self._spark_work.mark()
            self._set_working(working=True)
            try:
                with using_session(self._given):
                    ended = EndedWork(self._component, self._work(self))
            finally:
                self._set_working(working=False)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it, unless it has cancelled the component
            ended = EndedWork(self._component, error=error)
        finally:
            self._done.set()
            self._main.post(ended)
            end_thread(self._given)

    def _set_working(self, *, working: bool) -> None:
        with self._may_interrupt:
            self._is_working = working

    def _cancel(self, patiently: bool) -> None:
        until = time.monotonic() + (_SPARK_GRACE_SECONDS if patiently else 0.0)
        while not self._done.is_set() and time.monotonic() < until:
            self._cancel_spark_work()
            self._done.wait(min(_CANCEL_AGAIN_SECONDS, max(0.0, until - time.monotonic())))
        until = time.monotonic() + _PYTHON_GRACE_SECONDS
        while not self._done.is_set() and time.monotonic() < until:
            self._interrupt()
            self._cancel_spark_work()
            self._done.wait(_CANCEL_AGAIN_SECONDS)
        if not self._done.is_set():
            self._main.post(EndedWork(self._component))
        while not self._done.wait(_CANCEL_AGAIN_SECONDS):
            self._cancel_spark_work()

    def _cancel_spark_work(self) -> None:
        try:
            self._spark_work.cancel()
        except Exception as error:  # noqa: BLE001 - Spark may be gone, and its work with it
            logger.debug("cannot cancel the Spark work of %s: %s", self._component, describe(error))

    def _interrupt(self) -> None:
        """Raise an exception in its Python code, which gets it with its next step in Python."""
        with self._may_interrupt:
            if self._is_working and self._thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident), ctypes.py_object(AttemptStopped)
                )
