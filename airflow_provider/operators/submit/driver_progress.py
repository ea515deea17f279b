"""Copies the progress that a driver writes beside its checkpoint to where Airflow shows it, while the task waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from airflow_provider.errors import describe
from airflow_provider.runner.observing.progress_history import ended_document, with_summary
from airflow_provider.runner.observing.progress_writer import EVERY_SECONDS, Document, ProgressSink, ProgressWriter
from airflow_provider.runner.record.progress_record import PROGRESS_FORMAT

logger = logging.getLogger(__name__)


class DriverProgress:
    """Copies while it is entered, best effort. :meth:`finish` then says how a driver ended that could not say so.

    :param first: the document until there is one of the driver's
    :param read: returns the driver's newest document, None if there is none; whatever it raises is logged
    :param sink: where Airflow shows it
    :param every: seconds between two looks
    :ivar newest: the newest document
    """

    def __init__(
        self, first: Document, read: Callable[[], Any], sink: ProgressSink, every: float = EVERY_SECONDS
    ) -> None:
        self.newest = first
        self._read = read
        self._every = every
        self._writer = ProgressWriter(lambda: self.newest, sink)
        self._any_thread = sink.any_thread
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._writer.start()
        self._writer.boundary()
        if self._any_thread:
            threading.Thread(target=self._follow, name="pyspark-pipeline-follow", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if error is not None and not isinstance(error, Exception):
            self.finish(error)  # Airflow stops the task, so the driver's report is not read any more

    def finish(self, error: BaseException | None, summary: Mapping[str, Any] | None = None) -> None:
        """Copy the driver's last document, or make one of what is known otherwise.

        :param error: what the Spark provider raised, None if the driver ended with status 0
        :param summary: what the driver reported or recorded, None for nothing
        """
        self._over.set()
        self._look()
        if "ended_at" not in self.newest["attempt"]:
            found = with_summary(self.newest, summary) if summary is not None else self.newest
            why = describe(error) if error is not None else None
            self.newest = ended_document(found, datetime.now(UTC), why)
        self._writer.close()

    def _follow(self) -> None:
        while not self._over.wait(self._every):
            if self._look():
                self._writer.boundary()

    def _look(self) -> bool:
        """Take the driver's newest document; return whether it is another one."""
        try:
            found = self._read()
        except Exception as error:  # noqa: BLE001 - the driver may reach storage that the worker does not
            logger.debug("cannot read the driver's progress: %s", describe(error))
            return False
        known = isinstance(found, dict) and found.get("format") == PROGRESS_FORMAT and "attempt" in found
        if not known or found == self.newest:
            return False
        self.newest = found
        return True
