"""Watches what Python code does outside the process while a component runs, through Python's audit events.

An audit hook serves the whole process and cannot be removed, so the first watch installs it; without a watch it costs
one look at a list for each event.

Thread and call stack tell whose act it is. What a thread does that works for a component counts for that one alone, see
:mod:`~airflow_provider.runner.config.thread_owner`, and what one does that works for the pipeline between components
counts for none. Of a thread of which nobody has said for whom it works, the acts count for all that are watched, except
where it serves something else: where it was started while no watch was active (heartbeats, exporters of metrics). Then
they count only if they are work for the author: with the author's code on the stack, or of a pool or an event loop.
Spark's own acts differ by who acts *and* by what it is done to, see :class:`SparkFootprint`.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from airflow_provider.masking import mask
from airflow_provider.runner.config.absolute_paths import real_path
from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for, owner_of, thread_owner
from airflow_provider.runner.session_state.effects.audit_events import (
    CONNECTED,
    LISTENED,
    READERS,
    AuditedEvent,
    SideEffect,
)
from airflow_provider.runner.session_state.effects.call_stack import CallOrigin, call_origin, is_python_file, layer_of
from airflow_provider.runner.spark import thread_starts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_SIDE_EFFECTS = 100
MOST_FILES = 1_000

_USER = re.compile(r"\A[^/\s]*@")
_THREAD_STARTS = thread_starts.__file__
"""On the stack of each thread that a component starts side by side with others."""
_NO_FILES = {"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"}


@dataclass(frozen=True)
class SparkFootprint:
    """How Spark's own acts are known.

    :param directories: where Spark's Python keeps temporary files, without symbolic links
    :param hosts: addresses of Spark's own sockets besides loopback ones
    """

    directories: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def owns(self, found: AuditedEvent) -> bool:
        """Whether that is what Spark's Python does for its own purposes, given that it is what acts."""
        if found.kind == "file":
            path = _path(found.target)
            return path is not None and f"{path}{os.sep}".startswith(tuple(f"{d}{os.sep}" for d in self.directories))
        if found.kind == "connection" and found.what == CONNECTED:
            return self._is_near(found.target)
        return False

    def _is_near(self, address: Any) -> bool:
        if isinstance(address, (str, bytes)):
            return True  # a Unix socket
        host = str(address[0]) if isinstance(address, tuple) and address else ""
        return host.startswith("127.") or host in ("localhost", "::1") or host in self.hosts


def spark_footprint(spark: SparkSession) -> SparkFootprint:
    """Return how the acts of a session's Python are known. For Spark Connect nothing needs to be: gRPC is C code."""
    context = getattr(spark, "_sc", None)
    if context is None:
        return SparkFootprint()
    from pyspark import SparkFiles

    directories = (context._temp_dir, SparkFiles.getRootDirectory())
    gateway = context._gateway.gateway_parameters.address
    return SparkFootprint(tuple(os.path.realpath(d) for d in directories), (str(gateway),))


@dataclass(frozen=True)
class DriverObservations:
    """What Python announced while a component ran.

    :param acts: what its code did outside the process, in order
    :param read_files: absolute paths of the files that its code opened for reading, sorted
    :param truncated: whether there was more than was noted: over 100 acts or 1,000 files, or something that was not
        understood
    :param written_files: absolute paths of the files and directories that its code wrote, moved or removed, sorted
    :param cpu_seconds: CPU time of the process, so that threads count which the component or a C library started; some
        work of others counts with it, which makes a component look costlier, never cheaper. For a component that runs
        side by side with others, that of the threads that work for it
    :param set_by_imports: environment variables that only modules set when they were imported, or Spark's Python
    """

    acts: tuple[SideEffect, ...]
    read_files: tuple[str, ...]
    truncated: bool
    cpu_seconds: float
    written_files: tuple[str, ...] = ()
    set_by_imports: frozenset[str] = frozenset()


