"""How long and how often an attempt tries to save a record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from airflow_provider.errors import (
    CheckpointFormatError,
    CheckpointReadError,
    CheckpointWriteError,
    StaleAttemptError,
    describe,
)

logger = logging.getLogger(__name__)

DEFAULT_PATIENCE_SECONDS = 300.0

_LONGEST_PAUSE_SECONDS = 30.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class SavePolicy:
    """How records are saved.

    :param patience_seconds: how long to retry a save: a restart of Airflow's API server or a brief failure of the
        storage must not cost the attempt
    :param on_save: called with the seconds that each save took
    :param now: returns the time, with time zone
    :param sleep: pauses between tries
    """

    patience_seconds: float = DEFAULT_PATIENCE_SECONDS
    on_save: Callable[[float], object] = lambda seconds: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, what: str, save: Callable[[], Result], *, reads: bool = False) -> Result:
        """Save, and retry with random, growing pauses of up to half a minute until patience runs out.

        Anything that is not an ``Exception``, such as a kill, ends it at once, even during a pause.

        :param what: what is saved, for the log
        :param save: saves it; a try that seems to have failed may have saved it
        :param reads: whether it also returns what is stored
        :raises StaleAttemptError: a newer attempt has taken over; never retried
        :raises CheckpointFormatError: a newer version of this package has written it; never retried
        :raises CheckpointReadError: the store cannot be read; only with ``reads``
        :raises CheckpointWriteError: saving failed
        """
        began = time.monotonic()
        longer = wait_random_exponential(multiplier=0.5, max=_LONGEST_PAUSE_SECONDS)
        retrying = Retrying(
            stop=lambda state: self._left(state) <= 0,
            wait=lambda state: min(longer(state), max(0.0, self._left(state))),  # the last try is at the very end
            retry=retry_if_exception(_may_pass),
            before_sleep=lambda state: _announce(what, state, self.patience_seconds),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            result = retrying(save)
        except (CheckpointFormatError, CheckpointWriteError, StaleAttemptError):
            raise
        except Exception as error:
            if reads and isinstance(error, CheckpointReadError):
                raise
            raise CheckpointWriteError(
                f"saving {what} failed {retrying.statistics['attempt_number']} times: {describe(error)}; the attempt "
                "stops, because without the record the next attempt would run finished components again"
            ) from error
        self.on_save(time.monotonic() - began)
        return result

    def _left(self, state: RetryCallState) -> float:
        """Return the seconds of patience that the tries, or their pauses alone, have left."""
        return self.patience_seconds - max(state.idle_for, state.seconds_since_start or 0.0)


def _may_pass(error: BaseException) -> bool:
    # Anything but an Exception ends the attempt; and a retry changes neither owner nor format of the checkpoint.
    return isinstance(error, Exception) and not isinstance(error, (CheckpointFormatError, StaleAttemptError))


def _announce(what: str, state: RetryCallState, patience: float) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.warning(
        "saving %s failed (try %d): %s; retrying in %.1f s, giving up after %.0f s",
        what,
        state.attempt_number,
        describe(error) if error else "unknown",
        state.upcoming_sleep,
        patience,
    )
