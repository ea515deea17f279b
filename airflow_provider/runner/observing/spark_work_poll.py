"""Asks every few seconds what Spark does for the components that run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider.errors import describe
from airflow_provider.runner.config.thread_owner import acting_for
from airflow_provider.runner.spark.job_progress import ProgressReader, SparkWork

logger = logging.getLogger(__name__)


@dataclass
class _AskedReader:
    """What is asked for a component.

    :param due: when, by the monotonic clock
    """

    component: str
    read: ProgressReader
    due: float


class SparkWorkPoll:
    """Asks in a thread of its own, which may hang together with Spark.

    :param take: called with a component and what is found for it
    :param every: seconds between two questions for a component
    """

    def __init__(self, take: Callable[[str, SparkWork | None], None], every: float) -> None:
        self._take = take
        self._every = every
        self._changed = threading.Condition()
        self._asked: dict[str, _AskedReader] = {}
        self._over = False
        self._thread: threading.Thread | None = None

    def watch(self, component: str, reader: ProgressReader | None) -> None:
        """Ask this reader for a component from now on; None when it has ended."""
        with self._changed:
            if reader is None:
                self._asked.pop(component, None)
            else:
                self._asked[component] = _AskedReader(component, reader, time.monotonic() + self._every)
            self._changed.notify()
            if reader is not None and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pyspark-pipeline-poll", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        with self._changed:
            self._over = True
            self._asked.clear()
            self._changed.notify()

    def _run(self) -> None:
        with acting_for(None):  # whichever component has it started
            while (asked := self._next()) is not None:
                self._ask(asked)

    def _next(self) -> _AskedReader | None:
        """Wait for the next one to ask, and return it; None if none is asked any more.

        A short component costs no question.
        """
        with self._changed:
            while not self._over:
                first = min(self._asked.values(), key=lambda asked: asked.due, default=None)
                if first is None:
                    self._changed.wait()
                elif (left := first.due - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    return first
        return None

    def _ask(self, asked: _AskedReader) -> None:
        try:
            found = asked.read()
        except Exception as error:  # noqa: BLE001 - Spark may be gone, which the component will say
            logger.debug("cannot see what Spark is doing: %s", describe(error))
        else:
            if self._asked.get(asked.component) is asked:
                self._take(asked.component, found)
        asked.due = time.monotonic() + self._every
