"""For which component a thread works, and how much CPU time the threads of a component took.

Python's threads know nothing of each other, so whoever watches what happens in a process asks here whose doing it is:
the watches of acts and of calls, and the log. Whoever starts a thread for a component says so with :func:`acting_for`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary


class ThreadOwner:
    """A component that threads work for, or a pipeline's own work between its components, which has no name.

    It is within the owner of the thread that makes it: a component may run a pipeline of its own.

    :param component: name of the component; empty for the pipeline's own work
    """

    def __init__(self, component: str = "") -> None:
        self.component = component
        within = thread_owner()
        self.chain: tuple[ThreadOwner, ...] = (self, *(within.chain if within is not None else ()))
        self._cpu = 0.0
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        """The component's name, after that of the component whose pipeline it is in; empty if it has none."""
        return "/".join(owner.component for owner in reversed(self.chain) if owner.component)

    def cpu_seconds(self) -> float:
        """Return the CPU time that threads worked for it: this thread up to now, others up to their last change."""
        _charge()
        return self._cpu

    def add_cpu(self, seconds: float) -> None:
        """Count CPU time of a thread."""
        with self._lock:
            self._cpu += seconds


def thread_owner() -> ThreadOwner | None:
    """Return the owner of what this thread does, None if it has none."""
    return _OWNER.get()


def owner_of(thread: threading.Thread) -> ThreadOwner | None:
    """Return the owner of what another thread does, None if it has none."""
    return _of_threads.get(thread)


@contextmanager
def acting_for(owner: ThreadOwner | None) -> Iterator[None]:
    """Let this thread work for a component, and for whom it worked before afterwards.

    :param owner: None for nobody in particular
    """
    thread = threading.current_thread()
    before = _of_threads.get(thread)
    _charge()
    token = _OWNER.set(owner)
    _of_threads[thread] = owner
    _charge_from_now()
    try:
        yield
    finally:
        _charge()
        _OWNER.reset(token)
        _of_threads[thread] = before


class _ChargedTime(threading.local):
    """The CPU time of a thread up to which it has been counted; None as long as none of it counts."""

    until: float | None = None


_OWNER: ContextVar[ThreadOwner | None] = ContextVar("pyspark_pipeline_thread_owner", default=None)
_of_threads: WeakKeyDictionary[threading.Thread, ThreadOwner | None] = WeakKeyDictionary()
_charged = _ChargedTime()


def _charge() -> None:
    owner, until = _OWNER.get(), _charged.until
    if until is None:  # in this thread, nobody has called `acting_for`; it may still work in somebody's context
        return
    now = _charge_from_now()
    for each in owner.chain if owner is not None else ():
        each.add_cpu(now - until)


def _charge_from_now() -> float:
    _charged.until = now = time.thread_time()
    return now
