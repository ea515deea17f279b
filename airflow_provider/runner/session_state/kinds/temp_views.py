"""Temp views, local and global ones: saved as rows where their component may not run again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
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
)
from airflow_provider.runner.session_state.probes.connect_probe import plan_text
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.saved.files import readable_size
from airflow_provider.runner.session_state.saved.views import find_damage, restore_view
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_locations import reject_format, reject_location

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ViewChanges:
    """What a component did to temp views.

    :param left: views that it created or replaced
    :param dropped: views that it dropped
    """

    left: list[ViewName]
    dropped: list[ViewName]


class TempViews(SessionStateKind[Mapping[ViewName, str], ViewChanges]):
    """The views of a session, each with a text that changes when the view is created anew.

    Saving them may fail and so changes what becomes of the component. So the record builder saves them, not `record`.
    """

    name = "views"

    def capture(self, look: SessionLook) -> Mapping[ViewName, str]:
        if look.sections is not None:
            local, everywhere = look.sections["views"], look.sections["global_views"]
            found = {ViewName(name): identity for name, identity in local.items()}
            return found | {ViewName(name, is_global=True): identity for name, identity in everywhere.items()}
        rows = look.spark.sql("SHOW VIEWS IN global_temp").collect()
        names = sorted({ViewName(row["viewName"], row["namespace"] == "global_temp") for row in rows})
        return {name: plan_text(look.spark, name) for name in names}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> ViewChanges:
        old, new = before.of(self), after.of(self)
        return ViewChanges(
            left=sorted(view for view, identity in new.items() if old.get(view) != identity),
            dropped=sorted(view for view in old if view not in new),
        )

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

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for view in record.dropped_views:
            _drop(view, target)
        for saved in record.views:
            restore_view(target.spark, saved)
            if saved.is_global:
                target.global_views.add(saved.name)
        if record.handling == "kept":
            self._drop_unsaved(record, target)

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
        return f"views {', '.join(str(saved.view) for saved in record.views)}" if record.views else ""

    def brief_words(self, record: SessionStateRecord) -> str:
        return readable_size(sum(view.bytes for view in record.views)) if record.views else ""

    @staticmethod
    def _drop_unsaved(record: SessionStateRecord, target: RestoreTarget) -> None:
        """Drop older views of the names of those that had lost their files before they could be saved."""
        saved = {saved.view for saved in record.views}
        for view in record.left_views:
            if view not in saved:
                _drop(view, target)
                logger.warning("view %r could not be restored: %s", str(view), record.reason)


def _drop(view: ViewName, target: RestoreTarget) -> None:
    if not view.is_global:
        target.spark.catalog.dropTempView(view.name)
    elif view.name in target.global_views:  # others of that name may be those of other sessions
        target.spark.catalog.dropGlobalTempView(view.name)


TEMP_VIEWS = TempViews()
