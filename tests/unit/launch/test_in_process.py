"""How Spark is opened in the task: connections, precedence, and whose Spark it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.in_process import InProcessSpark, connection_conf

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[3]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define a connection as an environment variable, as Airflow reads it."""

    def define(conn_id: str = "cluster", conn_type: str = "spark", **fields: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": conn_type, **fields}))
        return conn_id

    return define


@pytest.mark.parametrize(
    ("fields", "conf"),
    [
        ({"host": "spark://h", "port": 7077}, {"spark.master": "spark://h:7077"}),
        ({"host": "h", "port": 7077}, {"spark.master": "spark://h:7077"}),
        ({"host": "spark://h:7077"}, {"spark.master": "spark://h:7077"}),
        ({"host": "local[*]"}, {"spark.master": "local[*]"}),
        ({"host": "yarn"}, {"spark.master": "yarn"}),
        (
            {"host": "yarn", "extra": {"queue": "root.nightly"}},
            {"spark.master": "yarn", "spark.yarn.queue": "root.nightly"},
        ),
        ({"host": "k8s://https://api:6443"}, {"spark.master": "k8s://https://api:6443"}),
        (
            {"host": "k8s://https://api", "port": 6443, "extra": {"namespace": "jobs"}},
            {"spark.master": "k8s://https://api:6443", "spark.kubernetes.namespace": "jobs"},
        ),
        (
            {"host": "yarn", "extra": {"deploy-mode": "client", "principal": "etl@CORP"}},
            {"spark.master": "yarn", "spark.kerberos.principal": "etl@CORP", "spark.submit.deployMode": "client"},
        ),
        (
            {
                "host": "local[2]",
                "extra": {"spark.sql.ansi.enabled": False, "spark.eventLog.enabled": True, "spark.cores.max": 4},
            },
            {
                "spark.master": "local[2]",
                "spark.sql.ansi.enabled": "false",
                "spark.eventLog.enabled": "true",
                "spark.cores.max": "4",
            },
        ),
        ({"host": "local[2]", "extra": {"spark-binary": "spark3-submit"}}, {"spark.master": "local[2]"}),
    ],
    ids=lambda value: json.dumps(value) if "host" in value else "",
)
def test_a_spark_connection_becomes_spark_properties(
    connect: Any, fields: dict[str, Any], conf: dict[str, str]
) -> None:
    """Host, port and extras mean what they mean to Airflow's Spark provider; properties are spelled as Spark does."""
    assert connection_conf(connect(**fields)) == conf


def test_a_kubernetes_connection_uri_is_understood(connect: Any) -> None:
    """Airflow makes a connection of type ``k8s`` out of a URI ``k8s://…``."""
    conn_id = connect(conn_type="k8s", host="https://api", port=6443)

    assert connection_conf(conn_id) == {"spark.master": "k8s://https://api:6443"}


def test_deploy_mode_cluster_of_a_connection_is_refused(connect: Any) -> None:
    """The driver runs in the task; the message names where to remove the mode."""
    conn_id = connect(host="yarn", extra={"deploy-mode": "cluster"})
    with pytest.raises(SparkConfigError, match=r"'cluster'.*remove it from the connection's extras"):
        _ = InProcessSpark(conn_id, None, {}, "test").conf


def test_a_connection_without_host_leaves_the_master_alone(connect: Any) -> None:
    """Otherwise the master would be an empty ``spark://``."""
    assert connection_conf(connect(extra={"queue": "nightly"})) == {"spark.yarn.queue": "nightly"}


def test_a_connection_of_another_type_is_refused(connect: Any) -> None:
    """The message names the connection, its type and the right type."""
    with pytest.raises(SparkConfigError, match=r"'warehouse' is of type 'postgres'; use one of type 'spark'"):
        connection_conf(connect("warehouse", conn_type="postgres", host="db"))


def test_no_connection_means_no_properties() -> None:
    """``conn_id=None`` asks for none."""
    assert connection_conf(None) == {}


def test_the_default_connection_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it Spark runs in the task."""
    monkeypatch.delenv("AIRFLOW_CONN_SPARK_DEFAULT", raising=False)

    assert connection_conf("spark_default") == {}


def test_a_named_connection_must_exist() -> None:
    """Only the default may be missing: running somewhere else than asked for is never right."""
    with pytest.raises(SparkConfigError, match="'nowhere' does not exist; create it"):
        connection_conf("nowhere")


def test_spark_conf_wins_over_the_connection_which_wins_over_the_pipeline(spark: SparkSession, connect: Any) -> None:
    """Each layer overrides the one below it, setting by setting."""
    zone, partitions, ansi = "spark.sql.session.timeZone", "spark.sql.shuffle.partitions", "spark.sql.ansi.enabled"
    conn_id = connect(host="local[2]", extra={zone: "Asia/Tokyo", partitions: 5})
    pipeline = {zone: "Europe/Oslo", partitions: "3", ansi: "false"}

    with InProcessSpark(conn_id, {partitions: 7}, pipeline, "test") as opened:
        conf = opened.open().conf
        assert (conf.get(partitions), conf.get(zone), conf.get(ansi)) == ("7", "Asia/Tokyo", "false")


def test_spark_that_runs_already_is_neither_changed_nor_stopped(spark: SparkSession) -> None:
    """The pipeline gets a session of its own: settings and temp views stay inside it."""
    before = spark.conf.get("spark.sql.session.timeZone")

    with InProcessSpark(None, {"spark.sql.session.timeZone": "Asia/Tokyo"}, {}, "test") as opened:
        session = opened.open()
        session.range(1).createOrReplaceTempView("only_in_the_pipeline")
        assert session is not spark

    assert spark.conf.get("spark.sql.session.timeZone") == before
    assert not spark.catalog.tableExists("only_in_the_pipeline")
    assert spark.range(3).count() == 3


def test_a_component_that_asks_for_its_session_by_name_gets_the_pipelines(spark: SparkSession) -> None:
    """As where the pipeline has started Spark itself; afterwards whoever started it gets their own again."""
    kind = type(spark)
    before = kind.builder.getOrCreate(), kind.getActiveSession()
    with InProcessSpark(None, {}, {}, "test") as opened:
        session = opened.open()
        session.sql("CREATE TEMP VIEW of_the_pipeline AS SELECT 1 AS a")
        found = kind.builder.appName("load orders").getOrCreate()
        assert found is session
        assert kind.getActiveSession() is session
        assert found.table("of_the_pipeline").count() == 1
    assert (kind.builder.getOrCreate(), kind.getActiveSession()) == before
    assert not spark.catalog.tableExists("of_the_pipeline")


@pytest.mark.parametrize("layer", ["spark_conf", "pipeline_conf"])
def test_deploy_mode_cluster_is_refused_wherever_it_is_written(spark: SparkSession, layer: str) -> None:
    """Not only in a connection: this operator's driver runs in the task, so the mode is always ``client``."""
    conf = {"spark_conf": {}, "pipeline_conf": {}, layer: {"spark.submit.deployMode": "cluster"}}

    with InProcessSpark(None, app_name="test", **conf) as opened, pytest.raises(SparkConfigError, match="client"):
        opened.open()


def test_a_bad_master_is_not_blamed_on_java(tmp_path: Path) -> None:
    """The remedy in the message fits the cause: Java is here and runs, the master is wrong."""
    (line,) = python(
        """
        from airflow_provider.launch.in_process import InProcessSpark

        try:
            InProcessSpark(None, {"spark.master": "nonsense"}, {}, "test").open()
        except Exception as error:
            print(">", type(error).__name__, error)
        """,
        tmp_path,
    )

    assert line.startswith("SparkSessionError")
    assert "'nonsense'" in line
    assert "install" not in line


def test_spark_that_another_thread_has_started_is_not_stopped(tmp_path: Path) -> None:
    """Whoever opened Spark stops it, also when the pipeline runs in another thread of that process."""
    lines = python(
        """
        import threading
        from pyspark.sql import SparkSession
        from airflow_provider.launch.in_process import InProcessSpark

        mine = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()

        def pipeline():
            with InProcessSpark(None, {}, {}, "test") as opened:
                print(">", "same session" if opened.open() is mine else "own session")

        thread = threading.Thread(target=pipeline)
        thread.start()
        thread.join()
        print(">", "alive", mine.range(3).count())
        """,
        tmp_path,
    )

    assert lines == ["own session", "alive 3"]


def python(code: str, home: Path) -> list[str]:
    """Run code in an interpreter of its own and return the lines that it prints after ``>``."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]
