"""Types of columns that Spark stores only if a setting allows it.

A component can make a view of such a column and read its rows without the setting, so the view is saved and restored
without it, too: the setting is on only while Spark writes the rows or makes the restored view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider.runner.config.interrupted_call import clean_up

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SETTINGS = {"UNSUPPORTED_TIME_TYPE": "spark.sql.timeType.enabled"}
"""Spark's condition to the setting that allows the type."""

Done = TypeVar("Done")


def with_all_types(spark: SparkSession, work: Callable[[], Done]) -> Done:
    """Do something with the rows of a view, whatever types they have.

    :param work: done once more if Spark refuses a type; nothing may be left of the first time then
    :raises Exception: what the work raises
    """
    from pyspark.errors import PySparkException

    try:
        return work()
    except PySparkException as error:
        setting = _SETTINGS.get(error.getCondition() or "")
        if setting is None:
            raise
    before = spark.conf.getAll.get(setting)
    spark.conf.set(setting, "true")
    try:
        return work()
    finally:
        clean_up(lambda: spark.conf.unset(setting) if before is None else spark.conf.set(setting, before))
