"""Which line of the author's own code an error came from."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from traceback import FrameSummary

import airflow_provider

_OURS = str(Path(airflow_provider.__file__).parent) + os.sep
ENGINE = str(Path(_OURS, "runner")) + os.sep
_INSTALLED = tuple(
    {
        str(folder) + os.sep
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        for folder in (sysconfig.get_path(name), os.path.realpath(sysconfig.get_path(name)))
    }
)
_ELSEWHERE = re.compile(
    r"/(?:site|dist)-packages/|/lib(?:64)?/python\d+(?:\.\d+)?/|python\d+\.zip/|(?:pyspark|py4j[^/]*)\.zip/"
)
"""Installed where an executor runs, which may have another Python, and whose pyspark comes as a zip file."""
_TYPED_IN = re.compile(r"<(?:stdin|string|ipython-input|console|doctest|unknown)")
"""Code that is in no file: typed in, of a notebook, or given to ``exec``."""
_WORKER_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)

_Frame = tuple[FrameSummary, str]
"""A line of a traceback, and the name of its module if that is known."""


def author_line(error: BaseException, package: str | None = None) -> str | None:
    """Return ``file:line, in function: code`` of the author's innermost line, None if there is none.

    A line is the author's if it is neither in this package nor installed, or if it is in the component's own package,
    which may be installed like a library.

    :param error: what a component raised
    :param package: the component's top-level package, or module
    """
    summaries = traceback.extract_tb(error.__traceback__)
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    frames = list(zip(summaries, names, strict=True))
    # The lines before the engine's are those of its caller.
    began = next((n for n, (frame, _) in enumerate(frames) if frame.filename.startswith(ENGINE)), 0)
    return _innermost(frames[began:], package)


def author_line_of_thread(ident: int | None, package: str | None = None) -> str | None:
    """Return the same for what a thread is doing now, None also if the thread has ended.

    :param ident: which thread
    :param package: the component's top-level package, or module
    """
    frame = sys._current_frames().get(ident or 0)
    if frame is None:
        return None
    found = list(traceback.walk_stack(frame))
    summaries = reversed(traceback.StackSummary.extract(iter(found)))
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in reversed(found)]
    return _innermost(zip(summaries, names, strict=True), package)


def author_line_of_text(trace: str) -> str | None:
    """Return the same for a traceback that came as text, such as that of Python on an executor.

    :param trace: the traceback
    """
    return _innermost(
        (FrameSummary(found["file"], int(found["line"]), found["function"], lookup_line=False), "")
        for found in _WORKER_FRAME.finditer(trace)
    )


def _innermost(frames: Iterable[_Frame], package: str | None = None) -> str | None:
    own = [frame for frame, name in frames if _is_authors(frame, name, package)]
    return _in_words(own[-1]) if own else None


def _is_authors(frame: FrameSummary, name: str, package: str | None) -> bool:
    file = frame.filename
    if file.startswith(_OURS):
        return False
    if package and name.partition(".")[0] == package:
        return not file.startswith("<") or _is_typed_in(frame)
    if file.startswith("<"):
        return _is_typed_in(frame)
    return not (file.startswith(_INSTALLED) or _ELSEWHERE.search(file))


def _is_typed_in(frame: FrameSummary) -> bool:
    """Return whether a frame is of code that was typed in, not generated like the ``__init__`` of a dataclass."""
    return _TYPED_IN.match(frame.filename) is not None and not frame.name.startswith("__")


def _in_words(frame: FrameSummary) -> str:
    code = (linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f"{frame.filename}:{frame.lineno}, in {frame.name}" + (f": {code}" if code else "")
