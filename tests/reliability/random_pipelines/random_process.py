"""What an attempt begins with, so that attempts in one process do not find what earlier ones left in it."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from tests.reliability.random_pipelines import random_jobs
from tests.samples.harness.application_state import ApplicationState

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATH_ENABLED = "spark.sql.path.enabled"


def begin_attempt(number: int) -> None:
    """Set the variables that each attempt finds in its process."""
    os.environ["RANDOM_ATTEMPT"] = str(number)
    os.environ["RANDOM_GIVEN"] = "given"


def allow_sql_path(spark: SparkSession, *, allowed: bool = True) -> None:
    """Switch ``SET PATH`` on for all sessions to come, or off again."""
    conf = spark.sparkContext._jsc.sc().conf()
    conf.set(PATH_ENABLED, "true") if allowed else conf.remove(PATH_ENABLED)


class ProcessState:
    """Python's process and the Spark application as they are now: :meth:`put_back` lets them be so again."""

    def __init__(self, spark: SparkSession) -> None:
        self._application = ApplicationState(spark)
        self._directory = os.getcwd()
        self._variables = dict(os.environ)
        self._path = list(sys.path)
        self._is_empty = DataFrame.isEmpty

    def put_back(self) -> None:
        """Forget what came since."""
        self._application.put_back()
        os.chdir(self._directory)
        os.environ.clear()
        os.environ.update(self._variables)
        sys.path[:] = self._path
        DataFrame.isEmpty = self._is_empty  # type: ignore[method-assign]
        if hasattr(DataFrame, "random_raised"):
            del DataFrame.random_raised
        sys.modules.pop("random_helper", None)
        importlib.reload(random_jobs)
