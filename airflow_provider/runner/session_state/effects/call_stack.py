"""Who acts: the author's code, Spark's Python, Python itself or this package. Read from the call stack."""

from __future__ import annotations

import logging
import os
import site
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Literal

from airflow_provider.runner.config.absolute_paths import real_path

Layer = Literal["author", "installed", "spark", "python", "own", "runner"]

DRIVER_SCRIPT = "pyspark_pipeline_driver.py"
"""Under this name this package's driver is sent to where spark-submit runs it; it watches over the Airflow task."""

_PACKAGE = str(Path(__file__).parents[3]) + os.sep
_RUNNER = tuple(
    str(Path(_PACKAGE, "runner", folder)) + os.sep
    for folder in ("running", "spark", "config", f"session_state{os.sep}effects")
)
_STDLIB = tuple(
    {str(Path(place).resolve()) + os.sep for place in (sysconfig.get_path("stdlib"), Path(os.__file__).parent)}
)
_INSTALLED = tuple(
    {
        str(Path(place).resolve()) + os.sep
        for place in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages())
    }
)
_SHARED_WORK = ("concurrent/futures/thread.py", "multiprocessing/pool.py", "asyncio/base_events.py")
"""Work that code hands over to a thread runs below a frame of one of these."""
_LOOKS = ("linecache.py", "gettext.py", "mimetypes.py", "zoneinfo/_common.py", "zoneinfo/_tzpath.py")
"""Parts of Python that read files for their own purposes."""


@dataclass(frozen=True)
class CallOrigin:
    """Who acts.

    :param layer: whose code decided to: the innermost on the stack that is not Python's own. ``installed`` if nothing
        but installed packages is there
    :param where: file and line of the innermost frame of the author's code, or else of an installed package
    :param importing: whether it happens while an installed module, or one of Python's, is imported
    :param python_reads: whether Python reads for its own purposes: a module, source lines of a traceback, a time zone
    :param host_logs: whether a handler of the root logger writes a log line: the log of the process
    :param shared: whether it is work that was handed to a pool or an event loop
    """

    layer: Layer
    where: str
    importing: bool
    python_reads: bool
    host_logs: bool
    shared: bool


def call_origin(frame: FrameType | None) -> CallOrigin:
    """Return who acts.

    :param frame: the innermost frame
    """
    layer: Layer = "python"
    author = installed = None
    importing = python_reads = host_logs = shared = False
    innermost = True
    while frame is not None and author is None:
        code = frame.f_code
        found = layer_of(code.co_filename)
        if found == "author":
            author = frame
        decided = layer in ("author", "spark", "own")
        if not decided:
            if found in ("author", "spark", "own"):
                layer = found
            elif found == "installed":
                layer = "installed"
                installed = installed or frame
            elif found == "python":
                shared = shared or code.co_filename.endswith(_SHARED_WORK)
                if innermost:
                    python_reads = python_reads or _reads_for_itself(frame)
                if code is _HANDLE:
                    host_logs = host_logs or frame.f_locals.get("self") in logging.root.handlers
            importing = importing or (found in ("installed", "python", "spark") and code.co_name == "<module>")
        innermost = innermost and found == "python"
        frame = frame.f_back
    return CallOrigin(layer, _place(author or installed), importing, python_reads, host_logs, shared)


_HANDLE = logging.Handler.handle.__code__


def _reads_for_itself(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    if name.startswith(("<frozen importlib", "<frozen zipimport")):
        return frame.f_code.co_name in ("_find_and_load", "exec_module", "get_code", "find_spec", "cache_from_source")
    return name.endswith(_LOOKS)


def _place(frame: FrameType | None) -> str:
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}" if frame is not None else ""


@lru_cache(maxsize=4096)
def layer_of(file: str) -> Layer:
    """Return whose code is in a file.

    :param file: as code objects name it
    """
    if file.startswith("<frozen "):
        return "python"
    if file.startswith("<"):
        return "author"  # typed in, or run by exec()
    path = real_path(file)
    if os.path.basename(path) == DRIVER_SCRIPT:
        return "own"
    if path.startswith(_PACKAGE):
        return "runner" if path.startswith(_RUNNER) else "own"
    if path.startswith(_spark_places()):
        return "spark"
    if path.startswith(_INSTALLED) or f"{os.sep}site-packages{os.sep}" in path or "/dist-packages/" in path:
        return "installed"
    return "python" if path.startswith(_STDLIB) else "author"


def is_python_file(path: str) -> bool:
    """Whether a file belongs to Python, to an installed package or to the operating system's own kind of files."""
    return path.startswith((*_STDLIB, *_INSTALLED, "/proc/", "/sys/", "/dev/", "/usr/share/zoneinfo/"))


def _spark_places() -> tuple[str, ...]:
    modules = (sys.modules.get("pyspark"), sys.modules.get("py4j"))
    return tuple(
        os.path.realpath(place) + os.sep for module in modules if module is not None for place in module.__path__
    )
