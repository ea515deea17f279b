"""What runs is compared with what was asked for: what differs is refused, and what only reads differently is not."""

from __future__ import annotations

import os
import sys
import types
from typing import TYPE_CHECKING

import pytest

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.in_process import InProcessSpark
from airflow_provider.runner.config import import_watch
from airflow_provider.runner.spark.property_differences import (
    PropertyDifference,
    apply_properties,
    jvm_differences,
    same_value,
)
from airflow_provider.runner.spark.session import open_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CORES = os.cpu_count()


@pytest.mark.parametrize(
    ("key", "asked", "found", "is_same"),
    [
        ("spark.master", "local", "local[1]", True),
        ("spark.master", "local[*]", f"local[{CORES}]", True),
        ("spark.master", "local[2,4]", "local[2]", True),
        ("spark.master", "local[3]", "local[2]", False),
        ("spark.master", "yarn", "local[*]", False),
        ("spark.master", "spark://a:7077", "spark://a:7077", True),
        ("spark.driver.memory", "2g", "2048m", True),
        ("spark.driver.memory", "2G", "2g", True),
        ("spark.driver.memory", "2g", "1g", False),
        ("spark.executor.memory", "1024", "1g", True),
        ("spark.executor.cores", "4", "4", True),
        ("spark.executor.cores", "4", "2", False),
        ("spark.executor.memory", "2g", None, False),
        ("spark.dynamicAllocation.enabled", "True", "true", True),
        ("spark.jars", "/jars/a.jar", "file:///jars/a.jar,file:///jars/b.jar", True),
        ("spark.jars", "a.jar,b.jar", "a.jar", False),
        ("spark.jars.packages", "org:b:2,org:a:1", "org:a:1,org:b:2", True),
        ("spark.yarn.queue", "etl", "ETL", False),
    ],
)
def test_values_that_mean_the_same_are_no_difference(key: str, asked: str, found: str | None, is_same: bool) -> None:
    """Units, order and the place of a file that Spark has copied do not count."""
    assert same_value(key, asked, found) is is_same


def test_a_difference_shows_both_values_and_no_secret() -> None:
    """The property names itself."""
    assert str(PropertyDifference("spark.master", "yarn", "local[2]")) == "spark.master is 'local[2]' instead of 'yarn'"
    assert str(PropertyDifference("spark.jars", "a.jar", None)) == "spark.jars is not set instead of 'a.jar'"
    assert "hunter2" not in str(PropertyDifference("spark.hadoop.fs.s3a.secret.key", "hunter2", None))


def test_a_jvm_that_runs_keeps_its_memory_and_its_jars() -> None:
    """What a session takes from its own conf is no reason for another JVM."""
    running = {"spark.driver.memory": "1g"}
    asked = {"spark.driver.memory": "2g", "spark.jars.packages": "a:b:1", "spark.executor.memory": "8g"}
    assert [found.key for found in jvm_differences(asked, running)] == ["spark.driver.memory", "spark.jars.packages"]
    assert jvm_differences({"spark.driver.memory": "1024m"}, running) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.master", "local[7]"),
        ("spark.master", "spark://elsewhere:7077"),
        ("spark.executor.memory", "3g"),
        ("spark.driver.memory", "3g"),
        ("spark.jars.packages", "org.example:x_2.13:1.0"),
        ("spark.sql.extensions", "org.example.Extensions"),
        ("spark.sql.catalogImplementation", "hive"),
        ("spark.hadoop.fs.s3a.endpoint", "http://minio:9000"),
        ("spark.yarn.queue", "etl"),
        ("spark.serializer", "org.apache.spark.serializer.KryoSerializer"),
    ],
)
def test_spark_that_runs_already_is_refused_if_it_is_not_as_asked(spark: SparkSession, key: str, value: str) -> None:
    """At once, because a retry gives the same; with the values, who started it and what to do."""
    with InProcessSpark(None, {key: value}, {}, "test") as opened, pytest.raises(SparkConfigError) as refused:
        opened.open()
    told = str(refused.value)
    assert f"{key} is " in told
    assert f"instead of {value!r}" in told
    assert "conftest.py:" in told
    assert "stop that Spark before the pipeline runs" in told


@pytest.mark.parametrize(
    "conf",
    [
        {},
        {"spark.master": "local[2]"},
        {"spark.executor.memory": "1g", "spark.driver.memory": "1024m"},
        {"spark.sql.shuffle.partitions": "3", "spark.my.own": "x"},
        {"spark.app.name": "other", "spark.ui.enabled": "true", "spark.eventLog.enabled": "true"},
        {"spark.sql.catalog.mine": "org.example.Catalog"},
        {"spark.submit.deployMode": "client"},
    ],
    ids=str,
)
def test_spark_that_runs_already_is_shared_if_nothing_that_counts_differs(
    spark: SparkSession, conf: dict[str, str]
) -> None:
    """Names and pages of the UI do not count, and a setting of the session is set."""
    with InProcessSpark(None, conf, {}, "test") as opened:
        session = opened.open()
        assert session.range(2).count() == 2
        for key in ("spark.sql.shuffle.partitions", "spark.my.own"):
            assert key not in conf or session.conf.get(key) == conf[key]


def test_a_wrong_value_of_a_setting_is_not_told_as_another_spark(session: SparkSession) -> None:
    """It is Spark's own error."""
    with pytest.raises(Exception, match=r"shuffle\.partitions"):
        apply_properties(session, {"spark.sql.shuffle.partitions": "many"})


def test_the_session_that_a_module_has_as_its_own_is_the_pipelines(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that a function of that module makes with it is there for the next component; as for plain Spark."""
    module = types.ModuleType("jobs_of_an_author")
    module.__dict__["spark"] = spark
    monkeypatch.setitem(sys.modules, module.__name__, module)

    assert open_session({}, "test") is spark
    with pytest.raises(SparkConfigError, match=r"is a variable of the module 'jobs_of_an_author'; move SparkSession"):
        open_session({"spark.master": "local[7]"}, "test")


def test_the_import_that_started_spark_is_named(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to do about it. A warning comes with the import, which `validate` shows, too."""
    monkeypatch.setattr(import_watch, "_starts", [(spark.sparkContext, "jobs.load")])
    with pytest.raises(SparkConfigError, match=r"importing the module 'jobs\.load' started it \(.*conftest\.py:\d+\)"):
        open_session({"spark.master": "local[7]"}, "test")


def test_an_import_that_starts_nothing_is_not_told(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    """Also if Spark runs already."""
    with import_watch.watching_import("json"):
        import json  # noqa: F401
    assert caplog.text == ""
    assert import_watch.import_that_started(import_watch.running_spark()) is None
