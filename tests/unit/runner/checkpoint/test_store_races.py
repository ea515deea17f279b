"""Attempts, who looks on, kills and lost answers, in thousands of orders of their single steps, in every store.

Each test is a small model check: the parties do what they do in reality, a seed decides whose step comes next, and
after each order the rules must hold. A failure names its seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointError, StaleAttemptError
from airflow_provider.runner import CheckpointStore
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.stores import task_state_rows
from tests.samples.harness.places import Place, asked_for
from tests.samples.harness.records import Recorder
from tests.samples.harness.schedule import Party, Steps, play
from tests.samples.harness.watched import Killed

ORDERS = {"memory": 200, "local": 20, "s3://": 2, "task state": 100}


@pytest.fixture(params=ORDERS)
def raced(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Place, int]:
    """An empty place of each kind that works in its own way, and how many orders are tried there."""
    monkeypatch.setattr(task_state_rows, "_SEGMENT", 3)  # so that a few components are enough to close segments
    return asked_for(request, tmp_path), ORDERS[request.param]


class Race:
    """One order of steps, and what must hold in it.

    :param place: where the checkpoint is
    :param key: which one
    :ivar ran: the components that have run, whether or not their record is known to be durable
    :ivar acknowledged: those of which it is
    """

    def __init__(self, place: Place, key: RunKey) -> None:
        self.place = place
        self.key = key
        self.ran: list[str] = []
        self.acknowledged: list[str] = []
        self.ranks: dict[str, tuple[int, int, str]] = {}
        self.winners: list[str] = []

    def attempt(self, name: str, components: int) -> Party:
        """An attempt that takes over, begins and completes so many components, and stops when it is replaced."""

        def act(party: Party) -> None:
            recorder = Recorder(self._open(party), self.key)
            try:
                _insist(recorder.take_over)
                read = recorder.taken.recorded
                found = set(read.completed_components) if read else set()
                mine = (recorder.taken.fence, recorder.taken.attempt, recorder.claim.owner)
                older = {component for component, rank in self.ranks.items() if rank < mine}
                assert older <= found, f"{name} took over and did not find {sorted(older - found)}"
                _insist(recorder.begin)
                for number in range(components):
                    component = f"{name}{number}"
                    self.ran.append(component)
                    _insist(lambda component=component: recorder.complete(component))
                    self.acknowledged.append(component)
                    self.ranks[component] = mine
            except StaleAttemptError:
                return
            self.winners.append(name)

        return Party(name, act)

    def looker(self, name: str, looks: int = 3) -> Party:
        """One who looks: finds at least what was recorded before the look, at most what had run after it."""

        def act(party: Party) -> None:
            store = self._open(party, looks=True)
            for _ in range(looks):
                before = set(self.acknowledged)
                found = load(store, self.key)
                listed = set(found.completed_components) if found else set()
                assert before <= listed, f"{name} missed {sorted(before - listed)}"
                assert listed <= set(self.ran), f"{name} found {sorted(listed - set(self.ran))}, which never ran"

        return Party(name, act)

    def _open(self, party: Party, looks: bool = False) -> CheckpointStore:
        store: Any = self.place.store() if looks else self.place.attempt()
        if hasattr(store, "storage"):
            files = Steps(store.storage(), party)
            store.storage = lambda: files
        else:
            store._accessor = Steps(store._accessor, party)
        return store  # type: ignore[no-any-return]

    def check_end(self) -> None:
        """All is there that was recorded; nothing that did not run; nothing was taken for damaged; one may go on."""
        found = load(self.place.store(), self.key)
        listed = set(found.completed_components) if found else set()
        assert set(self.acknowledged) <= listed <= set(self.ran)
        assert not [name for name in self.place.documents() if "corrupt" in name]
        following = Recorder(self.place.attempt(), self.key)
        following.start()
        following.complete("last")
        after = load(self.place.store(), self.key)
        assert after is not None
        assert set(after.completed_components) == {*listed, "last"}
        assert after == following.whole


def _insist(act: Callable[[], object]) -> None:
    """Try again when an answer is lost, as an attempt does."""
    while True:
        try:
            act()
            return
        except StaleAttemptError:
            raise
        except (TimeoutError, CheckpointError):
            pass


def races(place: Place, count: int, make: Callable[[Race, random.Random], dict[str, Any]]) -> None:
    """Try many orders, each at a checkpoint of its own."""
    for seed in range(count):
        rng = random.Random(seed)
        race = Race(place, RunKey((), f"run-{seed}", "p"))
        if not place.serves_many_runs:
            for name in list(place.documents()):
                place.take_away(name)
        try:
            play(rng=rng, **make(race, rng))
            race.check_end()
        except (Exception, Killed) as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_who_looks_while_attempts_come_and_go_sees_the_record_and_changes_nothing(raced: tuple[Place, int]) -> None:
    """Invariants 1 and 2 for a look, at every step of recording, closing, takeover, beginning and clean-up."""

    def make(race: Race, rng: random.Random) -> dict[str, Any]:
        attempts = [race.attempt(name, rng.randint(0, 7)) for name in "abc"[: rng.randint(1, 3)]]
        return {"parties": [race.looker("x"), race.looker("y"), *attempts]}

    races(*raced, make)


def test_attempts_that_live_at_once_and_are_killed_at_any_step(raced: tuple[Place, int]) -> None:
    """Invariants 1, 2 and 5: whatever any of them was doing, what was recorded is found and one of them goes on."""

    def make(race: Race, rng: random.Random) -> dict[str, Any]:
        attempts = [race.attempt(name, rng.randint(0, 5)) for name in "abcd"[: rng.randint(2, 4)]]
        deaths = [attempt for attempt in attempts if rng.random() < 0.5]
        return {"parties": [race.looker("x"), *attempts], "deaths": deaths}

    races(*raced, make)


def test_attempts_whose_answers_are_lost(raced: tuple[Place, int]) -> None:
    """A step is done and seems to have failed: it is tried again, and the rules hold all the same."""

    def make(race: Race, rng: random.Random) -> dict[str, Any]:
        attempts = [race.attempt(name, rng.randint(0, 5)) for name in "abc"[: rng.randint(1, 3)]]
        deaths = [attempt for attempt in attempts if rng.random() < 0.2]
        return {"parties": attempts, "deaths": deaths, "losses": 5}

    races(*raced, make)


def test_of_attempts_that_live_at_once_exactly_one_comes_to_its_end(raced: tuple[Place, int]) -> None:
    """Invariant 5: the newest attempt wins, and only the newest records to its end if none ended before it began."""
    place, count = raced

    def make(race: Race, rng: random.Random) -> dict[str, Any]:
        # Each has more to do than the schedule lets pass before all have taken over.
        return {"parties": [race.attempt(name, 12) for name in "abc"], "burst": 3}

    races(place, count // 2, make)
