"""What a checkpoint store must do, and the one rule that every store keeps."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from pydantic import ValidationError

from airflow_provider.errors import CheckpointReadError, StaleAttemptError
from airflow_provider.runner.record.state import CheckpointState, RestartRequest, Scope


@runtime_checkable
class CheckpointStore(Protocol):
    """Keeps checkpoints, one per scope, run id and pipeline name.

    To add a store, write these three methods and run the contract tests over it.
    """

    def save(self, state: CheckpointState) -> None:
        """Make the state durable, all of it or nothing, before returning.

        :raises StaleAttemptError: a newer attempt has taken over (see :func:`refuse_stale`)
        """

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        """Return the checkpoint, or None if there is none.

        What is stored but is no checkpoint is set aside with a warning, and counts as none.

        :param run_id: the run
        :param pipeline_name: may be left out when the run has one pipeline in this scope
        :param scope: what else identifies the run
        :raises CheckpointFormatError: written by a newer version of this package
        :raises CheckpointReadError: the store cannot be read, or the run has several pipelines and no
            name was given
        """

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        """Forget a checkpoint. Return whether there was one."""


@runtime_checkable
class RestartRequests(Protocol):
    """A store in which a person can also leave a request for the next attempt. At most one is kept per checkpoint."""

    def leave_request(self, request: RestartRequest, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        """Make the request durable; it replaces an earlier one. The checkpoint itself stays as it is."""

    def find_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> RestartRequest | None:
        """Return the request that was left, or None.

        :raises CheckpointReadError: the store cannot be read, or what it holds is no request
        """

    def drop_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        """Remove the request, if there is one. :meth:`CheckpointStore.delete` does so, too."""


def refuse_stale(stored: CheckpointState | None, new: CheckpointState) -> None:
    """Raise if the stored checkpoint belongs to a newer attempt than the one that wants to save.

    An attempt takes the checkpoint over by saving it with a ``fence`` one higher than what it loaded.

    :param stored: what the store holds now
    :param new: what is about to replace it
    :raises StaleAttemptError: the new state is of a replaced attempt
    """
    if stored is None:
        return
    if stored.fence > new.fence or (stored.fence == new.fence and stored.owner != new.owner):
        raise replaced(new, stored.attempt)


def replaced(new: CheckpointState, by_attempt: int) -> StaleAttemptError:
    """Return the error for a state that may not be saved any more.

    :param new: what a replaced attempt wants to save
    :param by_attempt: number of the newer attempt
    """
    return StaleAttemptError(
        f"attempt {new.attempt} of pipeline {new.pipeline_name!r}, run {new.run_id!r}, has been "
        f"replaced by attempt {by_attempt}; it stops here and leaves the checkpoint alone"
    )


def only_one(found: list[CheckpointState], run_id: str) -> CheckpointState | None:
    """Return the single checkpoint of a run that was asked for without a pipeline name.

    :raises CheckpointReadError: there are several
    """
    if len(found) > 1:
        names = ", ".join(sorted(repr(state.pipeline_name) for state in found))
        raise CheckpointReadError(
            f"run {run_id!r} has checkpoints of several pipelines ({names}); give the pipeline name"
        )
    return found[0] if found else None


def read_request(data: object, place: str) -> RestartRequest:
    """Return the request that a store holds.

    :param data: JSON text or plain JSON data
    :param place: where it was found, for the message
    :raises CheckpointReadError: it is no request
    """
    try:
        if isinstance(data, (str, bytes)):
            return RestartRequest.model_validate_json(data)
        return RestartRequest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise CheckpointReadError(
            f"{place} is no request to restart from a component ({first['msg']}); remove it and leave the request again"
        ) from error
