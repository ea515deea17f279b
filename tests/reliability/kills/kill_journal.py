"""What a process that is going to be killed leaves for the one that judges it: a journal, and where it was hit.

The journal says what has happened, independently of the checkpoint. A note that was made outlives the process.
"""

from __future__ import annotations

import json
import linecache
import os
import pathlib
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import airflow_provider.runner.checkpoint
import airflow_provider.runner.session_state
import airflow_provider.runner.storage
import airflow_provider.stores

TAKE_OVER = "take over"
FINISH = "finish"
FAILURE = "failure"
EVERY_STATION = "every"

_WATCHED = tuple(
    str(Path(package.__file__).parent)
    for package in (
        airflow_provider.runner.checkpoint,
        airflow_provider.runner.session_state,
        airflow_provider.runner.storage,
        airflow_provider.stores,
    )
)
"""Whose lines of Python count as steps of keeping a component's session state and of saving the record."""

_FILE_FUNCTIONS = {"mkdir", "open", "rename", "replace", "rmtree", "unlink", "write_bytes", "write_text"}
"""Those of the standard library whose lines count, too."""


@dataclass(frozen=True)
class Note:
    """One line of the journal.

    :param process: who wrote it
    :param event: ``begun``, ``session``, ``holds``, ``kept``, ``start``, ``end``, ``saving``, ``saved``, ``lines``,
        ``hit``, ``replaced``, ``failed`` or ``done``
    :param name: of the component or station, the rank of the attempt, or where the process hit itself
    :param names: components that the plan of the attempt keeps
    :param count: lines of Python that a station took
    :param at: when, in seconds
    """

    process: int
    event: str
    name: str = ""
    names: tuple[str, ...] = ()
    count: int = 0
    at: float = 0.0


class Journal:
    """Appends notes to a file.

    :param path: the file
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, event: str, name: str = "", *, names: Sequence[str] = (), count: int = 0) -> None:
        line = [os.getpid(), event, name, list(names), count, time.monotonic()]
        # The line break comes first: a kill in the middle of a note must not spoil the next process's.
        os.write(self._file, f"\n{json.dumps(line)}".encode())


def read_journal(path: Path) -> list[Note]:
    """Return the notes in the order they were written. One that was cut off was never made."""
    notes = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            process, event, name, names, count, at = json.loads(line)
        except ValueError:
            continue
        notes.append(Note(process, event, name, tuple(names), count, at))
    return notes


class Aim:
    """Kills this process before the n-th line of Python of a station: of what follows a component until its record.

    :param journal: where to note the hit, or for each station how many lines it has
    :param station: a component, ``TAKE_OVER``, ``FINISH``, or ``EVERY_STATION`` to count only; None for no aim
    :param line: which line, from 1; if there are fewer, the process is hit when the record is durable
    """

    def __init__(self, journal: Journal, station: str | None, line: int) -> None:
        self._journal = journal
        self._station = station
        self._line = line
        self._passed = 0

    def begin(self, station: str) -> None:
        """From here on lines count."""
        if self._station in (station, EVERY_STATION) and sys.gettrace() is None:
            self._passed = 0
            sys.settrace(self._enter)

    def end(self, station: str) -> None:
        """The record is durable."""
        if self._station not in (station, EVERY_STATION):
            return
        sys.settrace(None)
        if self._station == EVERY_STATION:
            self._journal.note("lines", station, count=self._passed)
        else:
            self._hit("after the record")

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        changes_files = code.co_filename in (pathlib.__file__, shutil.__file__) and code.co_name in _FILE_FUNCTIONS
        return self._step if changes_files or code.co_filename.startswith(_WATCHED) else None

    def _step(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            self._passed += 1
            if self._passed == self._line:
                code = frame.f_code
                text = linecache.getline(code.co_filename, frame.f_lineno).strip()
                self._hit(f"{Path(code.co_filename).stem}.{code.co_name}: {text}")
        return self._step

    def _hit(self, where: str) -> None:
        self._journal.note("hit", where)
        os.kill(os.getpid(), signal.SIGKILL)
