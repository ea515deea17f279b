"""Reads a component's code, once for each component in a process as long as no file changes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider.runner.fingerprint.code.code_index import CodeIndex
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.reachability import Reachability

_Key = tuple[int, str | None, tuple[str, ...], frozenset[str]]

_lock = threading.RLock()
_indexes: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[CodeIndex, dict[_Key, tuple[Any, CodeReading]]]] = {}


def read_code(
    target: Any,
    *,
    roots: Sequence[str | os.PathLike[str]] = (),
    path: str | None = None,
    also: Iterable[str] = (),
    stops: Iterable[str] = (),
    search: Iterable[str] = (),
) -> CodeReading:
    """Read the code of a class or function, with all of the author's own code that it reaches.

    It runs and imports nothing. The process keeps what it has read until one of the files changes.

    :param roots: directories with the author's own code, although they may lie where distributions are installed
    :param path: dotted path by which the target was found; it says more than the object if a decorator replaced it
    :param also: names as in a reading's ``functions`` that ran although nothing refers to them
    :param stops: names of the author's modules, or of anything in them, to leave out with everything that only they
        reach
    :param search: where to look for modules that are nowhere on ``sys.path``
    """
    own, more = tuple(os.path.realpath(root) for root in roots), tuple(sorted(set(also)))
    known, places = frozenset(stops), (own, tuple(search))
    with _lock:
        if places not in _indexes or not _indexes[places][0].is_valid():
            _indexes[places] = CodeIndex(*places), {}
        index, readings = _indexes[places]
        key = id(target), path, more, known
        if key not in readings:
            reach = Reachability(index, known)
            reach.begin(target, path)
            for name in more:
                reach.by_name(name)
            readings[key] = target, reach.reading()  # keeps the target, so that no other object gets its id
        return readings[key][1]
