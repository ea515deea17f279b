"""Reports on a long component while it runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from airflow_provider.errors import describe
from airflow_provider.runner.config.thread_owner import acting_for
from airflow_provider.runner.observing.report import duration
from airflow_provider.runner.session_state.saved.files import readable_size
from airflow_provider.runner.spark.job_progress import ProgressReader, SparkWork, spark_progress

EVERY_SECONDS = 60.0


class Progress(Protocol):
    """Reports on components while they run, several at once if they run side by side."""

    def watching(self, component: str, position: int, total: int, spark: Any) -> AbstractContextManager[object]:
        """Return a context manager that is active while a component runs, in the thread that runs it.

        :param component: its name
        :param position: its place in the order of execution, from 1
        :param total: number of enabled components
        :param spark: the session
        """


class ProgressLog:
    """Logs a line per minute while a component runs, and nothing for a shorter one.

    :param every: seconds between two lines
    :param logger: where to log; default: a logger named after this module
    :param clock: a monotonic clock in seconds
    """

    def __init__(
        self,
        every: float = EVERY_SECONDS,
        logger: logging.Logger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every = every
        self._log = logger or logging.getLogger(__name__)
        self._clock = clock

    @contextmanager
    def watching(self, component: str, position: int, total: int, spark: Any) -> Iterator[None]:
        """See :class:`Progress`."""
        over = threading.Event()
        began = self._clock()

        def tell(look: ProgressReader) -> None:
            with acting_for(None):  # the line itself says whose it is
                tell_until_over(look)

        def tell_until_over(look: ProgressReader) -> None:
            while not over.wait(self._every):
                try:
                    words = in_words(look())
                except Exception as error:  # noqa: BLE001 - Spark may be gone, which the component will say
                    self._log.debug("cannot see what Spark is doing: %s", describe(error))
                    continue
                if not over.is_set():
                    took = duration(self._clock() - began)
                    self._log.info("[%d/%d] %s: still running after %s: %s", position, total, component, took, words)

        with spark_progress(spark) as look:
            threading.Thread(target=tell, args=(look,), name="pyspark-pipeline-progress", daemon=True).start()
            try:
                yield
            finally:
                over.set()


def in_words(work: SparkWork | None) -> str:
    """Return what Spark is doing in words.

    :param work: what it is doing, None if no job runs
    """
    if work is None:
        return "no active Spark job"
    parts = [
        f"stages {work.stages_done} of {work.stages}",
        f"tasks {work.tasks_done} of {work.tasks} ({work.tasks_running} running)",
    ]
    if work.rows or work.bytes:
        rows = f"{work.rows:,} rows, " if work.rows else ""
        parts.append(f"{rows}{readable_size(work.bytes)} read")
    return f"{work.description + ': ' if work.description else ''}{', '.join(parts)}"
