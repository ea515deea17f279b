"""Lets several parties share a store, one step of its backend at a time, in an order that a seed decides."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable
from typing import Any

from greenlet import getcurrent, greenlet

from tests.samples.harness.watched import Killed

_SOON = 80  # a step that most parties come to


class Party:
    """Somebody who does something with a store: an attempt, or one who looks on.

    :param name: for messages
    :param act: what it does; opens its store's backend with :class:`Steps`
    """

    def __init__(self, name: str, act: Callable[[Party], object]) -> None:
        self.name = name
        self._act = act
        self._line = greenlet(self._run)
        self._schedule: greenlet | None = None
        self.killed = self.lose_answer = False

    @property
    def ended(self) -> bool:
        return bool(self._line.dead)

    def go(self) -> None:
        """Let it do one step; called by the schedule."""
        self._schedule = getcurrent()
        self._line.switch()

    def step(self) -> None:
        """Wait for the next turn; called by the party before each step of its backend."""
        assert self._schedule is not None
        self._schedule.switch()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        with contextlib.suppress(Killed):
            self._act(self)


class Steps:
    """A backend each of whose steps waits for the party's turn. What a step answers may be lost.

    :param backend: the files of a store, or Airflow's task state
    :param party: whose it is
    """

    def __init__(self, backend: Any, party: Party) -> None:
        self._backend = backend
        self._party = party

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._backend, name)

        def step(*arguments: Any, **more: Any) -> Any:
            if name == "delete" and not isinstance(arguments[0], str):
                return self._delete(arguments[0])
            self._party.step()
            done = act(*arguments, **more)
            if self._party.lose_answer:
                self._party.lose_answer = False
                raise TimeoutError("no answer from the store")
            return done

        return step

    def _delete(self, paths: Iterable[str]) -> None:
        """Delete files, each a step of its own, as others see it."""
        for path in paths:
            self._party.step()
            self._backend.delete([path])


def play(
    parties: list[Party], rng: random.Random, *, deaths: Iterable[Party] = (), losses: int = 0, burst: int = 8
) -> None:
    """Let all parties come to their ends.

    :param parties: who takes part
    :param rng: decides whose turn it is
    :param deaths: those that are killed at some step
    :param losses: how many answers are lost to each at most
    :param burst: how many steps one party may do in a row at most
    """
    dies = {party: rng.randrange(_SOON) for party in deaths}
    loses = {party: {rng.randrange(_SOON) for _ in range(losses)} for party in parties}
    count = dict.fromkeys(parties, 0)
    while living := [party for party in parties if not party.ended]:
        party = rng.choice(living)
        for _ in range(rng.randint(1, burst)):
            party.killed = count[party] == dies.get(party)
            party.lose_answer = count[party] in loses[party]
            count[party] += 1
            party.go()
            if party.ended:
                break
