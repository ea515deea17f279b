"""Copies of a session as it was at the start: each component that runs side by side with others gets one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.spark.session_clone import clone_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SessionTemplate:
    """Makes pristine copies of a session.

    :param spark: the session; what is in it now is in every copy, and nothing that comes later
    :raises SparkConfigError: its Spark cannot clone sessions
    """

    def __init__(self, spark: SparkSession) -> None:
        self._template = whole_clone(spark)

    def take(self) -> SparkSession:
        """Return a new copy, see :func:`~airflow_provider.runner.spark.session_clone.clone_session`."""
        return whole_clone(self._template)


def whole_clone(spark: SparkSession) -> SparkSession:
    """Return a clone of a session with all that is in it, also what Spark leaves out."""
    clone = clone_session(spark)
    for kind in kinds.KINDS:
        kind.fill_clone(spark, clone)
    return clone
