"""Kills attempt after attempt, many in a second: ``python -m tests.reliability.kills.fast_kills <directory> <url>``.

This process imports what an attempt needs and forks the attempts, so a kill costs no start of Python; it opens no store
itself, so a child finds what a new process finds. Prints what was killed where. A broken rule ends it with an error;
then the files of that run are in the directory.
"""

from __future__ import annotations

import argparse
import importlib
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.kills.fast_attempt import BEGIN, REPLACED, LivingAttempt, Moment, Place
from tests.reliability.kills.fast_run import FastRun, Looker
from tests.reliability.kills.kill_journal import FINISH, TAKE_OVER, Note

CLIENTS = ("airflow.sdk", "airflow.providers.amazon.aws.fs.s3", "boto3", "s3fs")
"""What an attempt imports for a store that has an address."""

KILLED = -9

NEAR = 6
"""A save that is aimed at is one of the next few, so that a run is killed many times before it is through."""


@dataclass
class Tally:
    """What was killed where.

    :param phases: what a killed attempt was doing, to number of kills
    :param lines: function in which a kill hit that was aimed at a line of Python, to number of kills
    :param replaced: attempts that gave up because a newer one had taken over
    :param starts: components that were executed
    :param runs: runs that were driven to their end
    """

    phases: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    starts: int = 0
    runs: int = 0

    @property
    def kills(self) -> int:
        return self.phases.total()

    def add(self, notes: list[Note], codes: list[int], pids: list[int]) -> None:
        """Count what happened to attempts that lived at the same time."""
        self.starts += sum(note.event == "start" for note in notes)
        self.replaced += codes.count(REPLACED)
        for code, pid in zip(codes, pids, strict=True):
            if code == KILLED:
                of_this = [note for note in notes if note.process == pid]
                self.phases[_phase(of_this)] += 1
                self.lines.update(note.name.partition(":")[0] for note in of_this if note.event == "hit")

    def __str__(self) -> str:
        lines = [
            f"{self.kills} kills in {self.runs} runs with {self.starts} executions of components; "
            f"{self.replaced} attempts gave up because a newer one had taken over",
            *(f"  {count:5} {phase}" for phase, count in self.phases.most_common()),
            f"  {self.lines.total():5} of them aimed at a line of Python",
            *(f"    {count:5} {place}" for place, count in sorted(self.lines.items())),
        ]
        return "\n".join(lines)


def _phase(notes: list[Note]) -> str:
    notes = [note for note in notes if note.event != "hit"]
    if not notes:
        return "before the first note"
    last = notes[-1]
    if last.event in ("saving", "holds", "kept"):
        of = {TAKE_OVER: "while the checkpoint was taken over", FINISH: "while the end was recorded"}
        return of.get([n.name for n in notes if n.event == "saving"][-1], "while a component was recorded")
    return {
        "begun": "before the checkpoint was taken over",
        "start": "in a component",
        "end": "after a component, before its record",
        "saved": "after a record",
        "replaced": "after it had given up",
        "done": "after the end of the run",
    }[last.event]


class Torture:
    """Kills run after run.

    :param directory: for the files of all runs
    :param url: address of the store
    :param rng: decides what is killed and when
    :param together: whether attempts live at the same time
    """

    def __init__(self, directory: Path, url: str, rng: random.Random, *, together: bool) -> None:
        self.tally = Tally()
        self._directory = directory
        self._url = url
        self._rng = rng
        self._together = together
        self._looker = Looker(url, directory / "looker.log")
        self._count = 0
        self._reference = self._new_run().undisturbed(self._new_run())

    def kill(self, kills: int) -> None:
        """Kill at least so many attempts, run after run, and let each run come to its end."""
        while self.tally.kills < kills:
            run = self._new_run()
            while not run.through:
                if self.tally.kills >= kills:
                    living = [run.start(Moment())]
                elif self._together and self._rng.random() < 0.5:
                    living = self._two(run)
                else:
                    living = self._one(run)
                pids = [attempt.pid for attempt in living]
                codes = [attempt.end() for attempt in living]
                self.tally.add(run.judge(codes), codes, pids)
            run.check_end(self._reference)
            self.tally.runs += 1
            shutil.rmtree(self._run_directory)

    @property
    def _run_directory(self) -> Path:
        return self._directory / f"run-{self._count}"

    def _new_run(self) -> FastRun:
        self._count += 1
        run_id = f"manual__2026-01-01T00:00:00+00:00/{self._count}"
        return FastRun(Place(self._run_directory, self._url, run_id), self._looker)

    def _one(self, run: FastRun) -> list[LivingAttempt]:
        moment = self._line(run) if self._rng.random() < 0.25 else self._moment(run)
        attempt = run.start(moment)
        attempt.await_moment()
        if not moment.line:
            attempt.kill()
        return [attempt]

    def _two(self, run: FastRun) -> list[LivingAttempt]:
        """An attempt, at a moment of it another one, and at a moment of that one either of them or both are killed."""
        living = []
        for _ in range(2):
            living.append(run.start(self._moment(run)))
            living[-1].await_moment()
        victims = self._rng.choice([living[:1], living[1:], living])
        for attempt in victims:
            attempt.kill()
        return living

    def _moment(self, run: FastRun) -> Moment:
        """Any moment of what is left of the run, or one of a save or a takeover."""
        if self._rng.random() < 0.67:
            left = self._reference.walking * len(run.open) / len(run.components)
            return Moment(BEGIN, self._rng.uniform(0, left))
        station = self._station(run)
        return Moment(station, self._rng.uniform(0, 1.3 * self._reference.saving[station]))

    def _line(self, run: FastRun) -> Moment:
        station = self._station(run)
        return Moment(station, line=self._rng.randint(1, self._reference.lines[station] + 1))

    def _station(self, run: FastRun) -> str:
        return self._rng.choice([TAKE_OVER, *[*run.open, FINISH][:NEAR]])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("url", help="address of the store")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default="")
    parser.add_argument("--together", action="store_true", help="let attempts live at the same time")
    arguments = parser.parse_args()
    if "://" in arguments.url:
        for name in CLIENTS:
            importlib.import_module(name)
    rng = random.Random(arguments.seed or None)
    torture = Torture(arguments.directory, arguments.url, rng, together=arguments.together)
    torture.kill(arguments.kills)
    print(torture.tally)


if __name__ == "__main__":
    main()
