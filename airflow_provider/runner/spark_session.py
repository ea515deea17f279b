"""Opens a Spark session in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider.errors import SparkSessionError, describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_session(conf: Mapping[str, str], app_name: str) -> SparkSession:
    """Open a Spark session, or a session of its own on the Spark that this process already runs.

    :param conf: Spark properties; without ``spark.master`` the master is ``local[*]``
    :param app_name: application name, unless ``conf`` has one
    :raises SparkSessionError: Spark did not start; the message names the master and what to check
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    settings = {"spark.app.name": app_name, "spark.master": "local[*]", **conf}
    master = settings["spark.master"]
    if master.startswith("local"):
        # Python workers must be this Python; Spark would take the first python3 of the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    running = SparkSession.getActiveSession()
    if running is not None:
        session = running.newSession()
        for key, value in conf.items():
            if running.conf.isModifiable(key):
                session.conf.set(key, value)
        return session
    try:
        return SparkSession.builder.config(map=settings).getOrCreate()
    except PySparkException as error:
        remedy = (
            "Spark needs Java 17 or 21: install one and set JAVA_HOME"
            if "JAVA_GATEWAY" in str(error)
            else "check the master and that it can be reached from here"
        )
        raise SparkSessionError(f"no Spark session on master {master!r}: {describe(error)}; {remedy}") from error
