"""Judges random pipelines: each one runs without a failure and with failures, and both must leave the same.

To see one again: ``python -m tests.reliability.random_pipelines.random_compare <seed> [--shrink]``
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from airflow_provider.runner import InMemoryCheckpointStore
from airflow_provider.runner.planning.plan import Action
from tests.reliability.random_pipelines.counting_server import CountingServer
from tests.reliability.random_pipelines.random_author import beyond, draw
from tests.reliability.random_pipelines.random_judge import differences, repeated
from tests.reliability.random_pipelines.random_process import ProcessState, allow_sql_path, begin_attempt
from tests.reliability.random_pipelines.random_run import Trial, attempt
from tests.reliability.random_pipelines.random_story import Failure, Story
from tests.reliability.random_pipelines.random_world import Outcome, Row, World, write_sources
from tests.samples.harness.active_session import make_active

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_SHRINKING = 60
"""Pipelines to try while one that fails is made smaller."""

MOST_SHRUNK = 3
"""Failing pipelines that are made smaller, of those that one test finds."""


@dataclass
class Verdict:
    """What became of one story.

    :param story: the pipeline and what was to go wrong
    :param trials: its attempts, the last one included
    :param wrong: what is not as it must be; empty if all is well
    :param void: why it says nothing: the pipeline fails without anything going wrong
    :param counts: what happened on the way
    """

    story: Story
    trials: list[Trial] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    void: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return "\n".join([str(self.story), *map(str, self.trials), *(f"WRONG: {line}" for line in self.wrong)])


class Judge:
    """Runs stories in the sessions of one Spark.

    :param spark: any session of it
    :param directory: for everything that the runs leave
    :param server: counts what they send
    """

    def __init__(self, spark: SparkSession, directory: Path, server: CountingServer) -> None:
        self._spark = spark
        self._directory = directory
        self.server = server
        self._worlds = itertools.count()
        self._process = ProcessState(spark)
        self.sources = directory / "sources"
        write_sources(spark, self.sources)

    def judge(self, story: Story) -> Verdict:
        """Run a story without failures and with them, and compare."""
        verdict = Verdict(story)
        with self._world() as world:
            trials, wanted = self._run(story, world, ())
            if wanted is None:
                verdict.void = trials[0].error
                return verdict
        with self._world() as world:
            verdict.trials, found = self._run(story, world, story.failures)
            compare(verdict, wanted, found, world.effects(self.server))
        return verdict

    def shrink(self, verdict: Verdict) -> Verdict:
        """Leave out components and failures as long as something is still wrong."""
        pinned = [
            replace(failure, at=trial.victim)
            for failure, trial in zip(verdict.story.failures, verdict.trials, strict=False)
        ]
        verdict.story = replace(verdict.story, failures=tuple(pinned))
        budget = MOST_SHRINKING
        smaller = True
        while smaller and budget > 0:
            smaller = False
            for story in smaller_stories(verdict):
                budget -= 1
                tried = self.judge(story)
                if tried.wrong:
                    verdict, smaller = tried, True
                    break
                if budget <= 0:
                    break
        return verdict

    def _run(self, story: Story, world: World, failures: tuple[Failure, ...]) -> tuple[list[Trial], Outcome | None]:
        store = InMemoryCheckpointStore()
        trials = []
        for number, failure in enumerate((*failures, None), start=1):
            self._process.put_back()
            begin_attempt(number)
            self._spark.catalog.clearCache()  # what a new process does not have
            session = self._spark.newSession()
            make_active(session)
            try:
                trials.append(attempt(story, world.places, store, session, failure))
            finally:
                self._process.put_back()
            if trials[-1].error is None:
                data = world.data(session, *left_names(story), trials[-1].lost)
                return trials, Outcome(world.effects(self.server), data)
            if not trials[-1].injected:
                break
        return trials, None

    @contextmanager
    def _world(self) -> Iterator[World]:
        name = f"w{os.getpid()}_{next(self._worlds)}"
        world = World(self._directory / name, name, self.server.url)
        world.create(self.sources)
        world.register(self._spark)
        try:
            yield world
        finally:
            self._spark.catalog.clearCache()
            world.forget(self._spark)
            shutil.rmtree(world.directory, ignore_errors=True)


def compare(verdict: Verdict, wanted: Outcome, found: Outcome | None, effects: dict[str, list[Row]]) -> None:
    """Note what is wrong.

    :param verdict: with the attempts that failures were wanted in
    :param wanted: what the run without failures left
    :param found: what this one left, None if it did not come to the end
    :param effects: what this one sent and appended, however it ended
    """
    story, last = verdict.story, verdict.trials[-1]
    verdict.counts = count(verdict.trials)
    for number, trial in enumerate(verdict.trials, start=1):
        again = [name for name, action in trial.actions.items() if action is Action.REPLAY and story.steps[name].acts]
        verdict.wrong += [f"attempt {number} replays {name}, which has a side effect" for name in again]
    if found is not None:
        verdict.wrong += differences(wanted, found)
    elif last.refused:
        verdict.wrong += repeated(wanted.effects, effects)
    else:
        verdict.wrong.append(f"the last attempt failed by itself: {last.error}")


def left_names(story: Story) -> tuple[set[str], set[str]]:
    """Return the names of the temp functions and of the variables of a pipeline."""
    configs = [step.config for step in story.steps.values()]
    functions, variables = ({str(c[key]) for c in configs if key in c} for key in ("function", "variable"))
    return functions, variables


def count(trials: list[Trial]) -> Counter[str]:
    """Count what happened in the attempts after the first."""
    counts = Counter[str](attempts=len(trials), refused=trials[-1].refused)
    for trial in trials:
        counts.update(f"{action} components" for action in trial.actions.values())
    counts["restored"] = sum("to restore" in line for trial in trials for line in trial.plan)
    return counts


def smaller_stories(verdict: Verdict) -> Iterator[Story]:
    """Yield the story without one of its failures, then without one of its components."""
    story = verdict.story
    for number in range(len(story.failures) if len(story.failures) > 1 else 0):
        yield replace(story, failures=story.failures[:number] + story.failures[number + 1 :])
    for name in reversed(story.steps):
        yield story.without(name)


class Judges(Protocol):
    """Runs a story with and without what goes wrong, and compares."""

    def judge(self, story: Story) -> Verdict: ...


def judge_many(judge: Judges, stories: Iterator[Story], wanted: int) -> Counter[str]:
    """Judge so many pipelines that do not fail by themselves.

    :param judge: runs them
    :param stories: more than enough of them
    :param wanted: how many to judge
    :return: what happened in all of them together
    :raises AssertionError: something is wrong with some of them; it shows each of them, made smaller
    """
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    while counts["pipelines"] < wanted:
        story = next(stories)
        if beyond(story):
            counts["beyond"] += 1
            continue
        verdict = judge.judge(story)
        if verdict.void is not None:
            counts["left out"] += 1
            continue
        counts["pipelines"] += 1
        counts.update(verdict.counts)
        if verdict.wrong:
            wrong.append(str(verdict))
            if isinstance(judge, Judge) and len(wrong) <= MOST_SHRUNK:
                wrong.append(f"made smaller:\n{judge.shrink(verdict)}")
            print(wrong[-1], flush=True)
            counts["wrong"] += 1
    assert not wrong, "\n\n".join([f"{counts['wrong']} of {wanted} pipelines: {dict(counts)}", *wrong])
    return counts


def main() -> None:
    from tests.reliability.every_failure.driver import open_spark

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed")
    parser.add_argument("--shrink", action="store_true", help="make it smaller as long as it is wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="random-") as directory, CountingServer() as server:
        spark = open_spark(Path(directory))
        allow_sql_path(spark)
        judge = Judge(spark, Path(directory), server)
        verdict = judge.judge(draw(arguments.seed))
        if verdict.void is not None:
            sys.exit(f"{verdict.story}\nit fails without anything going wrong: {verdict.void}")
        if verdict.wrong and arguments.shrink:
            verdict = judge.shrink(verdict)
        print(verdict)
        spark.stop()
        sys.exit(bool(verdict.wrong))


if __name__ == "__main__":
    main()
