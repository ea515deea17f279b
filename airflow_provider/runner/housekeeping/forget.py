"""Forgetting a run: its checkpoint, the request that somebody left for it, and what it saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from airflow_provider.errors import CheckpointError, CheckpointInUseError, CheckpointReadError, describe
from airflow_provider.runner.checkpoint.store import CheckpointStore, FencingStore, RestartRequests, load
from airflow_provider.runner.housekeeping.activity import Activity, may_be_running
from airflow_provider.runner.housekeeping.directories import delete_directory, look_at
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.storage.file_storage import FileStorage

Reach = Callable[[str], FileStorage]
"""Returns access to the storage of an address, with that address as its base."""

Outcome = Literal["deleted", "was not there", "could not be deleted"]


@dataclass(frozen=True)
class Part:
    """What became of one thing that was to be deleted.

    :param what: names it
    :param outcome: what became of it
    :param detail: more about it; why it could not be deleted, and what to do
    """

    what: str
    outcome: Outcome
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.outcome}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class Forgotten:
    """What became of all that a run had left.

    :param fenced: what was said of the attempt that was fenced off, None if none may have been running
    :param parts: one for each thing
    """

    fenced: str | None
    parts: tuple[Part, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left of the run."""
        return all(part.outcome != "could not be deleted" for part in self.parts)

    def lines(self) -> list[str]:
        """Return what to tell whoever asked for it."""
        fenced = [f"fenced off, and stops when it next records something: {self.fenced}"] if self.fenced else []
        return [*fenced, *map(str, self.parts)]


@dataclass(frozen=True)
class Saved:
    """Where the saved views of a run are.

    :param url: the directory; None if the run had none
    :param reach: opens its storage
    """

    url: str | None
    reach: Reach


def forget(
    store: CheckpointStore,
    state: CheckpointState,
    saved: Saved,
    *,
    activity: Activity | None = None,
    force: bool = False,
    now: datetime | None = None,
) -> Forgotten:
    """Delete what is left of a run, and say what became of each part.

    First whoever may be running is fenced off, then the checkpoint goes, then the views: an attempt that is still alive
    finds the fence when it next records something, and stops with StaleAttemptError instead of writing its record.

    :param store: where the checkpoint is kept
    :param state: the checkpoint
    :param saved: where the views are
    :param activity: what Airflow says of the task instance, None if it does not know
    :param force: also while an attempt may be running
    :param now: the time
    :raises CheckpointInUseError: an attempt may be running, and ``force`` was not given or cannot be carried out
    :raises CheckpointError: the store cannot be written
    """
    key = state.key
    running = may_be_running(state, activity, now or datetime.now(UTC))
    if running and not force:
        raise CheckpointInUseError(
            f"{key}: {running}. Nothing was deleted: stop the attempt or wait for its end; --force fences it off, so "
            "that it stops when it next records something, and deletes then"
        )
    # Also one that is not known of: a process that outlived its task, or one that has taken over and not begun.
    if running or activity is None or state.status == "in_progress":
        if isinstance(store, FencingStore):
            try:
                store.fence_off(key)
            except Exception as error:
                raise CheckpointError(
                    f"{key}: cannot be fenced off, so nothing was deleted: {describe(error)}"
                ) from error
        elif running:
            raise CheckpointInUseError(
                f"{key}: {running}. Nothing was deleted: {store} has no fence_off(), so the attempt cannot be fenced "
                "off and would write its record again; stop it, then delete"
            )
    parts = [*_checkpoint(store, state), _views(state, saved, keep_marker=running is not None)]
    return Forgotten(running, tuple(parts))


def _checkpoint(store: CheckpointStore, state: CheckpointState) -> list[Part]:
    key, parts = state.key, []
    what, what_request = f"checkpoint of {key}", "request to restart"
    requested = _requested(store, state)
    try:
        there = store.delete(key.run_id, key.pipeline_name, scope=key.scope)
        left = load(store, key) is not None
    except Exception as error:  # noqa: BLE001 - whatever the store objects to
        why = describe(error)
        parts.append(Part(what, "could not be deleted", f"{why}; see that {store} can be written, and try again"))
        if requested:
            parts.append(Part(what_request, "could not be deleted", "it goes with the checkpoint"))
        return parts
    if left:
        parts.append(Part(what, "could not be deleted", f"it is still in {store}; somebody may have written it again"))
    else:
        parts.append(Part(what, "deleted" if there else "was not there"))
    if not requested:
        parts.append(Part(what_request, "was not there"))
    elif _requested(store, state):
        parts.append(Part(what_request, "could not be deleted", f"it is still in {store}"))
    else:
        parts.append(Part(what_request, "deleted"))
    return parts


def _requested(store: CheckpointStore, state: CheckpointState) -> bool:
    if not isinstance(store, RestartRequests):
        return False
    try:
        return store.find_request(state.key) is not None
    except CheckpointReadError:
        return True  # there is something, if no request


def _views(state: CheckpointState, saved: Saved, *, keep_marker: bool) -> Part:
    what, url = "saved views", saved.url
    if url is None:
        return Part(what, "was not there")
    what = f"saved views in {url}"
    try:
        base, _, path = url.rstrip("/").rpartition("/")
        if url.rstrip("/").endswith(f"/{state.key.path}"):  # so that directories that are empty then go, too
            base, path = url.rstrip("/").removesuffix(f"/{state.key.path}"), state.key.path
        files = saved.reach(base)
        found = look_at(files, path)
        if found is None:
            return Part(what, "was not there")
        if found.foreign:
            why = f"{found.foreign!r} there is not ours; look what it is, and remove what is no longer needed"
            return Part(what, "could not be deleted", why)
        owner = found.marker.key if found.marker else None
        foreign = owner != state.key if owner else found.marker is None and not found.is_of(state.key, base)
        if foreign:
            whose = f"they are those of {owner}" if owner else "nothing says that they are this run's"
            return Part(what, "could not be deleted", f"{whose}; remove there what is no longer needed")
        if not found.files and not found.own:
            return Part(what, "was not there")
        refused = delete_directory(files, found, keep_marker=keep_marker)
    except Exception as error:  # noqa: BLE001 - storage clients raise anything
        return Part(what, "could not be deleted", f"{describe(error)}; remove them there, or let `prune` find them")
    if refused:
        return Part(what, "could not be deleted", f"{refused}; try again when it has ended")
    size = f"{len(found.files)} files with {found.bytes:,} bytes"
    later = "; what the attempt still writes there is left for `prune`" if keep_marker else ""
    return Part(what, "deleted", f"{size}{later}")