class DriverWatch:
    """Watches the thread that enters it, as often as it is entered: ``with watch: component.run()``.

    :param facts: of the session that the component works with
    """

    def __init__(self, facts: SparkFootprint) -> None:
        self._facts = facts
        self._acts: dict[SideEffect, None] = {}
        self._read: dict[str, None] = {}
        self._written: dict[str, None] = {}
        self._variables: dict[str, bool] = {}  # to whether only imports set it
        self._truncated = False
        self._cpu = 0.0
        self._began = (0.0, 0.0)
        self._before: WeakSet[threading.Thread] = WeakSet()
        self._entered = ExitStack()
        self.owner: ThreadOwner | None = None
        self.takes_unknown_work = True
        self.alone = True

    def __enter__(self) -> Self:
        _install()
        self.owner = thread_owner()
        self.takes_unknown_work = self.owner is None
        if self.owner is None:
            self.owner = ThreadOwner()
            self._entered.enter_context(acting_for(self.owner))
        here = threading.current_thread()
        _watched.add(here)
        self._before = WeakSet(threading.enumerate())
        self.alone = not _watches
        for watch in _watches:
            watch.alone = False
        if self.alone:
            _others.update(t for t in self._before if t is not here and t not in _components)
        self._began = (self.owner.cpu_seconds(), time.process_time())
        _watches.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _watches.remove(self)
        own, process = self._began
        of_process = self.alone and self.takes_unknown_work
        try:
            if self.owner is not None:
                self._cpu += time.process_time() - process if of_process else self.owner.cpu_seconds() - own
        finally:
            self._entered.close()
        for started in threading.enumerate():
            if started in self._before or started in _others or started in _watched or not self._may_have(started):
                continue
            _components.add(started)
            if not _is_idle(started):
                self._note(SideEffect("thread", "left a thread running", started.name))

    def _may_have(self, thread: threading.Thread) -> bool:
        """Whether this component may have started a thread."""
        owner = owner_of(thread)
        return owner is None or self.owner in owner.chain

    @property
    def seen(self) -> DriverObservations:
        """What has been seen so far."""
        read, written = tuple(sorted(self._read)), tuple(sorted(self._written))
        by_imports = frozenset(name for name, only in self._variables.items() if only)
        return DriverObservations(tuple(self._acts), read, self._truncated, self._cpu, written, by_imports)

    def missed(self) -> None:
        """Count an event that could not be understood."""
        self._truncated = True

    def happened(self, found: AuditedEvent, by: CallOrigin) -> None:
        """Keep what was announced, if it counts."""
        if found.kind == "read":
            self._opened(found, by)
        elif found.kind == "environment":
            name, by_import = os.fsdecode(found.target), by.importing or by.layer in ("own", "spark")
            self._variables[name] = by_import and self._variables.get(name, True)
        elif not self._is_nothing(found, by):
            target = _shown(found.target)
            if found.kind == "connection":
                target = _USER.sub("", target)
            self._note(SideEffect(found.kind, found.what, mask(target), by.where))
            if found.kind == "file":
                self._written.update(dict.fromkeys(filter(None, map(_path, (found.target, found.also)))))

    def full_of(self, found: AuditedEvent) -> bool:
        """Whether no more of this kind is noted."""
        full = len(self._read) >= MOST_FILES if found.kind == "read" else len(self._acts) >= MOST_SIDE_EFFECTS
        self._truncated = self._truncated or full
        return full

    def _note(self, act: SideEffect) -> None:
        if len(self._acts) < MOST_SIDE_EFFECTS:
            self._acts[act] = None
        else:
            self._truncated = True

    def _is_nothing(self, found: AuditedEvent, by: CallOrigin) -> bool:
        if by.layer == "own":
            return True  # what this package does for itself
        if found.kind == "file":
            if by.host_logs or by.python_reads or _path(found.target) in _NO_FILES:
                return True
        elif by.importing and (found.kind in ("state", "library") or found.what == LISTENED):
            return True  # modules load libraries, and look what the machine can do
        return by.layer == "spark" and self._facts.owns(found)

    def _opened(self, found: AuditedEvent, by: CallOrigin) -> None:
        if by.layer in ("own", "spark") or by.python_reads or (by.importing and by.layer != "author"):
            return
        path = _path(found.target)
        if path is not None and not is_python_file(path):
            self._read[path] = None


def watch_driver(facts: SparkFootprint) -> DriverWatch:
    """Return what watches this thread: ``with watch_driver(facts) as watch: …``, then ``watch.seen``.

    :param facts: see :func:`spark_footprint`
    """
    return DriverWatch(facts)


_watches: list[DriverWatch] = []
_others: WeakSet[threading.Thread] = WeakSet()
"""Threads that serve something else: they were started while no watch was active."""
_watched: WeakSet[threading.Thread] = WeakSet()
"""Threads that have been watched: they run components."""
_components: WeakSet[threading.Thread] = WeakSet()
"""Threads that components have started and left running, pools most of all."""
_installed = False


def _install() -> None:
    global _installed  # a process has one list of audit hooks
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watches:
        return
    reader = READERS.get(event)
    if reader is None:
        return
    try:
        _happened(reader(args), sys._getframe(1))
    except Exception:  # noqa: BLE001 - an error here would make the author's call fail
        for watch in tuple(_watches):
            watch.missed()


def _happened(found: AuditedEvent | None, frame: FrameType | None) -> None:
    if found is None:
        return
    owner = thread_owner()
    active = tuple(_watches)
    watches = [watch for watch in active if owner is not None and watch.owner in owner.chain]
    known = bool(watches)
    if not known:
        # Of an owner that nobody watches, the work counts only where a component runs at a time.
        watches = [watch for watch in active if owner is None or watch.takes_unknown_work]
    if all(watch.full_of(found) for watch in watches):
        return
    by = call_origin(frame)
    if not known and _is_of_another() and by.layer != "author" and not by.shared:
        return
    for watch in watches:
        watch.happened(found, by)


def _is_of_another() -> bool:
    return _thread(threading.get_ident()) in _others


def _thread(ident: int) -> threading.Thread | None:
    """Return a thread. None if Python has not started it; asking for the current one would make it up, with a lock."""
    known: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
    return known.get(ident)


def _is_idle(thread: threading.Thread) -> bool:
    """Whether it is a worker of a pool that waits for work, or one of Spark or of gRPC, which Spark Connect uses."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None or "_target" not in vars(thread):
        return True  # it has just ended
    if frame.f_code.co_name == "_worker" and frame.f_code.co_filename.endswith("concurrent/futures/thread.py"):
        return True
    return call_origin(frame).layer in ("spark", "own") or _runs_components_or_grpc(frame)


def _runs_components_or_grpc(frame: FrameType | None) -> bool:
    while frame is not None:
        file = frame.f_code.co_filename
        if f"{os.sep}grpc{os.sep}" in file or (layer_of(file) == "runner" and file != _THREAD_STARTS):
            return True
        frame = frame.f_back
    return False


def _path(target: Any) -> str | None:
    try:
        return real_path(os.fsdecode(target))
    except (TypeError, ValueError):
        return None


def _shown(target: Any) -> str:
    if isinstance(target, (str, bytes, os.PathLike)):
        return os.fsdecode(target)[:200]
    if isinstance(target, tuple) and len(target) > 1:  # an address
        return f"{target[0]}:{target[1]}"
    return str(target)[:200]
