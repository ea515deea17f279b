"""What a component left in the session: the difference between two snapshots."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.masking import looks_secret
from airflow_provider.runner.record.session_state_record import CachedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.snapshot import SessionSnapshot


@dataclass(frozen=True)
class SessionChanges:
    """What a component left in the session.

    :param views: views that it created or replaced
    :param dropped_views: views that it dropped
    :param functions: temp functions that it registered, anew or for the first time
    :param dropped_functions: temp functions that it dropped
    :param settings: settings that it changed; None for one that it unset
    :param secret_settings: names of changed settings whose value must not be recorded
    :param catalog: current catalog, if it changed that
    :param database: current database, if it changed that
    :param objects: names of databases and tables that it created or altered in a catalog in memory
    :param dropped_objects: names of those that it dropped
    :param cached: views that it told Spark to keep, with the storage level
    :param uncached: views of earlier components that it told Spark to keep no longer
    :param replaced: those of the functions and settings that the session had before, as another one or otherwise set
    """

    views: list[ViewName]
    dropped_views: list[ViewName]
    functions: list[str]
    dropped_functions: list[str]
    settings: dict[str, str | None]
    secret_settings: list[str]
    catalog: str | None
    database: str | None
    objects: list[str]
    dropped_objects: list[str]
    cached: list[CachedView]
    uncached: list[ViewName]
    replaced: frozenset[str] = frozenset()


def session_changes(before: SessionSnapshot, after: SessionSnapshot) -> SessionChanges:
    """Compare the session before and after a component."""
    settings: dict[str, str | None] = {
        key: value for key, value in after.settings.items() if before.settings.get(key) != value
    }
    settings |= {key: None for key in before.settings if key not in after.settings}
    secret = {key for key, value in settings.items() if looks_secret(key, value, after.settings)}
    moved = (before.catalog, before.database) != (after.catalog, after.database)
    views = sorted(name for name, identity in after.views.items() if before.views.get(name) != identity)
    return SessionChanges(
        views=views,
        dropped_views=sorted(name for name in before.views if name not in after.views),
        functions=sorted(n for n, identity in after.functions.items() if before.functions.get(n) != identity),
        dropped_functions=sorted(name for name in before.functions if name not in after.functions),
        settings={key: value for key, value in settings.items() if key not in secret},
        secret_settings=sorted(secret),
        catalog=after.catalog if moved else None,
        database=after.database if moved else None,
        objects=[name for name, identity in after.objects.items() if before.objects.get(name) != identity],
        dropped_objects=[name for name in before.objects if name not in after.objects],
        cached=[
            CachedView(name=view.name, is_global=view.is_global, level=level)
            for view, level in sorted(after.cached.items())
            if view in views or before.cached.get(view) != level
        ],
        replaced=frozenset(
            name for name in (*settings, *after.functions) if name in before.settings or name in before.functions
        ),
        uncached=sorted(v for v in before.cached if v in after.views and v not in after.cached and v not in views),
    )
