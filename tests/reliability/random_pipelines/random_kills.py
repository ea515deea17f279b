"""Runs random pipelines whose attempts are processes that are killed.

An attempt: ``python -m tests.reliability.random_pipelines.random_kills <directory> <name> <url> <seed> <failure>``,
where the failure is the number of one in the story that the seed says, or -1 for none. It prints how it ended as one
line of JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
from pathlib import Path
from typing import Any

from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.planning.plan import Action
from tests.reliability.every_failure.attempts import python
from tests.reliability.every_failure.driver import open_spark
from tests.reliability.every_failure.warm_jvm import WarmJvm
from tests.reliability.random_pipelines.counting_server import CountingServer
from tests.reliability.random_pipelines.random_author import draw
from tests.reliability.random_pipelines.random_compare import Verdict, compare, left_names
from tests.reliability.random_pipelines.random_process import allow_sql_path, begin_attempt
from tests.reliability.random_pipelines.random_run import Trial, attempt
from tests.reliability.random_pipelines.random_story import Story
from tests.reliability.random_pipelines.random_world import Outcome, World


class Killer:
    """Runs stories, a process for each attempt.

    :param directory: for everything that the runs leave
    :param sources: what each world has from the beginning
    :param server: counts what is sent
    :param jvm: for the Spark of the attempts
    """

    def __init__(self, directory: Path, sources: Path, server: CountingServer, jvm: WarmJvm) -> None:
        self._directory = directory
        self._sources = sources
        self._server = server
        self._jvm = jvm

    def judge(self, story: Story) -> Verdict:
        """Run a story without kills and with them, and compare."""
        verdict = Verdict(story)
        number = story.seed.replace("/", "_")
        calm = World(self._directory / f"calm_{number}", f"calm_{number}", self._server.url)
        trials, wanted = self._run(story, calm, ())
        if wanted is None:
            verdict.void = trials[0].error
            return verdict
        killed = World(self._directory / f"killed_{number}", f"killed_{number}", self._server.url)
        verdict.trials, found = self._run(story, killed, tuple(range(len(story.failures))))
        compare(verdict, wanted, found, killed.effects(self._server))
        return verdict

    def _run(self, story: Story, world: World, failures: tuple[int, ...]) -> tuple[list[Trial], Outcome | None]:
        world.create(self._sources)
        trials: list[Trial] = []
        for failure in (*failures, -1):
            ended, said = self._attempt(story, world, failure)
            wanted = story.failures[failure] if failure >= 0 else None
            if ended is None:
                trials.append(Trial(wanted, said.splitlines(), error="killed", injected=True))
                continue
            actions = {name: Action(action) for name, action in ended["actions"].items()}
            trials.append(Trial(wanted, ended["plan"], actions, error=ended["error"], refused=ended["refused"]))
            if ended["error"] is not None:
                break
            data = {place: [tuple(row) for row in rows] for place, rows in ended["data"].items()}
            return trials, Outcome(world.effects(self._server), data)
        return trials, None

    def _attempt(self, story: Story, world: World, failure: int) -> tuple[dict[str, Any] | None, str]:
        """Return how the attempt ended, None if it was killed, and its log."""
        arguments = (str(world.directory), world.name, self._server.url, story.seed, str(failure))
        done = python(
            "-m",
            "tests.reliability.random_pipelines.random_kills",
            *arguments,
            directory=world.directory,
            jvm=self._jvm,
        )
        if done.returncode == -signal.SIGKILL and failure >= 0:
            return None, done.stderr
        assert done.returncode == 0, f"{story}\n{done.stderr[-5000:]}"
        ended: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return ended, done.stderr


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("seed")
    parser.add_argument("failure", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    story = draw(arguments.seed, kills=True)
    world = World(arguments.directory, arguments.name, arguments.url)
    begin_attempt(arguments.failure % 9)
    spark = open_spark(arguments.directory)
    allow_sql_path(spark)
    world.register(spark)
    store = LocalCheckpointStore(arguments.directory / "checkpoints")
    failure = story.failures[arguments.failure] if arguments.failure >= 0 else None
    trial = attempt(story, world.places, store, spark, failure)
    data = world.data(spark, *left_names(story), trial.lost) if trial.error is None else {}
    spark.stop()  # its JVM may be there for more than this process
    ended = {"plan": trial.plan, "actions": trial.actions, "error": trial.error, "refused": trial.refused}
    print(json.dumps({**ended, "data": data}))


if __name__ == "__main__":
    main()
