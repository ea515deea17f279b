"""An attempt's first act: put its fence into the store, and read what was recorded until then."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from airflow_provider.runner.checkpoint.store import CheckpointStore, Takeover, TakeoverClaim, TakeoverStore, load
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate
from airflow_provider.runner.record.run_key import RunKey


def take_over(store: CheckpointStore, key: RunKey, attempt: int | None = None) -> tuple[TakeoverClaim, Takeover]:
    """Take a checkpoint over. Every record in it stays; only fence and owner change.

    :param attempt: number of the attempt; None for one more than the checkpoint's
    :raises StaleAttemptError: a newer attempt has taken over
    :raises CheckpointError: the store cannot be read, or a newer version of this package has written it
    """
    claim = TakeoverClaim(key, uuid.uuid4().hex, attempt)
    if isinstance(store, TakeoverStore):
        return claim, store.take_over(claim)
    recorded = load(store, key)
    if recorded is None:
        return claim, Takeover(None, 1, claim.number_after(None), WholeStateWriter(store))
    recorded = recorded.model_copy(update={"fence": recorded.fence + 1, "owner": claim.owner})
    store.save(recorded)
    return claim, Takeover(recorded, recorded.fence, claim.number_after(recorded), WholeStateWriter(store))


class WholeStateWriter:
    """For a store that saves only whole states: writes the whole state each time."""

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store

    def begin(self, state: CheckpointState) -> None:
        self._store.save(state)

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        self._store.save(whole())
