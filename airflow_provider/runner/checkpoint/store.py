"""What a checkpoint store must do, and what it can do beyond that."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pydantic import ValidationError

from airflow_provider.errors import CheckpointReadError, StaleAttemptError, UnreadableRequestError
from airflow_provider.runner.record.checkpoint_state import CheckpointState, CheckpointUpdate
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey, Scope

logger = logging.getLogger(__name__)

FENCED_OFF = "shut-out"
"""Owner of a fence that no attempt holds: it stops every attempt before it."""


@runtime_checkable
class CheckpointStore(Protocol):
    """Keeps checkpoints, one per scope, run id and pipeline name.

    To add a store, write these three methods and run the contract tests over it. What a store can do beyond that is in
    the protocols below. A store that keeps its checkpoints in files needs none of this: it is a
    :class:`~airflow_provider.runner.checkpoint.file_store.FileCheckpointStore` on a
    :class:`~airflow_provider.runner.storage.file_storage.FileStorage`.

    >>> def progress(store: CheckpointStore, run_id: str) -> int:
    ...     state = store.load(run_id)
    ...     return len(state.completed_components) if state else 0
    >>> progress(store, "run-001")
    2
    """

    def save(self, state: CheckpointState) -> None:
        """Make the state durable, all of it or nothing, before returning.

        An attempt takes a checkpoint over by saving it with a ``fence`` one higher than the one it loaded. So a store
        refuses a state whose fence is lower than the stored one, or equal to it with another ``owner``.

        :raises StaleAttemptError: a newer attempt has taken over, see :func:`replaced_error`
        """

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        """Return the checkpoint, or None if there is none. Reading changes nothing.

        Ignores, with a warning, what is not a checkpoint or belongs to another run. An attempt that takes over sets it
        aside.

        :param run_id: the run
        :param pipeline_name: optional if the run has one pipeline in this scope
        :param scope: what else identifies the run
        :raises CheckpointFormatError: written by a newer version of this package
        :raises CheckpointReadError: the store cannot be read, or the run has several pipelines and no
            name was given
        """

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        """Forget a checkpoint. Return whether there was one."""


@dataclass(frozen=True)
class TakeoverClaim:
    """How an attempt introduces itself when it takes a checkpoint over.

    :param owner: random id of the attempt
    :param attempt: its number; None for one more than the checkpoint's
    """

    key: RunKey
    owner: str
    attempt: int | None = None

    def number_after(self, recorded: CheckpointState | None) -> int:
        """Return the attempt's number."""
        if self.attempt is not None:
            return self.attempt
        return recorded.attempt + 1 if recorded is not None else 1


class CheckpointWriter(Protocol):
    """Writes one attempt's progress, from its takeover on. Each method returns when the data are durable.

    :raises StaleAttemptError: a newer attempt has taken over
    """

    def begin(self, state: CheckpointState) -> None:
        """Make this the whole record."""

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        """Add what has happened.

        :param whole: returns the whole record including the update, in case that must be written again
        """


@dataclass(frozen=True)
class Takeover:
    """A checkpoint that an attempt has taken over.

    :param recorded: everything that earlier attempts recorded, None if nothing
    :param attempt: the attempt's number
    """

    recorded: CheckpointState | None
    fence: int
    attempt: int
    writer: CheckpointWriter


@runtime_checkable
class AddressedStore(Protocol):
    """A store that knows where its checkpoints are."""

    @property
    def address(self) -> str:
        """Identifies the place: the same for every store that leads there, whoever opens it. Holds no secret."""


@runtime_checkable
class ListingStore(CheckpointStore, Protocol):
    """A store that can say what it has."""

    def list(self) -> Iterator[CheckpointState]:
        """Yield every readable checkpoint."""


@runtime_checkable
class TakeoverStore(Protocol):
    """A store in which an attempt can put its fence without saving the whole record, and add to the record."""

    def take_over(self, claim: TakeoverClaim) -> Takeover:
        """Put a fence that stops every earlier attempt's saves, and return what was recorded until then.

        :raises StaleAttemptError: a newer attempt has done so
        """


