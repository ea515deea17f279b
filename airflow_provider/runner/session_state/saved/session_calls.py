"""Calls of Spark's own API that bring session state back: views, settings, caches, current catalog and database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider.errors import describe
from airflow_provider.runner.record.session_state_record import CachedView
from airflow_provider.runner.record.view_names import ViewName, quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)


def global_database(spark: SparkSession) -> str:
    """Return the database of the global temp views."""
    return str(spark.conf.get("spark.sql.globalTempDatabase", "global_temp"))


def register_view(frame: DataFrame, view: ViewName) -> None:
    """Create or replace a temp view."""
    name = ViewName(view.name).quoted("")
    if view.is_global:
        frame.createOrReplaceGlobalTempView(name)
    else:
        frame.createOrReplaceTempView(name)


def leave_unreadable_view(spark: SparkSession, view: ViewName, what: str) -> None:
    """Create or replace a temp view that cannot be read, because what it reads does not exist.

    :param what: what it reads, which Spark's error names
    """
    below, kind = quote(what), "GLOBAL TEMPORARY" if view.is_global else "TEMPORARY"
    spark.range(0).createOrReplaceTempView(below)
    try:
        made = f"CREATE OR REPLACE {kind} VIEW {quote(view.name)} AS SELECT * FROM {below}"  # noqa: S608 - both quoted
        spark.sql(made)
    finally:
        spark.catalog.dropTempView(what)


def cache_again(spark: SparkSession, cached: CachedView) -> None:
    """Let Spark cache the rows of a view when they are computed next."""
    from pyspark import StorageLevel

    *flags, copies = cached.level.split()
    level = StorageLevel(*(flag == "true" for flag in flags), int(copies))
    spark.table(cached.view.quoted(global_database(spark))).persist(level)


def make_current(spark: SparkSession, catalog: str, database: str) -> None:
    """Make a catalog and one of its databases the current ones. Names are parsed as names, never as SQL."""
    spark.catalog.setCurrentCatalog(catalog)
    spark.catalog.setCurrentDatabase(database)


def change_setting(spark: SparkSession, key: str, value: str | None) -> None:
    """Set a setting, or unset it for None; leave alone what cannot be changed in a running Spark."""
    from pyspark.errors import PySparkException

    try:
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
    except PySparkException as error:
        logger.warning("setting %r cannot be changed in this session: %s", key, describe(error))
