"""Writes documents in a thread of its own, so that what takes them never delays or fails an attempt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider.errors import StaleAttemptError, describe

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
"""How often at most a change between two boundaries is written."""
HEARTBEAT_SECONDS = 20.0
"""How long at most nothing is written while the attempt goes on."""
GAP_SECONDS = 1.0
"""The least time between two writes, so that many short components cost no more than one."""

_SETTLING_SECONDS = 0.05  # the end of a component and the start of the next one are one write
_SHARE = 20  # writing takes at most this part of the time
_LONGEST_PAUSE = 60.0
_LONGEST_PAUSE_AFTER_FAILURE = 600.0  # Airflow's supervisor may try for minutes, and sends no heartbeat meanwhile
_LAST_WORD_SECONDS = 3.0

Document = dict[str, Any]


class ProgressSink(Protocol):
    """Keeps the newest document somewhere."""

    @property
    def any_thread(self) -> bool:
        """Whether it may be called from a thread of its own; otherwise the attempt calls it, at boundaries."""

    def write(self, document: Document) -> None:
        """Keep a document in place of the one before.

        :raises StaleAttemptError: the attempt has been replaced; nothing more will be written
        :raises Exception: whatever the sink raises is logged, and it is called again later
        """


class ProgressWriter:
    """Hands documents to a sink: at each boundary, when something changes, and as a sign of life.

    :param make: returns the newest document
    :param sink: keeps it
    :param clock: a monotonic clock in seconds
    """

    def __init__(
        self, make: Callable[[], Document], sink: ProgressSink, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._sink = sink
        self._clock = clock
        self._wake = threading.Condition()
        self._boundary: float | None = None  # when the oldest boundary that is not written was reached
        self._changed = False
        self._closing = False
        self._over = threading.Event()
        self._began = clock()
        self._written: float | None = None
        self._pause = GAP_SECONDS
        self._failures = 0
        self._refused = False

    def start(self) -> None:
        """Begin to write."""
        if self._sink.any_thread:
            threading.Thread(target=self._run, name="pyspark-pipeline-recorder", daemon=True).start()

    def boundary(self) -> None:
        """Note that a component or the attempt began or ended."""
        if not self._sink.any_thread:
            if not self._refused and (self._written is None or self._clock() - self._written >= EVERY_SECONDS):
                self._write()
            return
        with self._wake:
            if self._boundary is None:
                self._boundary = self._clock()
            self._wake.notify()

    def changed(self) -> None:
        """Note that something changed between two boundaries."""
        with self._wake:
            self._changed = True
            self._wake.notify()

    def hurry(self) -> None:
        """Write the newest document now, if a thread does that. May be called from a signal handler."""
        with self._wake:
            self._pause = 0.0
            self._boundary = float("-inf")
            self._wake.notify()

    def close(self, patience_seconds: float = _LAST_WORD_SECONDS) -> bool:
        """Write the last document; return whether it is written.

        :param patience_seconds: how long to wait for that
        """
        if not self._sink.any_thread:
            if not self._refused:
                self._write()
            return self._failures == 0
        with self._wake:
            self._closing = True
            self._wake.notify()
        return self._over.wait(patience_seconds)

    def _run(self) -> None:
        try:
            while not self._refused:
                with self._wake:
                    while (pause := self._due_in()) > 0:
                        self._wake.wait(pause)
                    self._boundary, self._changed = None, False
                    closing = self._closing
                self._write()
                if closing:
                    return
        finally:
            self._over.set()

    def _due_in(self) -> float:
        """Return in how many seconds the next document is due, 0 for now."""
        if self._closing:
            return 0.0
        now = self._clock()
        last = self._written
        due = (self._began if last is None else last) + HEARTBEAT_SECONDS
        if self._changed:
            due = min(due, now if last is None else last + EVERY_SECONDS)
        if self._boundary is not None:
            due = min(due, self._boundary + _SETTLING_SECONDS)
        return max(0.0, max(due, now if last is None else last + self._pause) - now)

    def _write(self) -> None:
        began = self._clock()
        try:
            self._sink.write(self._make())
            self._failures = 0
        except StaleAttemptError as error:
            self._refused = True
            logger.debug("the progress of this attempt is no longer recorded: %s", describe(error))
        except Exception as error:  # noqa: BLE001 - it is for people, and the attempt goes on without it
            self._failures += 1
            level = logging.WARNING if self._failures == 1 else logging.DEBUG
            logger.log(level, "cannot record the progress for Airflow's UI: %s; the attempt goes on", describe(error))
        self._written = self._clock()
        took = self._written - began
        backoff = GAP_SECONDS * 2 ** min(self._failures, 10) if self._failures else GAP_SECONDS
        longest = _LONGEST_PAUSE_AFTER_FAILURE if self._failures else _LONGEST_PAUSE
        self._pause = min(longest, max(backoff, took * _SHARE))
