"""Finds what has expired and what belongs to no checkpoint any more, and deletes it."""

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
from airflow_provider.runner.session_state.saved.directory_marker import DEFAULT_RETENTION_DAYS, Marker
from airflow_provider.runner.storage.file_storage import FileStorage

SILENT_AT_MOST = timedelta(days=7)
"""An attempt that has recorded nothing for so long is taken for dead, where nobody can be asked."""

_SET_ASIDE_AT = re.compile(r"\.corrupt-(\d{8}T\d{6}\.\d{1,6})$")


@dataclass(frozen=True)
class Rules:
    """What counts as expired.

    :param now: the time
    :param retention: for how long checkpoints are kept after they were last saved; None for ever
    :param older_than: wins over ``retention`` and over what the markers say
    :param silent_at_most: see :data:`SILENT_AT_MOST`
    """

    now: datetime
    retention: timedelta | None = timedelta(days=DEFAULT_RETENTION_DAYS)
    older_than: timedelta | None = None
    silent_at_most: timedelta = SILENT_AT_MOST

    def expired(self, last: datetime, retention: timedelta | None) -> Verdict:
        """Decide by the date alone.

        :param last: when it was last used
        :param retention: for how long it is kept after that; None for ever
        """
        kept = self.older_than if self.older_than is not None else retention
        if kept is None:
            return Verdict(False, "kept for ever")
        gone = self.now - last > kept
        return Verdict(gone, f"{'expired: ' if gone else ''}last used {_day(last)}, kept for {_days(kept)} after that")


@dataclass(frozen=True)
class Verdict:
    """Whether something goes, and why."""

    delete: bool
    reason: str


@dataclass(frozen=True)
class Known:
    """What is known of the checkpoint that a marker names.

    :param looked: whether the place where it is kept could be looked at
    :param state: the checkpoint, None if there is none
    :param activity: what Airflow says of the task instance, None if it does not know
    """

    looked: bool = False
    state: CheckpointState | None = None
    activity: Activity | None = None


def judge_views(marker: Marker, known: Known, rules: Rules) -> Verdict:
    """Decide over a directory of saved views.

    :param marker: whose they are
    :param known: what is known of the checkpoint
    :param rules: what counts as expired
    """
    state, activity = known.state, known.activity
    if activity is not None and activity.active:
        return Verdict(False, activity.words)
    last = marker.last_used
    if state is not None and state.updated_at is not None:
        last = max(last, state.updated_at)
    ended = state is not None and state.status != "in_progress" and last > marker.last_used
    if activity is None and not ended and rules.now - last <= rules.silent_at_most:
        return Verdict(False, f"an attempt that last did something at {_day(last)} may be running")
    if known.looked and state is None:
        return Verdict(True, f"belongs to no checkpoint any more, last used {_day(last)}")
    days = marker.retention_days
    return rules.expired(last, None if days is None else _timedelta(days))


def judge_checkpoint(state: CheckpointState, activity: Activity | None, rules: Rules) -> Verdict:
    """Decide over a checkpoint.

    :param state: the checkpoint
    :param activity: what Airflow says of the task instance, None if it does not know
    :param rules: what counts as expired
    """
    if activity is not None and activity.active:
        return Verdict(False, activity.words)
    last = state.updated_at
    if last is None:
        return Verdict(False, "it does not say when it was saved")
    if activity is None and state.status == "in_progress" and rules.now - last <= rules.silent_at_most:
        return Verdict(False, f"an attempt that last did something at {_day(last)} may be running")
    return rules.expired(last, rules.retention)


