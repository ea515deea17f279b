"""Kills run after run, at random moments or aimed, and counts what was hit."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.reliability.kills.kill_journal import FAILURE, FINISH, TAKE_OVER, Note
from tests.reliability.kills.kill_steps import SPARK_STEPS
from tests.reliability.kills.killed_run import Kill, KilledRun, Reference, Victim

LINES_OF_A_SAVE = 60
"""About so many lines, the last ones of a station, are the store's."""


@dataclass
class Tally:
    """What was killed where.

    :param random: phase to number of kills at random moments
    :param aimed: line of Python to number of kills before it
    :param victims: what was killed
    :param runs: runs that were driven to their end
    :param starts: components that were executed
    :param outlived: kills that some process of the attempt, such as the JVM, outlived at first
    :param slowest_end: seconds that the last of them took to end by itself, at most
    """

    random: Counter[str] = field(default_factory=Counter)
    aimed: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    starts: int = 0
    outlived: int = 0
    slowest_end: float = 0.0

    @property
    def kills(self) -> int:
        return self.random.total() + self.aimed.total()

    def __str__(self) -> str:
        lines = [
            f"{self.kills} kills ({', '.join(f'{victim} {count}' for victim, count in self.victims.items())}) in "
            f"{self.runs} runs with {self.starts} executions of components; {self.outlived} times something outlived "
            f"the process, for at most {self.slowest_end:.1f} s",
            f"  at random moments: {self.random.total()}",
            *(f"    {count:4} {phase}" for phase, count in self.random.most_common()),
            f"  aimed at a line of Python: {self.aimed.total()}",
            *(f"    {count:4} {place}" for place, count in sorted(self.aimed.items())),
        ]
        return "\n".join(lines)


def torture(
    new_run: Callable[[], KilledRun], reference: Reference, rng: random.Random, *, kills: int, victims: Sequence[Victim]
) -> Tally:
    """Kill so many attempts, run after run, and let each run come to its end.

    :param new_run: returns a run of which nothing is there yet
    :param reference: what a run comes to when nobody kills it
    :param rng: decides how and when; half of the kills are aimed
    :param victims: what the other half hit
    """
    tally = Tally()
    while tally.kills < kills:
        run = new_run()
        killed = True
        while killed:
            if tally.kills == kills:
                kill = None
            elif tally.kills % 2 == 1:
                kill = _aimed(rng, run, reference, tally.kills // 2)
            else:
                kill = _random(rng, run, reference, rng.choice(victims))
            killed, notes = run.attempt(kill)
            tally.starts += sum(note.event == "start" for note in notes)
            if killed and kill is not None:
                tally.victims[kill.victim if kill.own_jvm else f"{kill.victim} in a shared JVM"] += 1
                hit = [note.name for note in notes if note.event == "hit"]
                (tally.aimed if hit else tally.random)[hit[-1] if hit else _phase(notes, kill.victim)] += 1
        run.check_end(reference)
        tally.runs += 1
        tally.outlived += run.outlived
        tally.slowest_end = max(tally.slowest_end, run.slowest_end)
    return tally


def _aimed(rng: random.Random, run: KilledRun, reference: Reference, number: int) -> Kill:
    """Aim at some station: every other time at any line, else going backwards through the lines of a save."""
    # Near the front, so that a run is killed many times before it is through.
    near = [*run.open, FINISH][:8]
    station = rng.choice([TAKE_OVER, *near, *(3 * [name for name in near if name in SPARK_STEPS])])
    last = reference.lines[station] + 1
    if number % 2:
        return Kill(station=station, line=rng.randint(1, last))
    return Kill(station=station, line=max(1, last - number // 2 % LINES_OF_A_SAVE))


def _random(rng: random.Random, run: KilledRun, reference: Reference, victim: Victim) -> Kill:
    if rng.random() < 0.2:
        return Kill(signal="begun", seconds=rng.uniform(0, reference.cold.opening), victim=victim, own_jvm=True)
    own_jvm = victim != "process" or rng.random() < 0.3
    pace = reference.cold if own_jvm else reference.warm
    left = pace.walking * len(run.open) / len(run.depends_on)
    return Kill(signal="session", seconds=rng.uniform(0, left), victim=victim, own_jvm=own_jvm)


def _phase(notes: list[Note], victim: str) -> str:
    """Say in words where an attempt was that was killed from outside."""
    if victim == "JVM":  # it went on to its next call to Spark, and recorded its failure
        notes = [note for note in notes if note.name != FAILURE and note.event != "failed"]
    if not notes:
        return "before the first note"
    last = notes[-1]
    if last.event in ("saving", "holds", "kept"):
        return "while the record was saved"
    return {
        "begun": "before the checkpoint was taken over",
        "session": "with the session just opened, or while session state was restored",
        "start": "in a component",
        "end": "after a component, before the save of its record",
        "saved": "while the session was opened" if last.name == TAKE_OVER else "after a record, before the next start",
        "done": "after the end of the run",
    }[last.event]
