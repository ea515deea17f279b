"""Keeps the saved copies of views true while components go on to change what the views show.

Some views go on with what is written to what they read: those that are stored as their SQL text, and those of tables
and cached data. In the attempt that made such a view its copy is written again when it is out of date. In a later
attempt the copy has taken the view's place, and cannot follow: then nothing may read it any more.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from airflow_provider.errors import describe
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import LeftBehind
from airflow_provider.runner.session_state.pinned_views import is_gone, unrepeatable
from airflow_provider.runner.session_state.session_views import LATE_BOUND, ViewsAtHand
from airflow_provider.runner.session_state.statement_guard import SessionGuard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """What a component changed that views of others may show.

    :param writer: its name
    :param readers: components that had read what it wrote to
    :param names: temp views, temp functions and session variables, as :class:`SavedView` has them
    """

    writer: str
    readers: Collection[str]
    names: frozenset[str] = frozenset()

    def reaches(self, component: str, saved: SavedView) -> bool:
        """Whether a view may show something else now than what was saved of it."""
        named = not self.names.isdisjoint(name.lower() for name in saved.names)
        return component != self.writer and saved.live and (component in self.readers or named)


def names_changed(left: LeftBehind, *, set_variables: bool) -> frozenset[str]:
    """Return the names that mean something else since a component ran.

    :param left: what it left in the session
    :param set_variables: whether it declared or set session variables
    """
    views = (str(view).lower() for view in (*left.views, *left.dropped_views))
    functions = (f"{name.lower()}()" for name in (*left.functions, *left.dropped_functions))
    return frozenset([*views, *functions, *(["@"] if set_variables else [])])


@dataclass(frozen=True)
class _Made:
    position: int
    record: SessionStateRecord
    held: dict[ViewName, int]


@dataclass
class Copies:
    """The copies of one attempt.

    :param views: the views of its session
    :param guard: refuses what reads a copy that is out of date
    """

    views: ViewsAtHand
    guard: SessionGuard
    _made: dict[str, _Made] = field(default_factory=dict)
    _restored: dict[str, list[SavedView]] = field(default_factory=dict)

    def made(self, component: str, position: int, record: SessionStateRecord) -> None:
        """Take note of what was saved of a component that has completed in this attempt.

        :param component: its name
        :param position: its place in the order of execution
        :param record: what is recorded of what it left
        """
        self._forget(component)
        live = [ViewName(saved.name, saved.is_global) for saved in record.views if saved.live]
        if live:
            self._made[component] = _Made(position, record, {view: self.views.hold_view(view) for view in live})

    def restored(self, component: str, record: SessionStateRecord, attempt: int | None) -> None:
        """Take note that copies have taken the place of a component's views.

        :param component: its name
        :param record: what was recorded of it
        :param attempt: in which it completed, None if that is not known
        """
        self._restored[component] = record.views
        for saved in record.views:
            self.guard.restored(saved, component, attempt)

    def has(self, component: str) -> bool:
        """Whether there are copies of a component's views."""
        return component in self._made or component in self._restored

    def names(self) -> list[str]:
        """Return the components of this attempt whose views may come to show something else."""
        return list(self._made)

    def reached(self, change: Change) -> list[int]:
        """Return the numbers under which views of this attempt are held whose copies are out of date.

        :param change: what a component has just changed
        """
        return [
            n for name, made in self._made.items() for n in _reached(name, made, change).values() if n != LATE_BOUND
        ]

    def made_again(self, change: Change) -> Iterator[tuple[str, SessionStateRecord]]:
        """Write again what is out of date; yield what is to be recorded of each component.

        :param change: what a component has just changed
        :raises Exception: what the session raises if it is lost
        """
        for name, made in list(self._made.items()):
            for view, number in list(made.held.items()):
                if number == LATE_BOUND and str(view).lower() in change.names:
                    del made.held[view]  # that name has another view now, and this one cannot be had any more
            outdated = _reached(name, made, change)
            if outdated:
                record = self._again(name, made, outdated, change.writer)
                self._made[name] = _Made(made.position, record, made.held)
                yield name, record

    def refuse_outdated(self, change: Change) -> None:
        """Let nothing read the copies of earlier attempts that are out of date.

        :param change: what a component has just changed
        """
        for name, views in self._restored.items():
            for saved in views:
                if change.reaches(name, saved):
                    self.guard.outdated(saved, name, change.writer)
                    logger.warning(
                        "%s changed what view %r of %s reads. That view is a copy from an earlier attempt and cannot "
                        "show it, as it would in a run without a failure: %s. If running %s twice does no harm, set "
                        "its session_state to 'replay'",
                        change.writer,
                        str(ViewName(saved.name, saved.is_global)),
                        name,
                        "what reads it from now on is refused" if self.guard.sees else "it still shows the old rows",
                        name,
                    )

    def _again(self, name: str, made: _Made, outdated: dict[ViewName, int], writer: str) -> SessionStateRecord:
        gone: list[ViewName] = []

        def passes_over(view: ViewName, error: Exception) -> bool:
            if is_gone(error):
                gone.append(view)
            return view in gone

        try:
            views = self.views.save(made.position, outdated, passes_over)
        except Exception as error:  # noqa: BLE001 - whatever Spark or the storage object to
            self.views.refuse_lost_session()
            reason = f"its views cannot be saved again ({describe(error)}) after {writer!r} changed what they show"
            logger.warning("%s: %s", name, reason)
            return unrepeatable(made.record, f"{reason}, and it must not run again: {made.record.reason}")
        new = {ViewName(saved.name, saved.is_global): saved for saved in views}
        record = made.record
        kept = [new.get(ViewName(saved.name, saved.is_global), saved) for saved in record.views]
        kept = [saved for saved in kept if ViewName(saved.name, saved.is_global) not in gone]
        logger.info("%s: saved %s again, because %r changed what they show", name, _listed(outdated), writer)
        if gone:
            reason = f"{writer!r} has removed what {_listed(gone)} needs, so that it cannot be read any more"
            logger.warning("%s: %s", name, reason)
            record = record.model_copy(update={"reason": reason})
        return record.model_copy(update={"views": kept})

    def _forget(self, component: str) -> None:
        made = self._made.pop(component, None)
        self._restored.pop(component, None)
        for number in made.held.values() if made else ():
            self.views.release(number)


def _reached(name: str, made: _Made, change: Change) -> dict[ViewName, int]:
    """Return the views of a component whose copies are out of date, with their numbers."""
    views = [ViewName(saved.name, saved.is_global) for saved in made.record.views if change.reaches(name, saved)]
    return {view: made.held[view] for view in views if view in made.held}


def _listed(views: Collection[ViewName]) -> str:
    return ", ".join(repr(str(view)) for view in views)
