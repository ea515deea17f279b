"""An attempt that costs a fork: a child of a process that has imported the engine and opened nothing.

The components only write files, and their session is a plain object, in which the engine finds no session state.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import load_pipeline_config
from airflow_provider.stores.location import store_at
from tests.reliability.kills.kill_attempt import Watch, run_watched
from tests.reliability.kills.kill_journal import EVERY_STATION, Aim, Journal
from tests.reliability.kills.kill_steps import Observers, pipeline

BEGIN = "begin"
"""The station at which an attempt begins."""

REPLACED = 3
"""Exit code of an attempt that learned that a newer one has taken over."""

PATIENCE = 120.0
"""Seconds after which an attempt hangs."""

_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Moment:
    """When something is to happen to an attempt.

    :param station: it has reached this: ``BEGIN``, ``TAKE_OVER``, the save of a component's record, or ``FINISH``;
        with ``EVERY_STATION`` it goes to its end and notes how many lines each has
    :param seconds: and so long after that
    :param line: or, if not 0: before so many lines of Python more, and then it kills itself
    """

    station: str = ""
    seconds: float = 0.0
    line: int = 0


@dataclass(frozen=True)
class Place:
    """What the attempts of one run share.

    :param directory: journal, log and outputs
    :param url: address of the store
    :param run_id: the run
    """

    directory: Path
    url: str
    run_id: str


class LivingAttempt:
    """A running attempt, as the process sees it that started it.

    :param place: its run
    :param moment: what :meth:`await_moment` waits for
    """

    def __init__(self, place: Place, moment: Moment) -> None:
        self._moment = moment
        self._reached, reached = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_run, args=(place, moment, reached), daemon=True)
        self._process.start()
        reached.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def await_moment(self) -> None:
        """Return at the moment, or when the attempt has ended before it."""
        ready = wait([self._reached, self._process.sentinel], PATIENCE)
        assert ready, f"an attempt hangs: {PATIENCE:.0f} s and it has neither reached {self._moment} nor ended"
        if self._reached in ready:
            self._process.join(self._moment.seconds)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Wait for its end, and return the exit code; negative if it was killed."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        assert code is not None, f"an attempt hangs: it still runs after {PATIENCE:.0f} s"
        self._process.close()
        self._reached.close()
        return code


class _SignallingWatch(Watch):
    def __init__(self, journal: Journal, moment: Moment, reached: Connection) -> None:
        super().__init__(journal, Observers.aim)
        self._moment = moment
        self._reached: Connection | None = reached

    def reach(self, station: str) -> None:
        super().reach(station)
        self.signal(station)

    def signal(self, station: str) -> None:
        if self._reached is not None and station == self._moment.station and not self._moment.line:
            self._reached.send(None)
            self._reached = None


def _run(place: Place, moment: Moment, reached: Connection) -> None:
    log = os.open(place.directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        code = _attempt(place, moment, reached)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


def _attempt(place: Place, moment: Moment, reached: Connection) -> int:
    journal = Observers.journal = Journal(place.directory / "journal")
    by_itself = moment.line or moment.station == EVERY_STATION
    Observers.aim = Aim(journal, moment.station if by_itself else None, moment.line)
    watch = _SignallingWatch(journal, moment, reached)
    journal.note("begun")
    watch.signal(BEGIN)
    config = load_pipeline_config(pipeline(place.directory, with_spark=False))
    try:
        result = run_watched(config, store_at(place.url), place.run_id, watch, spark=object)
    except StaleAttemptError:
        journal.note("replaced")
        return REPLACED
    assert not result.failed_components, result.failed_components
    journal.note("done")
    return 0
