"""Temp views, local and global ones: saved as rows where their component may not run again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider.errors import describe
from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.record.session_state_record import LONGEST_REASON, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    MissingState,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SavedStorage,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
    counted,
)
from airflow_provider.runner.session_state.needs.later_reads import find_later_reader
from airflow_provider.runner.session_state.probes.connect_probe import plan_text
from airflow_provider.runner.session_state.probes.jvm_helpers import load_java
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.saved.files import readable_size
from airflow_provider.runner.session_state.saved.session_calls import (
    global_database,
    leave_unreadable_view,
    register_view,
)
from airflow_provider.runner.session_state.saved.views import find_damage, read_view
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_locations import reject_format, reject_location
from airflow_provider.runner.spark.error_text import error_condition

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


_CARRIER = """
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;

public class ViewCarrier {
    public void carry(SparkSession origin, SparkSession target, String names) throws Exception {
        SessionCatalog from = origin.sessionState().catalog();
        SessionCatalog to = target.sessionState().catalog();
        String[] all = (String[]) new ObjectMapper().readValue(names, String[].class);
        for (int i = 0; i < all.length; i++) {
            Option view = from.getRawTempView(all[i]);
            if (view.isDefined()) {
                to.createTempView(all[i], (TemporaryViewRelation) view.get(), true);
            } else {
                to.dropTempView(all[i]);
            }
        }
    }
}
"""


@dataclass(frozen=True)
class ViewChanges:
    """What a component did to temp views.

    :param left: views that it created or replaced
    :param dropped: views that it dropped
    """

    left: list[ViewName]
    dropped: list[ViewName]


@dataclass(frozen=True)
class _LastCapture:
    """What was told at the last look, and what it was turned into."""

    told: tuple[Mapping[str, str], Mapping[str, str]]
    found: Mapping[ViewName, str]

    @classmethod
    def of(cls, told: tuple[Mapping[str, str], Mapping[str, str]], before: Mapping[ViewName, str]) -> _LastCapture:
        local, everywhere = told
        known = {(view.name, view.is_global): view for view in before}
        found = {known.get((name, False)) or ViewName(name): identity for name, identity in local.items()}
        found |= {known.get((name, True)) or ViewName(name, is_global=True): text for name, text in everywhere.items()}
        return cls(told, found)


class TempViews(SessionStateKind[Mapping[ViewName, str], ViewChanges]):
    """The views of a session, each with a text that changes when the view is created anew.

    Saving them may fail and so changes what becomes of the component. So the record builder saves them, not `record`.
    A view that could not be saved is there in a later attempt, too, but it cannot be read: neither a table nor an older
    view of its name may be read instead.
    """

    name = "views"
    is_missed_loudly = True

    def unchanged(self) -> ViewChanges:
        return ViewChanges([], [])

    def capture(self, look: SessionLook) -> Mapping[ViewName, str]:
        if look.sections is not None:
            told = look.sections["views"], look.sections["global_views"]
            last: _LastCapture | None = look.memory.get(self.name)
            if last is None or last.told[0] is not told[0] or last.told[1] is not told[1]:
                last = look.memory[self.name] = _LastCapture.of(told, last.found if last is not None else {})
            return last.found
        rows = collected(look.spark.sql("SHOW VIEWS IN global_temp"))
        names = sorted({ViewName(row["viewName"], row["namespace"] == "global_temp") for row in rows})
        return {name: plan_text(look.spark, name) for name in names}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> ViewChanges:
        old, new = before.of(self), after.of(self)
        if old is new:
            return self.unchanged()
        return ViewChanges(
            left=sorted(view for view, identity in new.items() if old.get(view) != identity),
            dropped=sorted(view for view in old if view not in new),
        )

    def is_shared(self, name: ViewName) -> bool:
        return name.is_global

    def carry(
        self, left: Mapping[ViewName, str | None], origin: SparkSession, target: SparkSession
    ) -> Mapping[str, str]:
        names = json.dumps([view.name for view in left])
        load_java(target, _CARRIER).carry(origin._jsparkSession, target._jsparkSession, names)
        return {}

    def renamed(self, changes: SessionChanges) -> list[str]:
        found = changes.of(self)
        return [str(view).lower() for view in (*found.left, *found.dropped)]

    def leaves_code(self, changes: SessionChanges) -> bool:
        return bool(changes.of(self).left)

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        return RecordedPart({"left_views": found.left, "dropped_views": found.dropped})

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.left_views or record.dropped_views)

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        saved = [saved.view for saved in record.views]
        if len(saved) > len(set(saved)) or not set(saved) <= set(record.left_views):
            yield "the views that it saved are not those that it left"
        for view in record.views:
            for why in (reject_location(limits.run, view.url), reject_format(view.format, limits.view_format)):
                if why is not None:
                    yield f"its saved view {shown(view.name)!r}: {why}"

    def damage(self, record: SessionStateRecord, storage: SavedStorage) -> str | None:
        damages = (find_damage(storage.files_of(view.url), view) for view in record.views)
        return next((what for what in damages if what is not None), None)

    def missing(self, record: SessionStateRecord) -> Iterator[MissingState]:
        for view, why in _missing_views(record).items():
            yield MissingState(lost_view(view), why, partial(_find_reader, view), partial(_is_renewed, view))

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        missing, frames = _missing_views(record), {}
        for saved in record.views:
            try:
                frames[saved.view] = read_view(target.spark, saved)
            except Exception as error:
                if not target.views_one_by_one:
                    raise
                missing[saved.view] = f"its copy cannot be read: {describe(error)}"
        for view in record.dropped_views:
            _drop(view, target)
        for view, frame in frames.items():
            register_view(frame, view)
            if view.is_global:
                target.global_views.add(view.name)
        for view in (*record.left_views, *record.dropped_views):
            target.lost.pop(lost_view(view), None)  # an earlier view of that name no longer matters
        for view, why in missing.items():
            target.lost[lost_view(view)] = why
            _make_unreadable(view, target)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        left, there = outcome.left.of(self), outcome.after.of(self)
        for view in recorded.left_views:
            if view not in there:
                yield f"view {str(view)!r} is missing"
        for view in left.left:
            if view not in recorded.left_views:
                yield f"view {str(view)!r} is new"
        for view in recorded.dropped_views:
            if view in there:
                yield f"view {str(view)!r} is there again"
        known = {*recorded.dropped_views, *recorded.left_views}
        for view in left.dropped:
            if view in outcome.earlier and view not in known:
                yield f"view {str(view)!r} was dropped, too"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(map(str, record.left_views))

    def restored_words(self, record: SessionStateRecord) -> str:
        return f"views {', '.join(str(saved.view) for saved in record.views)}, as of then" if record.views else ""

    def brief_words(self, record: SessionStateRecord) -> str:
        size = readable_size(sum(view.bytes for view in record.views))
        return f"{counted(len(record.views), 'views')} as of then ({size})" if record.views else ""


def lost_view(view: ViewName) -> str:
    """Return what a view is called among what is lost."""
    return f"view {view.quoted('global_temp')}"


def broken_views(broken: Mapping[ViewName, Exception]) -> dict[str, dict[str, str]]:
    """Return what ``parts`` of a record say of views that could not be saved.

    :param broken: the error of each
    :return: name of a view to Spark's name for what is wrong with it, if Spark has one, and a sentence
    """
    return {
        str(view): {"condition": error_condition(error), "why": str(error)[:LONGEST_REASON]}
        for view, error in broken.items()
    }


def _missing_views(record: SessionStateRecord) -> dict[ViewName, str]:
    """Return the views of a record that is restored of which it has no copy, to the reason."""
    if record.handling not in ("kept", "unrepeatable"):
        return {}
    part = record.parts.get(TempViews.name)
    told = part if isinstance(part, dict) else {}
    saved = {saved.view for saved in record.views}
    found = {}
    for view in record.left_views:
        if view not in saved:
            entry = told.get(str(view))
            why = entry.get("why") if isinstance(entry, dict) else None
            found[view] = why if isinstance(why, str) else record.reason
    return found


def _find_reader(view: ViewName, later: Sequence[LaterComponent], base_dir: Path) -> str | None:
    reader = find_later_reader(str(view), later, base_dir)
    return reader.component if reader is not None and reader.certain else None


def _is_renewed(view: ViewName, record: SessionStateRecord) -> bool:
    return view in record.left_views or view in record.dropped_views


def _make_unreadable(view: ViewName, target: RestoreTarget) -> None:
    """Leave a view of that name that cannot be read, as Spark leaves one whose table was dropped."""
    if view.is_global and view.name not in target.global_views and _exists(view, target):
        return  # it may be that of another session
    try:
        leave_unreadable_view(target.spark, view, f"{lost_view(view)} of component {target.component!r}, not restored")
    except Exception as error:  # noqa: BLE001 - Spark raises anything; without the view the reader gets an error, too
        logger.debug("cannot leave an unreadable view %r: %s", str(view), describe(error))
        _drop(view, target)
    else:
        if view.is_global:
            target.global_views.add(view.name)


def _exists(view: ViewName, target: RestoreTarget) -> bool:
    return bool(target.spark.catalog.tableExists(view.quoted(global_database(target.spark))))


def _drop(view: ViewName, target: RestoreTarget) -> None:
    if not view.is_global:
        target.spark.catalog.dropTempView(view.name)
    elif view.name in target.global_views:  # others of that name may be those of other sessions
        target.spark.catalog.dropGlobalTempView(view.name)


TEMP_VIEWS = TempViews()
