"""Lets several parties share a store, one step of its backend at a time, in an order that a seed decides."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from typing import Any

from tests.samples.watched import Killed

PATIENCE = 60.0


class Party(threading.Thread):
    """Somebody who does something with a store: an attempt, or one who looks on.

    :param name: for messages
    :param act: what it does, given what opens its backend's steps to the schedule, see :class:`Steps`
    """

    def __init__(self, name: str, act: Callable[[Party], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._act = act
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self.error: BaseException | None = None
        self.killed = self.ended = False
        self.lose_answer = False

    def step(self) -> None:
        """Wait for the next turn; called by the party before each step of its backend."""
        self._back.release()
        assert self._turn.acquire(timeout=PATIENCE)
        if self.killed:
            raise Killed

    def go(self) -> None:
        """Let it do one step; called by the schedule."""
        if not self.ident:
            self.start()
            assert self._back.acquire(timeout=PATIENCE)
            return
        self._turn.release()
        assert self._back.acquire(timeout=PATIENCE), f"{self.name} hangs"

    def run(self) -> None:
        try:
            self.step()
            self._act(self)
        except Killed:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.ended = True
            self._back.release()


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
            self._party.step()
            done = act(*arguments, **more)
            if self._party.lose_answer:
                self._party.lose_answer = False
                raise TimeoutError("no answer from the store")
            return done

        return step

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, each a step of its own, as somebody else sees it."""
        for path in paths:
            self._party.step()
            self._backend.remove([path])


def play(
    parties: list[Party], rng: random.Random, *, deaths: Iterable[Party] = (), loss: float = 0.0, burst: int = 8
) -> None:
    """Let all parties come to their ends.

    :param parties: who takes part
    :param rng: decides whose turn it is
    :param deaths: those that are killed at some step
    :param loss: how likely a step's answer is lost
    :param burst: how many steps one party may do in a row at most
    """
    dying = {party: rng.randrange(80) for party in deaths}
    while living := [party for party in parties if not party.ended]:
        party = rng.choice(living)
        for _ in range(rng.randint(1, burst)):
            if party in dying:
                dying[party] -= 1
                party.killed = dying[party] < 0
            party.lose_answer = rng.random() < loss
            party.go()
            if party.ended:
                break
    for party in parties:
        if party.error is not None:
            raise party.error
