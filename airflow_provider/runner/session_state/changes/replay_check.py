"""Whether a component that was replayed left what it had left before."""

from __future__ import annotations

from collections.abc import Collection, Container

from airflow_provider.errors import ReplayDiffersError
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import SessionChanges
from airflow_provider.runner.session_state.changes.snapshot import SessionSnapshot


def check_replay(
    component: str,
    recorded: SessionStateRecord,
    left: SessionChanges,
    after: SessionSnapshot,
    earlier: Collection[ViewName],
) -> None:
    """Raise if a replay came out otherwise.

    A setting, database or function that was there before already is no difference, so what is there after it counts;
    what it left anew, and what it dropped of earlier components, must be among what is recorded.

    :param component: its name
    :param recorded: what it had left
    :param left: what it left this time
    :param after: the session after it
    :param earlier: views that earlier components have left in this attempt; others in the session may be of later ones
    :raises ReplayDiffersError: it is not the same
    """
    found = [
        *_names("view", recorded.left_views, left.views, after.views),
        *_names("temp function", recorded.functions, left.functions, after.functions),
        *(f"view {str(view)!r} is there again" for view in recorded.dropped_views if view in after.views),
        *(
            f"view {str(view)!r} was dropped, too"
            for view in left.dropped_views
            if view in earlier and view not in recorded.dropped_views and view not in recorded.left_views
        ),
        *(
            f"temp function {name!r} is there again"
            for name in recorded.dropped_functions
            if name in after.functions and name not in recorded.functions
        ),
    ]
    for key, value in recorded.settings.items():
        if after.settings.get(key) != value:
            found.append(f"setting {key!r} is not what it was")
    found += [f"setting {key!r} changed, too" for key in left.settings if key not in recorded.settings]
    if recorded.database is not None and (after.catalog, after.database) != (recorded.catalog, recorded.database):
        found.append(
            f"the current database is {after.catalog}.{after.database}, it was {recorded.catalog}.{recorded.database}"
        )
    if found:
        raise ReplayDiffersError(component, found)


def _names(kind: str, recorded: Collection[object], left: Collection[object], after: Container[object]) -> list[str]:
    missing = [f"{kind} {str(name)!r} is missing" for name in recorded if name not in after]
    return missing + [f"{kind} {str(name)!r} is new" for name in left if name not in recorded]
