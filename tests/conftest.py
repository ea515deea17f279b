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
from scripts.quick_jvm import java_options
from tests.samples.components import basic as samples
from tests.samples.harness.active_session import make_active
from tests.samples.harness.application_state import ApplicationState
from tests.samples.services.quick_files import use_quick_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Importing Airflow writes into its home.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
JAVA_HOME_FILE = Path(__file__).parents[1] / ".venv" / "java_home"
if "JAVA_HOME" not in os.environ and JAVA_HOME_FILE.exists():
    os.environ["JAVA_HOME"] = JAVA_HOME_FILE.read_text().strip()
os.environ.setdefault("JDK_JAVA_OPTIONS", java_options())
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
# At the end of Spark's class path, which begins as that of the archive; it need not exist.
os.environ.setdefault("SPARK_DIST_CLASSPATH", str(JDBC_DRIVER))
# Airflow logs from INFO on, and py4j's farewell at the end of the process would find its stream closed.
logging.getLogger("py4j").setLevel(logging.WARNING)

settings.register_profile("here", deadline=None, database=None)  # a test leaves nothing behind
settings.load_profile("here")


_as_new: ApplicationState | None = None


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One real Spark for the whole test session. Opened only when a test asks for it."""
    from pyspark.sql import SparkSession

    _leave_connect_mode()
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
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    use_quick_files(session)
    java: Any = session._jsparkSession
    java.streams()  # lets it listen first, see _spark_as_new
    global _as_new
    _as_new = ApplicationState(session)
    yield session
    session.stop()


def _leave_connect_mode() -> None:
    """Let pyspark work with a classic session, also after one of Spark Connect that was not stopped."""
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


@pytest.fixture(autouse=True)
def _spark_as_new(request: pytest.FixtureRequest) -> None:
    """Take back what earlier tests left in the Spark that all of them share, whatever their order."""
    _leave_connect_mode()  # a process that a test starts inherits it, too
    if "spark" not in request.fixturenames:
        return
    spark: SparkSession = request.getfixturevalue("spark")
    make_active(spark)
    # `SHOW TABLES` of any database lists temp views, too.
    spark._jsparkSession.sessionState().catalog().clearTempTables()
    if _as_new is not None:
        _as_new.put_back()
    # What is cached is cached for every session, and for every frame with an equal plan: `range(5)` of another test.
    spark.catalog.clearCache()
    # Each session listens to every event of Spark for the sake of its streams, and no one ever removes it: with some
    # sessions for each of thousands of tests, Spark ends up telling listeners more than computing, and keeps them all.
    bus = spark._jsc.sc().listenerBus()
    listening = [each for each in bus.listeners() if each.getClass().getSimpleName() == "StreamingQueryListenerBus"]
    for listener in listening[1:]:
        bus.removeListener(listener)


@pytest.fixture(autouse=True)
def _nothing_stays_watched() -> Iterator[None]:
    """What is watched after a test would count with what later tests watch."""
    yield
    watching = sys.modules.get("airflow_provider.runner.session_state.effects.audit_watch")
    assert watching is None or not watching._watches


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
