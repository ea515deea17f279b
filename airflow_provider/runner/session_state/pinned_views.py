"""Views that would be replayed, pinned as they were when their component completed, so that they can still be saved.

Pinning costs nothing: a view is a plan, and an analysed plan pins the list of files that it reads. A pinned view is
saved when the attempt fails, if running its component again would be costly, and when a later component changes its
sources, because from then on another run of its component would give other rows or do something else.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider.errors import describe
from airflow_provider.runner.config.interrupted_call import is_interruption
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.session_views import LATE_BOUND, SessionViews
from airflow_provider.runner.session_state.strategy import VOUCH

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

_CANCEL_AGAIN = 0.1  # seconds; a cancellation does not reach jobs that start after it
_AT_LEAST_SECONDS = 10.0

_GONE = ("FAILED_READ_FILE", "FileNotFoundException", "FILE_NOT_EXIST", "PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND")


@dataclass(frozen=True)
class PinnedComponent:
    """A completed component that would be replayed.

    :param position: its place in the order of execution
    :param plans: for each of its views the number of its plan, or :data:`LATE_BOUND`
    :param seconds: how long it ran
    :param costly: whether running it again costs more than the author wants
    """

    name: str
    position: int
    record: SessionStateRecord
    plans: dict[ViewName, int]
    seconds: float
    costly: bool


@dataclass
class PinnedViews:
    """The components of one attempt that would be replayed."""

    spark: SparkSession
    views: SessionViews
    _pinned: dict[str, PinnedComponent] = field(default_factory=dict)

    def pin(self, component: PinnedComponent) -> None:
        """Pin what a component left, and unpin what it left before."""
        self.unpin(component.name)
        self._pinned[component.name] = component

    def unpin(self, name: str) -> None:
        """Unpin what a component left."""
        component = self._pinned.pop(name, None)
        for number in component.plans.values() if component else ():
            self.views.unpin(number)

    def components(self) -> list[str]:
        """Return the components of which something is pinned, in the order in which they completed."""
        return list(self._pinned)

    def give_up(self, why: str) -> list[tuple[str, SessionStateRecord]]:
        """Unpin all views that may no longer be what a replay would make; return the new record of each component."""
        given_up = [pinned for pinned in self._pinned.values() if not pinned.record.late_bound]
        for pinned in given_up:
            self.unpin(pinned.name)
        return [(p.name, as_unrepeatable(p.record, f"it must not run again: {why}")) for p in given_up]

    def readers_of(self, numbers: Collection[int]) -> list[str]:
        """Return the components whose views keep to the files that a view of another component had listed.

        Replayed, they would read the copy of that view, which shows more by now.

        :param numbers: under which such views are pinned
        """
        return [
            name
            for name, pinned in self._pinned.items()
            for view, plan in pinned.plans.items()
            if plan != LATE_BOUND and self.views.reads_pinned(view, plan, numbers)
        ]

    def save_after_failure(self) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save what would be costly to bring back otherwise, the newest first; yield the new record of each component.

        All of it may take as long as these components took, or ten seconds. What is not saved in time is replayed.
        """
        costly = [pinned for pinned in reversed(self._pinned.values()) if pinned.costly and _is_complete(pinned)]
        left = max(_AT_LEAST_SECONDS, sum(pinned.seconds for pinned in costly))
        for number, pinned in enumerate(costly, start=1):
            logger.info(
                "saving the session state of %s, %d of %d, so that a retry need not run it again (%.0f s of work)",
                pinned.name,
                number,
                len(costly),
                pinned.record.work_seconds,
            )
            began = time.monotonic()
            try:
                with _at_most(self.spark, left):
                    views = self._save(pinned)
            except Exception as error:  # noqa: BLE001 - Spark and storage clients raise anything
                logger.warning(
                    "could not save the session state of %s (%s); a retry will replay it", pinned.name, describe(error)
                )
                return
            left -= time.monotonic() - began
            yield pinned.name, _as_kept(pinned.record, views, "saved when the attempt failed")

    def save_before_change(self, names: Collection[str], writer: str) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save the views whose sources a component has changed; yield the new record of each component.

        A view whose files are gone cannot be read in this session either, so the next one will do without it. A view
        that is bound late shows what was written, now and after a replay.

        :param names: the components that had read what it wrote to
        :param writer: the component that wrote
        :raises Exception: what the session raises if it is lost; then nothing is said of what was not saved
        """
        for name in [name for name in self._pinned if name in names]:
            pinned = self._pinned[name]
            if pinned.record.late_bound:
                continue
            why = f"{writer!r} has written to its source"
            if pinned.record.unsavable is not None or not pinned.plans:
                what = pinned.record.reason
                yield name, as_unrepeatable(pinned.record, f"{what}; but it must not run again: {why}")
                self.unpin(name)
                continue
            gone: list[ViewName] = []
            try:
                views = self._save(pinned, gone)
            except Exception as error:  # noqa: BLE001 - Spark and storage clients raise anything
                self.views.refuse_lost_session()
                reason = f"its views cannot be saved ({describe(error)}), and it must not run again: {why}"
                logger.warning("%s: %s", name, reason)
                yield name, as_unrepeatable(pinned.record, reason)
            else:
                reason = f"saved, because {why}"
                if gone:
                    names_of = ", ".join(repr(str(view)) for view in gone)
                    reason = f"{why} and deleted files of {names_of}, which can no longer be read"
                logger.log(logging.WARNING if gone else logging.INFO, "%s: %s", name, reason)
                yield name, _as_kept(pinned.record, views, reason)
            self.unpin(name)

    def _save(self, pinned: PinnedComponent, gone: list[ViewName] | None = None) -> list[SavedView]:
        """Save the views of a component.

        :param gone: collects the views whose files are gone; None to raise for these as well
        """

        def passes_over(view: ViewName, error: Exception) -> bool:
            if gone is None or not has_lost_files(error):
                return False
            gone.append(view)
            return True

        return self.views.save(pinned.position, pinned.plans, passes_over)


def has_lost_files(error: BaseException) -> bool:
    """Whether the files of a view are missing. The error of the saver has that of Spark as its cause."""
    text = f"{error} {error.__cause__}"
    return any(word in text for word in _GONE)


def _is_complete(pinned: PinnedComponent) -> bool:
    """Whether saving its views makes another run unnecessary."""
    return bool(pinned.plans) and LATE_BOUND not in pinned.plans.values() and pinned.record.unsavable is None


def _as_kept(record: SessionStateRecord, views: list[SavedView], reason: str) -> SessionStateRecord:
    return record.model_copy(update={"handling": "kept", "reason": reason, "views": views})


def as_unrepeatable(record: SessionStateRecord, reason: str) -> SessionStateRecord:
    """Return the record of a component whose session state can neither be restored nor made again."""
    return record.model_copy(update={"handling": "unrepeatable", "reason": reason, "remedy": VOUCH})


@contextmanager
def _at_most(spark: SparkSession, seconds: float) -> Iterator[None]:
    """Cancel the Spark jobs that are started in here when they take longer, also those that start after that.

    :raises TimeoutError: they did
    """
    context, tag = spark.sparkContext, f"pyspark_pipeline_{uuid.uuid4().hex}"
    late, over = threading.Event(), threading.Event()

    def cancel() -> None:
        pause = seconds
        while not over.wait(pause):
            late.set()
            context.cancelJobsWithTag(tag)
            pause = _CANCEL_AGAIN

    canceller = threading.Thread(target=cancel, name="pyspark-pipeline-saving-limit", daemon=True)
    context.addJobTag(tag)
    canceller.start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise TimeoutError(f"saving took longer than the {seconds:.0f} s that running it took") from error
        raise
    finally:
        over.set()
        if not is_interruption(sys.exception()):  # otherwise the tag is on a connection that is never used again
            canceller.join()
            context.removeJobTag(tag)
