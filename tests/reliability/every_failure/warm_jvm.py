"""A JVM for many attempts, so that each is a process of its own, with a Spark of its own, and does not start cold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.conftest import JAVA_HOME_FILE


class WarmJvm:
    """A JVM that outlives the processes that use it one after the other. It ends with this process.

    Each of them opens a SparkContext in it, with a catalog, views and settings of its own, and stops it. Only the code
    that the JVM has compiled is shared.

    :param directory: where it runs
    """

    def __init__(self, directory: Path) -> None:
        from pyspark.java_gateway import launch_gateway

        if "JAVA_HOME" not in os.environ and JAVA_HOME_FILE.exists():
            os.environ["JAVA_HOME"] = JAVA_HOME_FILE.read_text().strip()
        with (directory / "stderr").open("a") as log:
            self._gateway = launch_gateway(popen_kwargs={"cwd": directory, "stderr": log})

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which PySpark uses this JVM instead of starting one."""
        of = self._gateway.gateway_parameters
        return {"PYSPARK_GATEWAY_PORT": str(of.port), "PYSPARK_GATEWAY_SECRET": of.auth_token}

    def check_free(self) -> None:
        """Nothing is left of the process that used it last."""
        assert self._context() is None, "an attempt has ended and not stopped its Spark"

    def free(self) -> None:
        """Stop what a process has left that was killed."""
        context = self._context()
        if context is not None:
            context.stop()
        session = self._gateway.jvm.org.apache.spark.sql.classic.SparkSession
        session.clearDefaultSession()
        session.clearActiveSession()

    def close(self) -> None:
        self._gateway.shutdown()
        self._gateway.proc.stdin.close()
        self._gateway.proc.wait(60)

    def _context(self) -> Any:
        companion = getattr(getattr(self._gateway.jvm.org.apache.spark, "SparkContext$"), "MODULE$")
        active = companion.getActive()
        return active.get() if active.isDefined() else None
