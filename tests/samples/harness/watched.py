"""Lets a test act between any two steps of a store: look, break in with another attempt, or kill the process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Killed(BaseException):
    """Stands in for the death of the process."""


class Watched:
    """A backend, with a callback before each of its steps. Everything is really done.

    :param backend: the files of a store, Airflow's task state, or a store that an author wrote
    :param before: called with the name of the step and its arguments
    """

    def __init__(self, backend: Any, before: Callable[..., object]) -> None:
        self._backend = backend
        self._before = before

    def __getattr__(self, step: str) -> Any:
        act = getattr(self._backend, step)

        def watched(*arguments: Any, **more: Any) -> Any:
            if step == "delete" and not isinstance(arguments[0], str):
                return self._delete(arguments[0])
            self._before(step, *arguments)
            return act(*arguments, **more)

        return watched

    def _delete(self, paths: Iterable[str]) -> None:
        """Delete files, each a step of its own: a kill may leave some of them."""
        for path in paths:
            self._before("delete", path)
            self._backend.delete([path])


class AtStep:
    """Acts once: before the step that has this number, the first being 0.

    :param number: the step
    :param act: what to do then
    :ivar happened: whether there was such a step
    :ivar step: its name and arguments
    """

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self._left = number
        self._act = act
        self.happened = False
        self.step: tuple[Any, ...] = ()

    def __call__(self, *step: Any) -> None:
        if self.happened:
            return
        if self._left == 0:
            self.happened, self.step = True, step
            self._act()
        self._left -= 1


def kill() -> None:
    """End the process, for what may be tested within one."""
    raise Killed
