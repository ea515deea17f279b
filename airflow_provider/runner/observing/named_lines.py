"""Puts a component's name in front of what is logged for it, as long as components run side by side.

The name is added where a line is made, in the thread that logs it: handlers may be anywhere, may pass lines on to other
threads, and filters of a logger do not see the lines of the loggers below it. So it reaches every logger, also those of
libraries. In an Airflow task, Airflow's own code logs by structlog, which has a list of processors of its own.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from airflow_provider.runner.config.thread_owner import thread_owner

_lock = threading.Lock()
_runs: list[object] = []
_put_back: list[Callable[[], None]] = []


@contextmanager
def naming_components() -> Iterator[None]:
    """Put the name of the component for which a thread works in front of what it logs.

    Everything is as it was afterwards. What somebody else has set up for logging meanwhile stays.
    """
    run = object()
    with _lock:
        if not _runs:
            _put_back[:] = [_name_records(), _name_events()]
        _runs.append(run)
    try:
        yield
    finally:
        with _lock:
            _runs.remove(run)
            if not _runs:
                for put_back in _put_back:
                    put_back()
                _put_back.clear()


class _NamedMessage:
    """A message that is no text, with a name in front; it becomes text only if a handler wants it."""

    def __init__(self, prefix: str, message: object) -> None:
        self._prefix = prefix
        self._message = message

    def __str__(self) -> str:
        return f"{self._prefix}{self._message}"

    def __repr__(self) -> str:
        return f"{self._prefix}{self._message!r}"


def _named(message: object, *, has_arguments: bool) -> object:
    owner = thread_owner()
    label = owner.label if owner is not None and _runs else ""
    if not label or isinstance(message, Mapping):  # the latter is for a handler that wants data
        return message
    prefix = f"[{label}] "
    if has_arguments:
        prefix = prefix.replace("%", "%%")
    if not isinstance(message, str):
        return _NamedMessage(prefix, message)
    return message if message.startswith(prefix) else prefix + message  # structlog may pass it on to Python's logging


def _name_records() -> Callable[[], None]:
    """Name the lines of Python's logging, and return what ends that."""
    make = logging.getLogRecordFactory()

    def make_named(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        record.msg = _named(record.msg, has_arguments=bool(record.args))
        return record

    def put_back() -> None:
        if logging.getLogRecordFactory() is make_named:  # otherwise one made from it stays, and it names nothing more
            logging.setLogRecordFactory(make)

    logging.setLogRecordFactory(make_named)
    return put_back


def _name_events() -> Callable[[], None]:
    """Name the lines of structlog, if the process uses it, and return what ends that."""
    structlog = sys.modules.get("structlog")
    processors = structlog.get_config()["processors"] if structlog is not None else None
    if not isinstance(processors, list) or not processors:
        return lambda: None
    first = processors[0]

    def name_first(logger: object, method: str, event: MutableMapping[str, Any]) -> Any:
        if "event" in event:
            event["event"] = _named(event["event"], has_arguments=bool(event.get("positional_args")))
        return first(logger, method, event)

    def put_back() -> None:
        if processors[0] is name_first:
            processors[0] = first

    processors[0] = name_first  # in the list itself, whose length stays: other threads may be walking through it
    return put_back
