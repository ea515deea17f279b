"""Brings back what a component left in the session, from its record and from storage. Nothing of it is computed yet."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.record.names import ViewName, quote
from airflow_provider.runner.record.session_state import CachedView, SessionStateRecord
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.saved.views import restore_view

logger = logging.getLogger(__name__)


def restore(spark: Any, probe: SessionProbe, record: SessionStateRecord, dropped: Collection[str] = ()) -> None:
    """Bring back what a component left.

    :param spark: the session
    :param probe: looks into it
    :param record: what was recorded of the component
    :param dropped: databases and tables that later components dropped
    """
    for item in record.objects:
        if item.name not in dropped:
            probe.restore_object(item)
    for key, value in record.settings.items():
        set_conf(spark, key, value)
    if record.catalog is not None and record.database is not None:
        spark.sql(f"USE {quote(record.catalog)}.{quote(record.database)}")
    for view in record.dropped_views:
        _drop(spark, view)
    for name in record.dropped_functions:
        spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {quote(name)}")
    for saved in record.views:
        restore_view(spark, saved)
    if record.handling == "kept":
        _drop_unreadable(spark, record)
    database = str(spark.conf.get("spark.sql.globalTempDatabase", "global_temp"))
    for view in record.uncached:
        spark.table(view.quoted(database)).unpersist()
    for cached in record.cached:
        cache_again(spark, cached, database)


def cache_again(spark: Any, cached: CachedView, global_database: str) -> None:
    """Let Spark keep the rows of a view when they are computed next."""
    from pyspark import StorageLevel

    *flags, copies = cached.level.split()
    level = StorageLevel(*(flag == "true" for flag in flags), int(copies))
    spark.table(ViewName(cached.name, cached.is_global).quoted(global_database)).persist(level)


def _drop_unreadable(spark: Any, record: SessionStateRecord) -> None:
    """Drop views that could not be read any more when they were to be saved, so that no older one is taken for them."""
    saved = {ViewName(view.name, view.is_global) for view in record.views}
    for view in record.left_views:
        if view not in saved:
            _drop(spark, view)
            logger.warning("view %r is not there: %s", str(view), record.reason)


def _drop(spark: Any, view: ViewName) -> None:
    drop = spark.catalog.dropGlobalTempView if view.is_global else spark.catalog.dropTempView
    drop(view.name)


def set_conf(spark: Any, key: str, value: str | None) -> None:
    """Set a setting, or unset it for None; leave alone what cannot be changed in a running Spark."""
    from pyspark.errors import PySparkException

    try:
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
    except PySparkException as error:
        logger.warning("setting %r cannot be changed in this session: %s", key, describe(error))


def in_words(record: SessionStateRecord) -> str:
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
