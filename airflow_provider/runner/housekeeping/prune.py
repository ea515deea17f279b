"""Finds what has expired and what no longer belongs to a checkpoint, and deletes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from airflow_provider.errors import describe
from airflow_provider.runner.checkpoint.damage import is_set_aside
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.checkpoint.store import ListingStore
from airflow_provider.runner.housekeeping.activity import Activity
from airflow_provider.runner.housekeeping.directories import RunDirectory, delete_directory, find_directories
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import DEFAULT_RETENTION_DAYS, DirectoryMarker
from airflow_provider.runner.storage.file_storage import FileStorage

SILENT_AT_MOST = timedelta(days=7)
"""An attempt that has recorded nothing for this long is presumed dead where there is no Airflow to ask."""

_SET_ASIDE_AT = re.compile(r"\.corrupt-(\d{8}T\d{6}\.\d{1,6})$")


@dataclass(frozen=True)
class PruneRules:
    """What counts as expired.

    :param retention: how long to keep checkpoints after they were last saved; None for ever
    :param older_than: wins over ``retention`` and over what the markers say
    :param silent_at_most: see :data:`SILENT_AT_MOST`
    """

    now: datetime
    retention: timedelta | None = timedelta(days=DEFAULT_RETENTION_DAYS)
    older_than: timedelta | None = None
    silent_at_most: timedelta = SILENT_AT_MOST

    def expired(self, last: datetime, retention: timedelta | None) -> PruneVerdict:
        """Decide by the date alone.

        :param last: when it was last used
        :param retention: how long to keep it after that; None for ever
        """
        kept = self.older_than if self.older_than is not None else retention
        if kept is None:
            return PruneVerdict(False, "kept for ever")
        gone = self.now - last > kept
        return PruneVerdict(
            gone, f"{'expired: ' if gone else ''}last used {_day(last)}, kept for {_days(kept)} after that"
        )


@dataclass(frozen=True)
class PruneVerdict:
    """Whether to delete something, and why."""

    delete: bool
    reason: str


@dataclass(frozen=True)
class CheckpointLookup:
    """What is known of the checkpoint that a marker names.

    :param looked: whether its store could be read
    :param state: the checkpoint, None if there is none
    :param activity: what Airflow says of the task instance, None if it does not know
    """

    looked: bool = False
    state: CheckpointState | None = None
    activity: Activity | None = None


def views_verdict(marker: DirectoryMarker, known: CheckpointLookup, rules: PruneRules) -> PruneVerdict:
    """Decide over a directory of saved views, by its marker and what is known of the checkpoint."""
    state, activity = known.state, known.activity
    if activity is not None and activity.active:
        return PruneVerdict(False, str(activity))
    last = marker.last_used
    if state is not None and state.updated_at is not None:
        last = max(last, state.updated_at)
    ended = state is not None and state.status != "in_progress" and last > marker.last_used
    if activity is None and not ended and rules.now - last <= rules.silent_at_most:
        return PruneVerdict(False, f"an attempt that was last active at {_day(last)} may be running")
    if known.looked and state is None:
        return PruneVerdict(True, f"no longer belongs to a checkpoint, last used {_day(last)}")
    days = marker.retention_days
    return rules.expired(last, None if days is None else _timedelta(days))


def checkpoint_verdict(state: CheckpointState, activity: Activity | None, rules: PruneRules) -> PruneVerdict:
    """Decide over a checkpoint.

    :param activity: what Airflow says of the task instance, None if it does not know
    """
    if activity is not None and activity.active:
        return PruneVerdict(False, str(activity))
    last = state.updated_at
    if last is None:
        return PruneVerdict(False, "it has no date")
    if activity is None and state.status == "in_progress" and rules.now - last <= rules.silent_at_most:
        return PruneVerdict(False, f"an attempt that was last active at {_day(last)} may be running")
    return rules.expired(last, rules.retention)


def set_aside_verdict(path: str, rules: PruneRules) -> PruneVerdict:
    """Decide over a file that was set aside because it was damaged; its name says when."""
    found = _SET_ASIDE_AT.search(path)
    try:
        when = datetime.strptime(found[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC) if found else None
    except ValueError:
        when = None
    return rules.expired(when, rules.retention) if when else PruneVerdict(False, "its name has no date")


@dataclass(frozen=True)
class PruneItem:
    """One thing that was found.

    :param kind: ``checkpoint``, ``saved views`` or ``set aside``
    :param place: where it is
    :param bytes: its size
    :param verdict: whether to delete it
    :param problem: why it could not be deleted
    """

    kind: str
    place: str
    bytes: int
    verdict: PruneVerdict
    problem: str | None = None


@dataclass
class Prune:
    """One pass through everything.

    :param checkpoints: the store to look through; None for none. Sizes and files that were set aside are known only of
        stores that keep checkpoints in files
    :param saved: where to look for saved views: addresses and their storages
    :param known: returns what is known of the checkpoint of a marker
    :param activity: returns what Airflow says of a checkpoint's task instance
    """

    rules: PruneRules
    checkpoints: ListingStore | None = None
    saved: Sequence[tuple[str, FileStorage]] = ()
    known: Callable[[DirectoryMarker, RunKey], CheckpointLookup] = lambda marker, key: CheckpointLookup()
    activity: Callable[[RunKey], Activity | None] = lambda key: None
    dry_run: bool = False
    _gone: set[RunKey] = field(default_factory=set)

    def __call__(self) -> Iterator[PruneItem]:
        """Yield each thing that was found after dealing with it. Whatever goes wrong is in the item."""
        if self.checkpoints is not None:
            yield from self._checkpoints(self.checkpoints)
        for base, files in self.saved:
            for found in find_directories(files):
                yield self._directory(base, files, found)

    def _checkpoints(self, store: ListingStore) -> Iterator[PruneItem]:
        files = store.storage() if isinstance(store, FileCheckpointStore) else None
        for state in list(store.list()):
            verdict = checkpoint_verdict(state, self.activity(state.key), self.rules)
            key, problem = state.key, None
            size = sum(file.size for file in files.walk(key.path)) if files is not None else 0
            if verdict.delete:
                problem = self._do(partial(store.delete, key.run_id, key.pipeline_name, scope=key.scope))
                if problem is None:
                    self._gone.add(key)
            yield PruneItem("checkpoint", f"{key.path} in {store}", size, verdict, problem)
        if files is None:
            return
        for path, size in [file for file in files.walk() if is_set_aside(file.path.rpartition("/")[2])]:
            verdict = set_aside_verdict(path, self.rules)
            problem = self._do(partial(files.delete, [path])) if verdict.delete else None
            yield PruneItem("set aside", f"{path} in {store}", size, verdict, problem)

    def _directory(self, base: str, files: FileStorage, found: RunDirectory) -> PruneItem:
        verdict, problem = self._judge(base, found), None
        if verdict.delete and not self.dry_run:
            try:
                in_use = delete_directory(files, found)
            except Exception as error:  # noqa: BLE001 - whatever the storage objects to
                problem = describe(error)
            else:
                verdict = PruneVerdict(False, in_use) if in_use else verdict
        return PruneItem("saved views", f"{base.rstrip('/')}/{found.path}".rstrip("/"), found.bytes, verdict, problem)

    def _judge(self, base: str, found: RunDirectory) -> PruneVerdict:
        marker = found.marker
        if marker is None:
            return PruneVerdict(False, "left alone: no marker says which run it belongs to")
        if found.foreign:
            return PruneVerdict(False, f"left alone: no attempt wrote {found.foreign!r} in it")
        key = marker.key
        if key is None:
            return views_verdict(marker, CheckpointLookup(), self.rules)
        if not found.is_of(key, base):
            return PruneVerdict(False, f"left alone: its marker names {key}, which belongs elsewhere")
        try:
            known = CheckpointLookup(True, None, self.activity(key)) if key in self._gone else self.known(marker, key)
        except Exception as error:  # noqa: BLE001 - whatever the store objects to
            return PruneVerdict(False, f"left alone: cannot read its checkpoint: {describe(error)}")
        return views_verdict(marker, known, self.rules)

    def _do(self, act: Callable[[], object]) -> str | None:
        """Delete something, except in a dry run. Return why that failed, None if it did not."""
        if self.dry_run:
            return None
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever the storage objects to
            return describe(error)
        return None


def _timedelta(days: float) -> timedelta:
    return timedelta(days=min(days, 1_000_000))


def _days(kept: timedelta) -> str:
    return f"{kept.total_seconds() / 86400:g} days"


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
