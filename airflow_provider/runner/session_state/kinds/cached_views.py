"""Views whose rows Spark caches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider.runner.record.session_state_record import CachedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.kinds.temp_views import TEMP_VIEWS, lost_view
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.saved.session_calls import cache_again, global_database


@dataclass(frozen=True)
class CacheChanges:
    """What a component did to Spark's cache.

    :param cached: views that it let Spark cache, with the storage level
    :param uncached: views of earlier components that Spark no longer caches
    """

    cached: list[CachedView]
    uncached: list[ViewName]


class CachedViews(SessionStateKind[Mapping[ViewName, str], CacheChanges]):
    """What ``CACHE TABLE`` and ``persist`` leave, for temp views; a part of a snapshot has the storage levels."""

    name = "cached views"
    shared = True

    def unchanged(self) -> CacheChanges:
        return CacheChanges([], [])

    def assess_unknown(self, why: str, before: SessionSnapshot | None) -> Assessment:
        return Assessment()  # a view that is not cached shows the same rows

    def capture(self, look: SessionLook) -> Mapping[ViewName, str]:
        if look.sections is None:
            return {}  # a Spark Connect server does not tell
        local, everywhere = look.sections["cached"], look.sections["global_cached"]
        found = {ViewName(name): level for name, level in local.items()}
        return found | {ViewName(name, is_global=True): level for name, level in everywhere.items()}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> CacheChanges:
        old, new = before.of(self), after.of(self)
        if not old and not new:
            return self.unchanged()
        left, there = TEMP_VIEWS.changes(before, after).left, after.of(TEMP_VIEWS)
        return CacheChanges(
            cached=[
                CachedView(name=view.name, is_global=view.is_global, level=level)
                for view, level in sorted(new.items())
                if view in left or old.get(view) != level
            ],
            uncached=sorted(view for view in old if view in there and view not in new and view not in left),
        )

    def outcomes(self, before: SessionSnapshot, after: SessionSnapshot) -> Mapping[ViewName, str]:
        return {}  # a view that is not cached shows the same rows

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # a view that is not cached any more shows the same rows

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        return RecordedPart({"cached": found.cached, "uncached": found.uncached})

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.cached or record.uncached)

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        database = global_database(target.spark)
        for view in record.uncached:
            if lost_view(view) not in target.lost:
                target.spark.table(view.quoted(database)).unpersist()
        for cached in record.cached:
            if lost_view(cached.view) not in target.lost:
                cache_again(target.spark, cached)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        yield from ()  # whether rows are cached changes no row

    def names(self, record: SessionStateRecord) -> list[str]:
        return [str(cached.view) for cached in record.cached]

    def restored_words(self, record: SessionStateRecord) -> str:
        return ""  # the view itself is in the log

    def brief_words(self, record: SessionStateRecord) -> str:
        return ""


CACHED_VIEWS = CachedViews()
