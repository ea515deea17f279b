"""One run whose attempts are forked and killed, and the judgement of what is left after each kill."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from airflow_provider.runner import CheckpointState, load_pipeline_config
from airflow_provider.stores.location import store_at
from tests.reliability.kills.fast_attempt import REPLACED, LivingAttempt, Moment, Place
from tests.reliability.kills.kill_journal import EVERY_STATION, Note, read_journal
from tests.reliability.kills.kill_steps import NAME, pipeline, read_output
from tests.reliability.kills.kill_story import Story

DAMAGED = "set aside"
"""What every store says of a checkpoint of which it can make no sense."""

_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Reference:
    """What a run that nobody killed was like.

    :param outputs: what its components wrote
    :param lines: how many lines of Python each station has
    :param saving: how many seconds each station takes
    :param walking: seconds from the beginning to the end
    """

    outputs: dict[str, list[str]]
    lines: dict[str, int]
    saving: dict[str, float]
    walking: float


class Looker:
    """A process that says what a store holds. The one that forks attempts must not open it: no client survives a fork.

    :param url: address of the store
    :param log: file for what the store says meanwhile
    """

    def __init__(self, url: str, log: Path) -> None:
        self._log = log
        self._calls, calls = _FORK.Pipe()
        self._process = _FORK.Process(target=_look, args=(url, log, calls), daemon=True)
        self._process.start()
        calls.close()

    def load(self, run_id: str) -> CheckpointState | None:
        self._calls.send(run_id)
        state = self._calls.recv()
        said = self._log.read_text()
        assert not said, f"the checkpoint of {run_id} cannot be read:\n{said}"
        return state  # type: ignore[no-any-return]


def _look(url: str, log: Path, calls: Connection) -> None:
    logger = logging.getLogger("airflow_provider")
    logger.addHandler(logging.FileHandler(log))
    store = store_at(url)
    while True:
        try:
            state = store.load(calls.recv(), NAME)
        except EOFError:
            return
        except Exception:
            logger.exception("the store raised")
            state = None
        calls.send(state)


class FastRun:
    """One run id, and everything that is known of it besides its checkpoint.

    :param place: where its files are
    :param looker: reads its checkpoint
    """

    def __init__(self, place: Place, looker: Looker) -> None:
        (place.directory / "out").mkdir(parents=True)
        config = load_pipeline_config(pipeline(place.directory, with_spark=False))
        self.components = {component.name: component.depends_on for component in config.ordered}
        self.state: CheckpointState | None = None
        self._place = place
        self._looker = looker
        self._story = Story(self.components)
        self._told = 0

    @property
    def open(self) -> list[str]:
        """Components that are still to run, in their order."""
        completed = self.state.completed_components if self.state else []
        return [name for name in self.components if name not in completed]

    @property
    def through(self) -> bool:
        return self.state is not None and self.state.status == "completed"

    def start(self, moment: Moment) -> LivingAttempt:
        return LivingAttempt(self._place, moment)

    def judge(self, codes: Sequence[int]) -> list[Note]:
        """Judge what attempts have left that lived at the same time and have ended now; return what they noted.

        :param codes: how they ended
        """
        said = (self._place.directory / "log").read_text()
        alright = {0, -9} if len(codes) == 1 else {0, -9, REPLACED}
        assert set(codes) <= alright, f"an attempt failed by itself, exit codes {codes}\n{said[-3000:]}"
        assert DAMAGED not in said, f"a checkpoint was found damaged\n{said[-3000:]}"
        notes = read_journal(self._place.directory / "journal")[self._told :]
        self._told += len(notes)
        self._story.go_on(notes)
        self.state = self._looker.load(self._place.run_id)
        self._story.check(self.state)
        return notes

    def check_end(self, reference: Reference) -> None:
        """The run is through: everything is recorded and as if nobody had killed it."""
        assert not self.open, f"the run is through, but not {self.open}"
        wrong = [name for name, lines in self._outputs().items() if lines != reference.outputs[name]]
        assert not wrong, f"other outputs than without a kill, from the first on: {wrong}"

    def undisturbed(self, counting: FastRun) -> Reference:
        """Go to the end without a kill.

        :param counting: another run, that goes to its end with every line counted, which is slow
        """
        notes, counted = self._to_the_end(Moment()), counting._to_the_end(Moment(EVERY_STATION))
        began = {note.name: note.at for note in notes if note.event == "saving"}
        at = {note.event: note.at for note in notes}
        reference = Reference(
            outputs=self._outputs(),
            lines={note.name: note.count for note in counted if note.event == "lines"},
            saving={note.name: note.at - began[note.name] for note in notes if note.event == "saved"},
            walking=at["done"] - at["begun"],
        )
        self.check_end(reference)
        return reference

    def _to_the_end(self, moment: Moment) -> list[Note]:
        return self.judge([self.start(moment).end()])

    def _outputs(self) -> dict[str, list[str]]:
        return {name: read_output(self._place.directory, name) for name in self.components}
