"""Brings back what a component left in the session, from its record and from storage. Nothing of it is computed yet.

Nothing in a record is executed: all that is going to be used is checked before any of it is.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from airflow_provider.errors import NotRestoredError, describe
from airflow_provider.runner.record.session_state_record import CachedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName, quote
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.saved.catalog_manifest import read_manifest
from airflow_provider.runner.session_state.saved.views import restore_view
from airflow_provider.runner.session_state.trusted.trusted_record import reject_record
from airflow_provider.runner.session_state.trusted.trusted_settings import reject_setting_in_session

logger = logging.getLogger(__name__)

_SHOWN = 1_000  # characters of a text that comes from a record


class SessionRestorer:
    """Restores session state in one session.

    :param spark: the session
    :param probe: looks into it
    :param url: directory of this run for saved views, None if there is none
    :param format_name: Spark data source that views are saved with
    """

    def __init__(self, spark: Any, probe: SessionProbe, url: str | None, format_name: str) -> None:
        self._spark = spark
        self._probe = probe
        self._url = url
        self._format = format_name
        self._global_views: set[str] = set()  # those that this attempt has brought back
        self.lost: dict[str, str] = {}  # what nothing brings back, to the reason

    def restore(self, record: SessionStateRecord, dropped: Collection[str] = ()) -> None:
        """Bring back what a component left.

        :param record: what was recorded of it
        :param dropped: databases and tables that later components dropped
        :raises NotRestoredError: the record holds what must not come from one; nothing of it has been used
        :raises Exception: what Spark raises
        """
        self._check(record)
        spark = self._spark
        self.lost |= {name[:_SHOWN]: why[:_SHOWN] for name, why in record.lost.items() if name not in dropped}
        known = read_manifest(spark, record.vouched) if record.vouched else []
        for item in record.objects:
            if (why := self.lost.get(quote(item.database))) is not None:
                self.lost[item.name] = why  # what is in a database that is lost is so, too
            elif item.name not in dropped:
                self._probe.restore_object(item, vouched=item in known)
        for key, value in record.settings.items():
            _ = spark.conf.unset(key) if value is None else spark.conf.set(key, value)
        if record.catalog is not None and record.database is not None:
            make_current(spark, record.catalog, record.database)
        for view in record.dropped_views:
            self._drop(view)
        for name in record.dropped_functions:
            self._probe.drop_function(name)
        for saved in record.views:
            restore_view(spark, saved)
            if saved.is_global:
                self._global_views.add(saved.name)
        if record.handling == "kept":
            self._drop_unreadable(record)
        database = global_database(spark)
        for view in record.uncached:
            spark.table(view.quoted(database)).unpersist()
        for cached in record.cached:
            cache_again(spark, cached)

    def _check(self, record: SessionStateRecord) -> None:
        why = reject_record(record, self._url, self._format)
        for key, value in record.settings.items():
            why = why or reject_setting_in_session(self._spark, key, value)
        if why is not None:
            raise NotRestoredError(why)

    def _drop_unreadable(self, record: SessionStateRecord) -> None:
        """Drop views that could not be read any more when they were to be saved, so that no older ones are taken."""
        saved = {ViewName(view.name, view.is_global) for view in record.views}
        for view in record.left_views:
            if view not in saved:
                self._drop(view)
                logger.warning("view %r is not there: %s", str(view), record.reason)

    def _drop(self, view: ViewName) -> None:
        if not view.is_global:
            self._spark.catalog.dropTempView(view.name)
        elif view.name in self._global_views:  # others of that name may be those of other sessions
            self._spark.catalog.dropGlobalTempView(view.name)


def global_database(spark: Any) -> str:
    """Return the database of the global temp views."""
    return str(spark.conf.get("spark.sql.globalTempDatabase", "global_temp"))


def cache_again(spark: Any, cached: CachedView) -> None:
    """Let Spark keep the rows of a view when they are computed next."""
    from pyspark import StorageLevel

    *flags, copies = cached.level.split()
    level = StorageLevel(*(flag == "true" for flag in flags), int(copies))
    spark.table(ViewName(cached.name, cached.is_global).quoted(global_database(spark))).persist(level)


def make_current(spark: Any, catalog: str, database: str) -> None:
    """Make a catalog and one of its databases the current ones. Names are parsed as names, never as SQL."""
    spark.catalog.setCurrentCatalog(catalog)
    spark.catalog.setCurrentDatabase(database)


def change_setting(spark: Any, key: str, value: str | None) -> None:
    """Set a setting, or unset it for None; leave alone what cannot be changed in a running Spark."""
    from pyspark.errors import PySparkException

    try:
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
    except PySparkException as error:
        logger.warning("setting %r cannot be changed in this session: %s", key, describe(error))


def restored_in_words(record: SessionStateRecord) -> str:
    """Say what is restored; empty if nothing is."""
    parts = []
    if record.views:
        parts.append("views " + ", ".join(str(ViewName(view.name, view.is_global)) for view in record.views))
    if record.settings:
        parts.append("settings " + ", ".join(record.settings))
    if record.database is not None:
        parts.append(f"current database {record.catalog}.{record.database}")
    if record.objects:
        parts.append("tables and databases " + ", ".join(item.name for item in record.objects))
    return "; ".join(parts)
