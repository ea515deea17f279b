"""Which of the author's functions ran, which Python 3.12 and later can tell at almost no cost.

Reading the code misses calls by a computed name. ``sys.monitoring`` reports a function on entry and then stops for that
function, so that a million calls cost one. Python 3.11 has no such reports.

What hooks, log handlers and the like do in the component's thread is none of its code.
"""

from __future__ import annotations

import inspect
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from airflow_provider.runner.fingerprint.code.code_modules import module_label
from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, file_origin

logger = logging.getLogger(__name__)

_NAME = "airflow_provider"
_lock = threading.Lock()
_watches: list[CalledFunctions] = []


class _CallsOfOthers(threading.local):
    depth = 0


_of_others = _CallsOfOthers()


class CalledFunctions:
    """The author's functions that have run since the watch began."""

    def __init__(self) -> None:
        self._codes: dict[CodeType, None] = {}

    def add(self, code: CodeType) -> None:
        """Record a function."""
        self._codes.setdefault(code)

    def names(self) -> tuple[str, ...]:
        """Return their names as in a reading's ``functions``; what is inside another definition counts as that."""
        if not self._codes:  # a process has thousands of modules, so look nothing up
            return ()
        by_file = {
            file: name
            for name, module in list(sys.modules.items())
            if (file := getattr(module, "__file__", None)) is not None
        }
        found = {
            f"{module_label(by_file[code.co_filename])}.{_definition(code.co_qualname)}"
            for code in self._codes
            if code.co_filename in by_file and code.co_flags & inspect.CO_OPTIMIZED  # a function, not a class body
        }
        return tuple(sorted(found))


@contextmanager
def watch_calls() -> Iterator[CalledFunctions]:
    """Context manager that records which of the author's functions run, in all threads. It records nothing before
    Python 3.12, or if all of Python's tool ids are taken."""
    entered = CalledFunctions()
    monitoring = getattr(sys, "monitoring", None)
    tool = _begin(monitoring, entered) if monitoring is not None else None
    try:
        yield entered
    finally:
        if tool is not None:
            _end(monitoring, tool, entered)


@contextmanager
def calls_of_others() -> Iterator[None]:
    """Context manager for what a component's thread does meanwhile for somebody else, such as calling a hook: no watch
    records the functions that this thread enters."""
    _of_others.depth += 1
    try:
        yield
    finally:
        _of_others.depth -= 1


def _begin(monitoring: Any, entered: CalledFunctions) -> int | None:
    with _lock:
        tool = next((number for number in _candidates() if monitoring.get_tool(number) in (None, _NAME)), None)
        if tool is None:
            return None
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, _NAME)
            monitoring.register_callback(tool, monitoring.events.PY_START, _callback(monitoring))
            monitoring.set_events(tool, monitoring.events.PY_START)
        _watches.append(entered)
        monitoring.restart_events()  # functions that an earlier component called count for this one, too
        return tool


def _end(monitoring: Any, tool: int, entered: CalledFunctions) -> None:
    with _lock:
        _watches.remove(entered)
        if not _watches:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, monitoring.events.PY_START, None)
            monitoring.free_tool_id(tool)


def _candidates() -> Iterator[int]:
    """Yield the tool ids that Python reserves for no kind of tool, then the profiler's."""
    yield from (3, 4, 2)


def _callback(monitoring: Any) -> Any:
    own: dict[str, bool] = {}

    def entered(code: CodeType, offset: int) -> Any:
        try:
            file = code.co_filename
            if file not in own:
                own[file] = not file.startswith("<") and file_origin(file).owner is CodeOwner.OWN
            if own[file]:
                if _of_others.depth or _writes_log(sys._getframe(1)):
                    return None  # the component may enter it, too
                for watch in _watches:
                    watch.add(code)
        except Exception as error:  # noqa: BLE001 - Python would raise it in the author's function
            logger.debug("cannot tell whether %r ran: %s", code.co_qualname, error)
        return monitoring.DISABLE

    return entered


_LOGGING = frozenset({logging.Handler.handle.__code__, logging.Filterer.filter.__code__})


def _writes_log(frame: FrameType | None) -> bool:
    """Return whether a handler, a filter or a formatter is at work, which belongs to the log and not to what logs."""
    while frame is not None and frame.f_code not in _LOGGING:
        if frame.f_code is logging.LogRecord.getMessage.__code__:
            return False  # a value of the component's turns itself into text
        frame = frame.f_back
    return frame is not None


def _definition(qualified: str) -> str:
    """Return the function, the class or the method of a class, at the top level, that contains a function."""
    names = qualified.partition(".<locals>")[0].split(".")
    is_within = len(names) > 2 or names[-1] == "<lambda>"  # in a class of the class, or in the class body
    return names[0] if is_within else ".".join(names)
