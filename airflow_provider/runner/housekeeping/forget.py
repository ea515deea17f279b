"""Forgets a run: its checkpoint, the request to restart it, and its saved views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from airflow_provider.errors import CheckpointError, CheckpointInUseError, CheckpointReadError, describe
from airflow_provider.runner.checkpoint.store import CheckpointStore, FencingStore, RestartRequests, load
from airflow_provider.runner.housekeeping.activity import Activity, active_attempt
from airflow_provider.runner.housekeeping.directories import delete_directory, read_directory
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.storage.file_storage import FileStorage

OpenStorage = Callable[[str], FileStorage]
"""Opens the storage of an address, with that address as its base."""

Outcome = Literal["deleted", "was not there", "could not be deleted"]


@dataclass(frozen=True)
class ForgottenPart:
    """What happened to one thing that was to be deleted.

    :param what: names it
    :param detail: more about it; why it could not be deleted, and what to do
    """

    what: str
    outcome: Outcome
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.outcome}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class ForgetReport:
    """What happened to everything that a run had left.

    :param fenced: the attempt that was fenced off, None if none may have been running
    """

    fenced: Activity | None
    parts: tuple[ForgottenPart, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left of the run."""
        return all(part.outcome != "could not be deleted" for part in self.parts)

    def lines(self) -> list[str]:
        """Return the report for people."""
        fenced = [f"fenced off, so it stops when it next records something: {self.fenced}"] if self.fenced else []
        return [*fenced, *map(str, self.parts)]


@dataclass(frozen=True)
class SavedViewsLocation:
    """Where the saved views of a run are.

    :param url: the directory; None if the run saved nothing
    """

    url: str | None
    open_storage: OpenStorage


def forget(
    store: CheckpointStore,
    state: CheckpointState,
    saved: SavedViewsLocation,
    *,
    activity: Activity | None = None,
    force: bool = False,
    now: datetime | None = None,
) -> ForgetReport:
    """Delete what a run has left.

    First fences off whoever may be running, then deletes the checkpoint, then the views: an attempt that is still alive
    finds the fence when it next records something, and stops with StaleAttemptError instead of writing its record.

    :param activity: what Airflow says of the task instance, None if it does not know
    :param force: delete even while an attempt may be running
    :raises CheckpointInUseError: an attempt may be running, and ``force`` is not set or the store cannot fence it off
    :raises CheckpointError: the store cannot be written
    """
    key = state.key
    running = active_attempt(state, activity, now or datetime.now(UTC))
    if running and not force:
        raise CheckpointInUseError(
            f"{key}: {running}. Nothing was deleted. Stop the attempt or wait for its end; --force fences it off, so "
            "that it stops when it next records something, and then deletes"
        )
    # Also an attempt that Airflow does not show: a process that outlived its task, or has taken over but not begun.
    if running or activity is None or state.status == "in_progress":
        if isinstance(store, FencingStore):
            try:
                store.fence_off(key)
            except Exception as error:
                raise CheckpointError(f"cannot fence off {key}, so nothing was deleted: {describe(error)}") from error
        elif running:
            raise CheckpointInUseError(
                f"{key}: {running}. Nothing was deleted: {store} has no fence_off(), so the attempt could not be "
                "stopped and would write its record again. Stop it, then delete"
            )
    parts = [*_checkpoint(store, state), _views(state, saved, keep_marker=running is not None)]
    return ForgetReport(running, tuple(parts))


def _checkpoint(store: CheckpointStore, state: CheckpointState) -> list[ForgottenPart]:
    key, parts = state.key, []
    what, what_request = f"checkpoint of {key}", "request to restart"
    requested = _requested(store, state)
    try:
        there = store.delete(key.run_id, key.pipeline_name, scope=key.scope)
        left = load(store, key) is not None
    except Exception as error:  # noqa: BLE001 - whatever the store objects to
        why = describe(error)
        parts.append(
            ForgottenPart(what, "could not be deleted", f"{why}; make sure that {store} can be written, and try again")
        )
        if requested:
            parts.append(
                ForgottenPart(what_request, "could not be deleted", "it is deleted together with the checkpoint")
            )
        return parts
    if left:
        parts.append(
            ForgottenPart(what, "could not be deleted", f"it is still in {store}; an attempt may have written it again")
        )
    else:
        parts.append(ForgottenPart(what, "deleted" if there else "was not there"))
    if not requested:
        parts.append(ForgottenPart(what_request, "was not there"))
    elif _requested(store, state):
        parts.append(ForgottenPart(what_request, "could not be deleted", f"it is still in {store}"))
    else:
        parts.append(ForgottenPart(what_request, "deleted"))
    return parts


def _requested(store: CheckpointStore, state: CheckpointState) -> bool:
    if not isinstance(store, RestartRequests):
        return False
    try:
        return store.find_request(state.key) is not None
    except CheckpointReadError:
        return True  # there is something that is not a request


def _views(state: CheckpointState, saved: SavedViewsLocation, *, keep_marker: bool) -> ForgottenPart:
    what, url = "saved views", saved.url
    if url is None:
        return ForgottenPart(what, "was not there")
    what = f"saved views in {url}"
    try:
        base, _, path = url.rstrip("/").rpartition("/")
        if url.rstrip("/").endswith(f"/{state.key.path}"):  # so that directories that are empty then go, too
            base, path = url.rstrip("/").removesuffix(f"/{state.key.path}"), state.key.path
        files = saved.open_storage(base)
        found = read_directory(files, path)
        if found is None:
            return ForgottenPart(what, "was not there")
        if found.foreign:
            why = f"no attempt wrote {found.foreign!r}; check what it is, and remove what you no longer need"
            return ForgottenPart(what, "could not be deleted", why)
        owner = found.marker.key if found.marker else None
        foreign = owner != state.key if owner else found.marker is None and not found.is_of(state.key, base)
        if foreign:
            whose = f"they belong to {owner}" if owner else "nothing shows that they belong to this run"
            return ForgottenPart(what, "could not be deleted", f"{whose}; remove there what you no longer need")
        if not found.files and not found.own:
            return ForgottenPart(what, "was not there")
        refused = delete_directory(files, found, keep_marker=keep_marker)
    except Exception as error:  # noqa: BLE001 - storage clients raise anything
        return ForgottenPart(
            what, "could not be deleted", f"{describe(error)}; remove them there, or leave them to `prune`"
        )
    if refused:
        return ForgottenPart(what, "could not be deleted", f"{refused}; try again when it has ended")
    size = f"{len(found.files)} files with {found.bytes:,} bytes"
    later = "; `prune` deletes what the attempt still writes there" if keep_marker else ""
    return ForgottenPart(what, "deleted", f"{size}{later}")