def judge_set_aside(path: str, rules: Rules) -> Verdict:
    """Decide over a file that was set aside because it was damaged; its name says when."""
    found = _SET_ASIDE_AT.search(path)
    try:
        when = datetime.strptime(found[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC) if found else None
    except ValueError:
        when = None
    return rules.expired(when, rules.retention) if when else Verdict(False, "its name does not say since when")


@dataclass(frozen=True)
class Item:
    """One thing that was found.

    :param kind: ``checkpoint``, ``saved views`` or ``set aside``
    :param place: where it is
    :param bytes: its size
    :param verdict: what is to become of it
    :param problem: why it could not be deleted
    """

    kind: str
    place: str
    bytes: int
    verdict: Verdict
    problem: str | None = None


@dataclass
class Prune:
    """One look through everything.

    :param rules: what counts as expired
    :param checkpoints: the store to look through; None for none. Sizes and files that were set aside are known only of
        stores that keep checkpoints in files
    :param saved: where to look for saved views: addresses with access to them
    :param known: says what is known of the checkpoint of a marker
    :param activity: what Airflow says of a checkpoint's task instance
    :param dry_run: delete nothing
    """

    rules: Rules
    checkpoints: ListingStore | None = None
    saved: Sequence[tuple[str, FileStorage]] = ()
    known: Callable[[Marker, RunKey], Known] = lambda marker, key: Known()
    activity: Callable[[RunKey], Activity | None] = lambda key: None
    dry_run: bool = False
    _gone: set[RunKey] = field(default_factory=set)

    def __call__(self) -> Iterator[Item]:
        """Yield what was found, one after the other, each when it is dealt with. Whatever goes wrong is in the item."""
        if self.checkpoints is not None:
            yield from self._checkpoints(self.checkpoints)
        for base, files in self.saved:
            for found in find_directories(files):
                yield self._directory(base, files, found)

    def _checkpoints(self, store: ListingStore) -> Iterator[Item]:
        files = store.storage() if isinstance(store, FileCheckpointStore) else None
        for state in list(store.list()):
            verdict = judge_checkpoint(state, self.activity(state.key), self.rules)
            key, problem = state.key, None
            size = sum(file.size for file in files.walk(key.path)) if files is not None else 0
            if verdict.delete:
                problem = self._do(partial(store.delete, key.run_id, key.pipeline_name, scope=key.scope))
                if problem is None:
                    self._gone.add(key)
            yield Item("checkpoint", f"{key.path} in {store}", size, verdict, problem)
        if files is None:
            return
        for path, size in [file for file in files.walk() if is_set_aside(file.path.rpartition("/")[2])]:
            verdict = judge_set_aside(path, self.rules)
            problem = self._do(partial(files.delete, [path])) if verdict.delete else None
            yield Item("set aside", f"{path} in {store}", size, verdict, problem)

    def _directory(self, base: str, files: FileStorage, found: RunDirectory) -> Item:
        verdict, problem = self._judge(base, found), None
        if verdict.delete and not self.dry_run:
            try:
                in_use = delete_directory(files, found)
            except Exception as error:  # noqa: BLE001 - whatever the storage objects to
                problem = describe(error)
            else:
                verdict = Verdict(False, in_use) if in_use else verdict
        return Item("saved views", f"{base.rstrip('/')}/{found.path}".rstrip("/"), found.bytes, verdict, problem)

    def _judge(self, base: str, found: RunDirectory) -> Verdict:
        marker = found.marker
        if marker is None:
            return Verdict(False, "left alone: it has no marker that says whose it is")
        if found.foreign:
            return Verdict(False, f"left alone: {found.foreign!r} in it is not ours")
        key = marker.key
        if key is None:
            return judge_views(marker, Known(), self.rules)
        if not found.is_of(key, base):
            return Verdict(False, f"left alone: its marker is that of {key}, whose place is another")
        try:
            known = Known(True, None, self.activity(key)) if key in self._gone else self.known(marker, key)
        except Exception as error:  # noqa: BLE001 - whatever the store objects to
            return Verdict(False, f"left alone: its checkpoint cannot be read: {describe(error)}")
        return judge_views(marker, known, self.rules)

    def _do(self, act: Callable[[], object]) -> str | None:
        """Delete something unless nothing is to be deleted. Return why it could not be, None if it was."""
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
