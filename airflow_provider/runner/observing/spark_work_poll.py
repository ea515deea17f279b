"""Asks every few seconds what Spark does for the component that runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from airflow_provider.errors import describe
from airflow_provider.runner.spark.job_progress import ProgressReader, SparkWork

logger = logging.getLogger(__name__)


class SparkWorkPoll:
    """Asks in a thread of its own, which may hang together with Spark.

    :param take: called with what is found when it is not what was found before
    :param every: seconds between two questions
    """

    def __init__(self, take: Callable[[SparkWork | None], None], every: float) -> None:
        self._take = take
        self._every = every
        self._changed = threading.Condition()
        self._reader: ProgressReader | None = None
        self._over = False
        self._thread: threading.Thread | None = None

    def watch(self, reader: ProgressReader | None) -> None:
        """Ask this reader from now on; None while no component runs."""
        with self._changed:
            self._reader = reader
            self._changed.notify()
        if reader is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pyspark-pipeline-poll", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        with self._changed:
            self._over, self._reader = True, None
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._reader is None and not self._over:
                    self._changed.wait()
                reader = self._reader
                if self._over:
                    return
                self._changed.wait(self._every)
                if self._reader is not reader or self._over:
                    continue  # a short component costs no question
            if reader is not None:
                self._ask(reader)

    def _ask(self, reader: ProgressReader) -> None:
        try:
            found = reader()
        except Exception as error:  # noqa: BLE001 - Spark may be gone, which the component will say
            logger.debug("cannot see what Spark is doing: %s", describe(error))
            return
        if self._reader is reader:
            self._take(found)
