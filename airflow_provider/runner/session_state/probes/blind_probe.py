"""Stands for a probe that could not be made, so that nothing of the session is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


class BlindProbe:
    """Answers every question with the reason why there is no answer.

    :param why: the reason
    """

    def __init__(self, why: str) -> None:
        self._why = why
        self.jvm = None

    def __getattr__(self, question: str) -> Callable[..., NoReturn]:
        def unanswered(*arguments: object, **named: object) -> NoReturn:
            raise LookupError(self._why)

        return unanswered
