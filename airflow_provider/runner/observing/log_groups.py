"""Lines of the log that Airflow's log viewer shows folded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar

_folding: ContextVar[bool] = ContextVar("folding", default=False)


@contextmanager
def log_groups_shown() -> Iterator[None]:
    """Let groups in here: the log is read in a viewer that understands it, as Airflow's does."""
    before = _folding.set(True)
    try:
        yield
    finally:
        _folding.reset(before)


class LogGroup:
    """A place in the log whose lines are folded, if the log's viewer can. Closed until it is opened.

    :param logger: of the lines
    :param title: what stays to be seen; elsewhere it is a line of its own
    """

    def __init__(self, logger: logging.Logger, title: str) -> None:
        self._log = logger
        self._title = title
        self._is_open = False

    def open(self) -> None:
        """Begin, if it has not begun."""
        if not self._is_open:
            self._is_open = True
            self._log.info("%s", f"::group::{self._title}" if _folding.get() else self._title)

    def close(self) -> None:
        """End, if it has begun."""
        if self._is_open:
            self._is_open = False
            if _folding.get():
                self._log.info("::endgroup::")


@contextmanager
def log_group(logger: logging.Logger, title: str) -> Iterator[None]:
    """Fold what is logged in here, see :class:`LogGroup`."""
    with closing(LogGroup(logger, title)) as place:
        place.open()
        yield
