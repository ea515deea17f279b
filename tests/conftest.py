"""Fixtures for all tests."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from scripts.local_postgres import JDBC_DRIVER
from tests.samples.components import basic as samples

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Importing Airflow writes into its home.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
# Every JVM of the tests lives for seconds: compiling less of it takes a third of the time.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
# Airflow logs from INFO on, and py4j's farewell at the end of the process would find its stream closed.
logging.getLogger("py4j").setLevel(logging.WARNING)

settings.register_profile("here", deadline=None, database=None)  # a test leaves nothing behind
settings.load_profile("here")

JAVA_HOME_FILE = Path(__file__).parents[1] / ".venv" / "java_home"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One real Spark for the whole test session. Opened only when a test asks for it."""
    from pyspark.sql import SparkSession

    if "JAVA_HOME" not in os.environ and JAVA_HOME_FILE.exists():
        os.environ["JAVA_HOME"] = JAVA_HOME_FILE.read_text().strip()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    scratch = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .config("spark.local.dir", str(scratch / "local"))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraClassPath", str(JDBC_DRIVER))  # it need not exist
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def _active_session(request: pytest.FixtureRequest) -> None:
    """Make the tests' session the active one again: Spark keeps whatever session an earlier test used last."""
    if "spark" not in request.fixturenames:
        return
    from pyspark.sql import SparkSession

    spark: SparkSession = request.getfixturevalue("spark")
    kinds: Any = SparkSession
    kinds._instantiatedSession = kinds._activeSession = spark
    java_sessions = kinds._get_j_spark_session_class(spark._jvm)
    java_sessions.setDefaultSession(spark._jsparkSession)
    java_sessions.setActiveSession(spark._jsparkSession)


@pytest.fixture
def session(spark: SparkSession) -> SparkSession:
    """A session of its own, so that temp views and settings never leak between tests."""
    return spark.newSession()


class Script:
    """What the component ``tests.samples.components.basic.scripted`` does in this test, and what it did."""

    calls = samples.CALLS

    def on(self, name: str, behaviour: Callable[[], object]) -> None:
        """Let the component of this name call ``behaviour`` when it runs."""
        samples.BEHAVIOUR[name] = behaviour

    def fail(self, name: str, error: BaseException | None = None) -> None:
        """Let the component of this name fail."""

        def behaviour() -> None:
            raise error or RuntimeError(f"{name} broke")

        self.on(name, behaviour)

    def mend(self, name: str) -> None:
        """Let the component of this name succeed."""
        samples.BEHAVIOUR.pop(name, None)

    def take_calls(self) -> list[str]:
        """Return which components ran since the last time this was asked."""
        taken = list(self.calls)
        self.calls.clear()
        return taken


@pytest.fixture
def script() -> Iterator[Script]:
    """Steers the scripted sample component; forgets everything after the test."""
    samples.CALLS.clear()
    samples.BEHAVIOUR.clear()
    yield Script()
    samples.CALLS.clear()
    samples.BEHAVIOUR.clear()
