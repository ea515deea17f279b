"""Groups of log lines, which Airflow's log viewer folds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar

_marked: ContextVar[bool] = ContextVar("marked", default=False)


@contextmanager
def log_groups_shown() -> Iterator[None]:
    """Let groups carry marks for a log viewer that understands them, as Airflow's does."""
    before = _marked.set(True)
    try:
        yield
    finally:
        _marked.reset(before)


class LogGroup:
    """A group of log lines, which a viewer folds if it can. Closed until it is opened.

    :param logger: of the lines
    :param title: what stays visible; without such a viewer it is a line of its own
    """

    def __init__(self, logger: logging.Logger, title: str) -> None:
        self._log = logger
        self._title = title
        self._is_open = False

    def open(self) -> None:
        """Begin, if it has not begun."""
        if not self._is_open:
            self._is_open = True
            self._log.info("%s", f"::group::{self._title}" if _marked.get() else self._title)

    def close(self) -> None:
        """End, if it has begun."""
        if self._is_open:
            self._is_open = False
            if _marked.get():
                self._log.info("::endgroup::")


@contextmanager
def log_group(logger: logging.Logger, title: str) -> Iterator[None]:
    """Group what is logged in here, see :class:`LogGroup`."""
    with closing(LogGroup(logger, title)) as group:
        group.open()
        yield
