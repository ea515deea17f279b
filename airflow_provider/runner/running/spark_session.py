"""Opens a Spark session in this process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider.errors import SparkSessionError, describe
from airflow_provider.runner.running.spark_install import refuse_mixed_install

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def running_session() -> SparkSession | None:
    """Return the Spark session that this process already has, whichever thread started it."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkException:
        return None


def open_session(conf: Mapping[str, str], app_name: str) -> SparkSession:
    """Open a Spark session, or a session of its own on the Spark that this process already runs.

    :param conf: Spark properties; without ``spark.master`` the master is ``local[*]``
    :param app_name: application name, unless ``conf`` has one
    :raises SparkSessionError: Spark did not start; the message names the master and what to check
    :raises SparkInstallError: see :func:`~airflow_provider.runner.running.spark_install.refuse_mixed_install`
    """
    refuse_mixed_install()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    settings = {"spark.app.name": app_name, "spark.master": "local[*]", **conf}
    master = settings["spark.master"]
    if master.startswith("local"):
        # Python workers must be this Python; Spark would take the first python3 of the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    running = running_session()
    if running is not None:
        session = running.newSession()
        for key, value in conf.items():
            if running.conf.isModifiable(key):
                session.conf.set(key, value)
        return session
    try:
        return SparkSession.builder.config(map=settings).getOrCreate()
    except PySparkException as error:
        if "JAVA_GATEWAY" not in str(error):
            remedy = "check the master and that it can be reached from here"
        elif not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            remedy = "there is no Java: install version 17 or 21 and set JAVA_HOME"
        else:
            remedy = (
                "the JVM ended, its own message is a few lines above; check master and settings, and that Java is "
                "version 17 or 21"
            )
        raise SparkSessionError(f"no Spark session on master {master!r}: {describe(error)}; {remedy}") from error
