"""Which of the author's functions ran, which Python 3.12 and later can tell at almost no cost.

Reading the code misses calls by a computed name. ``sys.monitoring`` reports a function on entry and then stops for that
function, so that a million calls cost one. Python 3.11 has no such reports.

Several watches may last at once. A function counts for the component that its thread works for, see
:mod:`~airflow_provider.runner.config.thread_owner`, and for all of them where that is not known. Python can stop its
reports of a function only for all threads at once, so it does that when each watch has the function.

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

from airflow_provider.runner.config.thread_owner import ThreadOwner, thread_owner
from airflow_provider.runner.fingerprint.code.code_modules import module_label
from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, file_origin

logger = logging.getLogger(__name__)

_NAME = "airflow_provider"
_lock = threading.Lock()
_watches: tuple[CalledFunctions, ...] = ()


class _CallsOfOthers(threading.local):
    depth = 0


_of_others = _CallsOfOthers()


class CalledFunctions:
    """The author's functions that have run since the watch began, in this thread and others.

    :param owner: whose functions count; None for those of all threads
    """

    def __init__(self, owner: ThreadOwner | None = None) -> None:
        self._owner = owner
        self._codes: dict[int, CodeType] = {}  # by identity: Python works the hash of code out anew each time

    def counts_for(self, owner: ThreadOwner | None) -> bool:
        """Return whether a function counts that was called for an owner."""
        return self._owner is None or owner is None or self._owner in owner.chain

    def add(self, code: CodeType) -> None:
        """Record a function."""
        self._codes[id(code)] = code

    def __contains__(self, code: CodeType) -> bool:
        return id(code) in self._codes

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
            for code in list(self._codes.values())
            if code.co_filename in by_file and code.co_flags & inspect.CO_OPTIMIZED  # a function, not a class body
        }
        return tuple(sorted(found))


@contextmanager
def watch_calls() -> Iterator[CalledFunctions]:
    """Context manager that records which of the author's functions run: in the threads that work for the same component
    as this one, and in those of which that is not known. It records nothing before Python 3.12, or if all of Python's
    tool ids are taken."""
    entered = CalledFunctions(thread_owner())
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
    global _watches  # replaced as a whole: a thread may be looking through it
    with _lock:
        tool = next((number for number in _candidates() if monitoring.get_tool(number) in (None, _NAME)), None)
        if tool is None:
            return None
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, _NAME)
            monitoring.register_callback(tool, monitoring.events.PY_START, _callback(monitoring))
            monitoring.set_events(tool, monitoring.events.PY_START)
        _watches = (*_watches, entered)
        monitoring.restart_events()  # functions that an earlier component called count for this one, too
        return tool


def _end(monitoring: Any, tool: int, entered: CalledFunctions) -> None:
    global _watches
    with _lock:
        _watches = tuple(watch for watch in _watches if watch is not entered)
        if not _watches:
            monitoring.set_events(tool, 0)
            monitoring.register_callback(tool, monitoring.events.PY_START, None)
            monitoring.free_tool_id(tool)


def _candidates() -> Iterator[int]:
    """Yield the tool ids that Python reserves for no kind of tool, then the profiler's."""
    yield from (3, 4, 2)


def _callback(monitoring: Any) -> Any:
    own: dict[str, bool] = {}
    told: tuple[Any, set[Any]] = ((), set())  # what has been noted for whom, as long as the same watches last

    def entered(code: CodeType, offset: int) -> Any:
        nonlocal told
        active, owner = _watches, thread_owner()
        known, noted = told
        if known is active and (id(code), owner) in noted:
            return None
        try:
            file = code.co_filename
            if file not in own:
                own[file] = not file.startswith("<") and file_origin(file).owner is CodeOwner.OWN
            if own[file] and (_of_others.depth or _writes_log(sys._getframe(1))):
                return None  # the component may enter it, too
            if own[file] and not _noted_by_all(code, owner, active):
                if known is not active:
                    noted = set()
                    told = active, noted
                noted.add((id(code), owner))
                return None  # another component may call it, too
        except Exception as error:  # noqa: BLE001 - Python would raise it in the author's function
            logger.debug("cannot tell whether %r ran: %s", code.co_qualname, error)
        # A watch that has begun meanwhile wants it reported again. No other thread gets its turn between this look and
        # the end of the function.
        return monitoring.DISABLE if _watches is active else None

    return entered


def _noted_by_all(code: CodeType, owner: ThreadOwner | None, active: tuple[CalledFunctions, ...]) -> bool:
    """Note a function for those for whom it counts, and return whether all have it now."""
    for watch in active:
        if watch.counts_for(owner):
            watch.add(code)
    return all(code in watch for watch in active)


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
