"""Which line of the author's own code an error came from."""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from traceback import FrameSummary

import airflow_provider

_OURS = str(Path(airflow_provider.__file__).parent)
_ENGINE = str(Path(_OURS, "runner"))
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_SPARK = re.compile(r"/(?:pyspark|py4j|grpc)(?:\.zip)?/")
_WORKER_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)


def author_line(error: BaseException) -> str | None:
    """Return ``file:line, in function: code`` of the innermost line that is the author's, None if none is.

    A component that is installed like a library has no line of its own then but the one that the engine called.

    :param error: what a component raised
    """
    frames = traceback.extract_tb(error.__traceback__)
    below = [n for n, frame in enumerate(frames) if frame.filename.startswith(_ENGINE)]
    called = frames[below[-1] + 1 :] if below else frames
    others = (frame for frame in called if not _is_ours(frame.filename) and not _SPARK.search(frame.filename))
    chosen = _innermost(called) or next(others, None)
    return _in_words(chosen) if chosen is not None else None


def author_line_of_text(trace: str) -> str | None:
    """Return the same for a traceback that came as text, such as that of Python on an executor.

    :param trace: the traceback
    """
    frames = [
        FrameSummary(found["file"], int(found["line"]), found["function"], lookup_line=False)
        for found in _WORKER_FRAME.finditer(trace)
    ]
    chosen = _innermost(frames)
    return _in_words(chosen) if chosen is not None else None


def _innermost(frames: Iterable[FrameSummary]) -> FrameSummary | None:
    own = [frame for frame in frames if not _is_ours(frame.filename) and not _is_installed(frame.filename)]
    return own[-1] if own else None


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS)


def _is_installed(file: str) -> bool:
    # An executor may have another Python, whose paths are others, and its pyspark comes as a zip file.
    elsewhere = "/site-packages/" in file or "/dist-packages/" in file or "pyspark.zip/" in file
    return elsewhere or file.startswith(_INSTALLED) or file.startswith("<frozen")


def _in_words(frame: FrameSummary) -> str:
    code = (linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f"{frame.filename}:{frame.lineno}, in {frame.name}" + (f": {code}" if code else "")
