"""Keeps the saved copies of views right while later components change what the views show.

Some views follow what is written to their sources: those that are stored as their SQL text, and those of tables
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
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
)
from airflow_provider.runner.session_state.pinned_views import as_unrepeatable, has_lost_files
from airflow_provider.runner.session_state.session_views import LATE_BOUND, SessionViews
from airflow_provider.runner.session_state.statement_guard import SessionGuard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ViewChange:
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


def changed_names(left: SessionChanges) -> frozenset[str]:
    """Return the names in the text of views that mean something else since a component ran."""
    return frozenset(name for kind in kinds.KINDS if kind.name not in left.unknown for name in kind.renamed(left))


@dataclass(frozen=True)
class _SavedComponent:
    position: int
    record: SessionStateRecord
    pins: dict[ViewName, int]


@dataclass
class ViewCopies:
    """The copies of one attempt.

    :param guard: refuses what reads a copy that is out of date
    """

    views: SessionViews
    guard: SessionGuard
    _saved: dict[str, _SavedComponent] = field(default_factory=dict)
    _restored: dict[str, list[SavedView]] = field(default_factory=dict)

    def add_saved(self, component: str, position: int, record: SessionStateRecord) -> None:
        """Keep track of the copies of a component that has completed in this attempt.

        :param position: its place in the order of execution
        """
        self._forget(component)
        live = [saved.view for saved in record.views if saved.live]
        if live:
            self._saved[component] = _SavedComponent(
                position, record, {view: self.views.pin_view(view) for view in live}
            )

    def add_restored(self, component: str, record: SessionStateRecord, attempt: int | None) -> None:
        """Keep track of copies that have taken the place of a component's views.

        :param attempt: in which it completed, None if that is not known
        """
        self._restored[component] = record.views
        for saved in record.views:
            self.guard.watch_copy(saved, component, attempt)

    def give_up(self, why: str) -> list[tuple[str, SessionStateRecord]]:
        """Count the copies that follow their sources as out of date; return the new record of each component."""
        made = dict(self._saved)
        for name in made:
            self._forget(name)
        return [
            (name, as_unrepeatable(saved.record, f"its copies may be out of date: {why}"))
            for name, saved in made.items()
        ]

    def has_copies_of(self, component: str) -> bool:
        """Whether there are copies of a component's views."""
        return component in self._saved or component in self._restored

    def components(self) -> list[str]:
        """Return the components of this attempt whose views may show something else later."""
        return list(self._saved)

    def outdated_pins(self, change: ViewChange) -> list[int]:
        """Return the numbers under which views of this attempt are pinned whose copies are out of date."""
        return [
            n for name, made in self._saved.items() for n in _outdated(name, made, change).values() if n != LATE_BOUND
        ]

    def save_again(self, change: ViewChange) -> Iterator[tuple[str, SessionStateRecord]]:
        """Save again what is out of date; yield the new record of each component.

        :raises Exception: what the session raises if it is lost
        """
        for name, made in list(self._saved.items()):
            for view, number in list(made.pins.items()):
                if number == LATE_BOUND and str(view).lower() in change.names:
                    del made.pins[view]  # another view has that name now, and this one is gone
            outdated = _outdated(name, made, change)
            if outdated:
                record = self._again(name, made, outdated, change.writer)
                self._saved[name] = _SavedComponent(made.position, record, made.pins)
                yield name, record

    def refuse_outdated(self, change: ViewChange) -> None:
        """Refuse statements that read copies of earlier attempts that are out of date."""
        for name, views in self._restored.items():
            for saved in views:
                if change.reaches(name, saved):
                    self.guard.refuse_copy(saved, name, change.writer)
                    refused = "statements that read it from now on are refused"
                    logger.warning(
                        "%s changed what view %r of %s reads. The view is a copy from an earlier attempt, so it does "
                        "not show the change: %s. If running %s twice does no harm, set its session_state to 'replay'",
                        change.writer,
                        str(saved.view),
                        name,
                        refused if self.guard.sees else "it still shows the old rows",
                        name,
                    )

    def _again(
        self, name: str, made: _SavedComponent, outdated: dict[ViewName, int], writer: str
    ) -> SessionStateRecord:
        gone: list[ViewName] = []

        def passes_over(view: ViewName, error: Exception) -> bool:
            if has_lost_files(error):
                gone.append(view)
            return view in gone

        try:
            views = self.views.save(made.position, outdated, passes_over)
        except Exception as error:  # noqa: BLE001 - Spark and storage clients raise anything
            self.views.refuse_lost_session()
            reason = f"its views cannot be saved again ({describe(error)}) after {writer!r} changed what they show"
            logger.warning("%s: %s", name, reason)
            return as_unrepeatable(made.record, f"{reason}, and it must not run again: {made.record.reason}")
        new = {saved.view: saved for saved in views}
        record = made.record
        kept = [new.get(saved.view, saved) for saved in record.views]
        kept = [saved for saved in kept if saved.view not in gone]
        logger.info("%s: saved %s again, because %r changed what they show", name, _listed(outdated), writer)
        if gone:
            reason = f"{writer!r} has deleted files of {_listed(gone)}, which can no longer be read"
            logger.warning("%s: %s", name, reason)
            record = record.model_copy(update={"reason": reason})
        return record.model_copy(update={"views": kept})

    def _forget(self, component: str) -> None:
        made = self._saved.pop(component, None)
        self._restored.pop(component, None)
        for number in made.pins.values() if made else ():
            self.views.unpin(number)


def _outdated(name: str, made: _SavedComponent, change: ViewChange) -> dict[ViewName, int]:
    """Return the views of a component whose copies are out of date, with their numbers."""
    views = [saved.view for saved in made.record.views if change.reaches(name, saved)]
    return {view: made.pins[view] for view in views if view in made.pins}


def _listed(views: Collection[ViewName]) -> str:
    return ", ".join(repr(str(view)) for view in views)