@runtime_checkable
class RestartRequests(Protocol):
    """A store in which a person can leave a request for the next attempt, at most one per checkpoint."""

    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        """Make the request durable; it replaces an earlier one. The checkpoint itself stays as it is."""

    def find_request(self, key: RunKey) -> RestartRequest | None:
        """Return the request that was left, or None.

        :raises UnreadableRequestError: what is there is not a request
        :raises CheckpointReadError: the store cannot be read
        """

    def drop_request(self, key: RunKey) -> None:
        """Remove the request, if there is one. :meth:`CheckpointStore.delete` does so, too."""


@runtime_checkable
class FencingStore(Protocol):
    """A store that can fence off an attempt that may be running."""

    def fence_off(self, key: RunKey) -> None:
        """Let every save of the attempt that owns the checkpoint now raise StaleAttemptError."""


def load(store: CheckpointStore, key: RunKey) -> CheckpointState | None:
    """Return the checkpoint of a run, never that of another one. Errors are those of :meth:`CheckpointStore.load`."""
    # A store that was written for one pipeline per run outside Airflow may not know scopes.
    scope = {"scope": key.scope} if key.scope else {}
    found = store.load(key.run_id, key.pipeline_name, **scope)
    if found is not None and found.key != key:
        logger.warning("ignoring what %s returned for %s: it is the checkpoint of %s", store, key, found.key)
        return None
    return found


def replaced_error(key: RunKey, attempt: int, by_attempt: int | None = None) -> StaleAttemptError:
    """Return the error for an attempt that may no longer save.

    :param by_attempt: number of the newer attempt, None if it is not known
    """
    by = "a newer attempt" if by_attempt is None else f"attempt {by_attempt}"
    return StaleAttemptError(
        f"{by} of {key} has replaced attempt {attempt}, which stops here and leaves the checkpoint alone",
        key.run_id,
        key.pipeline_name,
    )


def fenced_off_error(key: RunKey, attempt: int) -> StaleAttemptError:
    """Return the error for an attempt whose checkpoint was deleted by force."""
    return StaleAttemptError(
        f"the checkpoint of {key} was deleted while attempt {attempt} was running; the attempt stops here, and the "
        "next one starts from the beginning",
        key.run_id,
        key.pipeline_name,
    )


def only_one(found: list[CheckpointState], run_id: str) -> CheckpointState | None:
    """Return the only checkpoint of a run, for a caller that gave no pipeline name.

    :raises CheckpointReadError: there are several
    """
    if len(found) > 1:
        names = ", ".join(sorted(repr(state.pipeline_name) for state in found))
        raise CheckpointReadError(
            f"run {run_id!r} has checkpoints of several pipelines ({names}); give the pipeline name"
        )
    return found[0] if found else None


def read_request(data: object, place: str) -> RestartRequest:
    """Return the request in a store: one that a command left, or one that a person typed there.

    :param data: JSON text, the bare name of a component, or plain JSON data
    :param place: where it was found, for the message
    :raises UnreadableRequestError: it is not a request
    """
    try:
        if isinstance(data, (str, bytes)):
            data = _typed_text(data)
        if isinstance(data, dict) and data.get("id"):
            return RestartRequest.model_validate(data)
        return RestartRequest.typed(data)
    except (ValidationError, ValueError, RecursionError) as error:
        what = (
            error.errors(include_url=False, include_input=False)[0]["msg"]
            if isinstance(error, ValidationError)
            else "it is nested too deeply, or not text"
        )
        raise UnreadableRequestError(f"{place} is not a valid restart request ({what})") from error


def _typed_text(text: str | bytes) -> object:
    """Return the JSON data in a text, or the text as the name of a component."""
    plain = (text if isinstance(text, str) else text.decode("utf-8", "surrogatepass")).strip()
    if not plain.startswith(("{", "[", '"')):
        return plain
    try:
        return json.loads(plain)
    except ValueError:
        return plain
