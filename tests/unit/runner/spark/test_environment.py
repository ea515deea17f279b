"""Environment variables that change which Spark runs: refused, put right with a word, or told."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from airflow_provider.errors import SparkConfigError
from airflow_provider.runner.spark import environment, no_jvm
from airflow_provider.runner.spark.no_jvm import version_mismatch, why_no_jvm
from airflow_provider.runner.spark.submit_arguments import submit_arguments

LOCAL = {"spark.master": "local[1]"}
ARGS = "PYSPARK_SUBMIT_ARGS"
NAMES = [
    *("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE", "SPARK_CONNECT_MODE", "MASTER", "SPARK_HOME"),
    *("SPARK_CONF_DIR", "PYSPARK_PYTHON", ARGS),
]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_an_ordinary_environment_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is refused, and nothing is told."""
    with caplog.at_level("INFO"), submit_arguments(LOCAL):
        environment.refuse_other_spark(LOCAL)
        environment.refuse_master_variable()
        environment.log_defaults(LOCAL)
        environment.check_worker_python(LOCAL)
    assert caplog.text == ""
    assert ARGS not in os.environ


@pytest.mark.parametrize("name", ["SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"])
def test_a_variable_that_leads_to_a_spark_connect_server_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name, what it does, what was asked for and what to do; never with the token."""
    monkeypatch.setenv(name, "sc://server:15002/;token=hunter2")
    with pytest.raises(SparkConfigError) as refused:
        environment.refuse_other_spark(LOCAL)
    told = str(refused.value)
    assert f"the environment variable {name} is" in told
    assert "'local[1]'" in told
    assert "unset" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "conf",
    [
        {"spark.remote": "sc://server"},
        {"spark.remote": "local[1]", "spark.master": "local[1]"},
        {"spark.master": "sc://server:15002"},
        {"spark.api.mode": "connect"},
    ],
    ids=str,
)
def test_a_property_that_leads_to_a_spark_connect_server_is_refused(conf: dict[str, str]) -> None:
    """A connection of its own type is for that."""
    with pytest.raises(SparkConfigError, match=next(iter(conf))):
        environment.refuse_other_spark(conf)


@pytest.mark.parametrize(("name", "value"), [("SPARK_API_MODE", "connect"), ("SPARK_CONNECT_MODE", "1")])
def test_a_variable_that_starts_a_server_of_its_own_is_put_right_with_a_word(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise Spark would run, and components would have no SparkContext."""
    monkeypatch.setenv("SPARK_API_MODE", "")
    monkeypatch.setenv(name, value)
    environment.refuse_other_spark(LOCAL)
    assert os.environ["SPARK_API_MODE"] == "classic"
    assert name in caplog.text
    caplog.clear()
    environment.refuse_other_spark(LOCAL)
    assert caplog.text == ""


def test_with_a_master_variable_pyspark_refuses_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the task it has no effect, and on the way to a server it is named."""
    monkeypatch.setenv("MASTER", "local[4]")
    with pytest.raises(SparkConfigError, match=r"MASTER is 'local\[4\]'.*unset MASTER"):
        environment.refuse_master_variable()


@pytest.mark.parametrize(
    ("given", "kept", "dropped"),
    [
        ("pyspark-shell", "pyspark-shell", ""),
        ("", "pyspark-shell", ""),
        ("--master local[4] pyspark-shell", "pyspark-shell", "--master, local[4]"),
        ("--master=local[4]", "pyspark-shell", "--master, local[4]"),
        ("--master local[1] --verbose pyspark-shell", "--master local[1] --verbose pyspark-shell", ""),
        ("--packages a:b:1 pyspark-shell", "--packages a:b:1 pyspark-shell", ""),
        ("--driver-memory 2g pyspark-shell", "--driver-memory 2g pyspark-shell", ""),
        (
            "--conf spark.master=yarn --conf spark.x='a b'",
            "--conf 'spark.x=a b' pyspark-shell",
            "--conf, spark.master=yarn",
        ),
        ("-c spark.y=1 pyspark-shell", "-c spark.y=1 pyspark-shell", ""),
    ],
)
def test_what_was_asked_for_wins_over_the_arguments_in_the_environment(
    given: str, kept: str, dropped: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What they add counts. Without ``pyspark-shell`` at their end spark-submit would end without a word."""
    monkeypatch.setenv(ARGS, given)
    with submit_arguments(LOCAL):
        assert shlex.split(os.environ[ARGS]) == shlex.split(kept)
    assert os.environ[ARGS] == given
    assert (f"also says {dropped}; the task's own values count" in caplog.text) is bool(dropped)


def test_packages_that_were_asked_for_are_not_lost_to_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """spark-submit takes one or the other; if the environment's hold those asked for, they count."""
    asked = {"spark.jars.packages": "a:b:1", "spark.driver.memory": "2g"}
    monkeypatch.setenv(ARGS, "--packages c:d:1 --driver-memory 2048m pyspark-shell")
    with submit_arguments(asked):
        assert os.environ[ARGS] == "--driver-memory 2048m pyspark-shell"
    monkeypatch.setenv(ARGS, "--packages c:d:1,a:b:1 pyspark-shell")
    with submit_arguments(asked):
        assert os.environ[ARGS] == "--packages c:d:1,a:b:1 pyspark-shell"


def test_secrets_among_the_arguments_stay_out_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both among those that count and those that do not."""
    monkeypatch.setenv(ARGS, "--conf spark.my.password=hunter2 --conf spark.other.token=hunter3 pyspark-shell")
    with caplog.at_level("INFO"), submit_arguments({"spark.other.token": "x"}):
        pass
    assert "PYSPARK_SUBMIT_ARGS" in caplog.text
    assert "hunter" not in caplog.text


def test_arguments_that_cannot_be_taken_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is not closed, for one."""
    monkeypatch.setenv(ARGS, "--conf 'spark.x=1")
    with (
        pytest.raises(SparkConfigError, match="cannot parse the environment variable PYSPARK_SUBMIT_ARGS"),
        submit_arguments(LOCAL),
    ):
        pass


def test_what_the_defaults_file_adds_and_what_of_it_does_not_count_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Names only: values may be secrets."""
    (tmp_path / "spark-defaults.conf").write_text(
        "# comment\n\nspark.master yarn\nspark.executor.memory=3g\nspark.my.password: hunter2\n"
    )
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("MASTER", "local[9]")
    with caplog.at_level("INFO"):
        environment.log_defaults(LOCAL)
    adds, other, master = [record.getMessage() for record in caplog.records]
    assert adds.endswith("adds Spark properties: spark.executor.memory, spark.my.password")
    assert "has other values for spark.master; the task's own values count" in other
    assert "MASTER (local[9]) has no effect" in master
    assert environment.defaults()["spark.executor.memory"] == "3g"


def test_a_python_for_functions_that_is_not_there_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SQL runs without one, so it is no error."""
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    environment.check_worker_python(LOCAL)
    assert "PYSPARK_PYTHON is '/nowhere/python', which is not a program on this host" in caplog.text
    caplog.clear()
    environment.check_worker_python({"spark.pyspark.python": sys.executable})
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    environment.check_worker_python(LOCAL)
    assert caplog.text == ""


def java(folder: Path, version: str, status: int = 0) -> str:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\nexit {status}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("version", "told"), [("1.8.0_392", "which is Java 8"), ("11.0.20", "which is Java 11"), ("17.0.15", "")]
)
def test_a_java_that_is_too_old_is_named(
    version: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that leads to it."""
    monkeypatch.setenv("JAVA_HOME", java(tmp_path / "jdk", version))
    why, remedy = why_no_jvm(RuntimeError("JAVA_GATEWAY_EXITED"))
    assert told in why
    assert "JAVA_HOME" in why + remedy


def test_a_java_that_is_not_there_or_does_not_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``JAVA_HOME`` that leads nowhere, a Java that ends with an error, and none at all."""
    error = RuntimeError("JAVA_GATEWAY_EXITED")
    monkeypatch.setenv("JAVA_HOME", "/nowhere/jdk")
    assert "JAVA_HOME is '/nowhere/jdk', where there is no bin/java" in why_no_jvm(error)[0]
    monkeypatch.setenv("JAVA_HOME", java(tmp_path / "broken", "17.0.1", status=1))
    assert "-version does not work" in why_no_jvm(error)[0]
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_no_jvm(error)[0] == "there is no Java"


def test_a_spark_home_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one whose program cannot be run."""
    monkeypatch.setenv("SPARK_HOME", "/nowhere/spark")
    assert "SPARK_HOME is '/nowhere/spark', where there is no bin/spark-submit" in why_no_jvm(FileNotFoundError())[0]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spark-submit").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    assert "cannot run spark-submit" in why_no_jvm(PermissionError(13, "Permission denied"))[0]


def test_a_spark_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its jars, before anything is started; another patch, or a vendor's, is as good."""
    import pyspark

    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "spark-core_2.12-3.5.1.jar").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    assert no_jvm.version_on_disk() == "3.5.1"
    assert "Spark is version 3.5.1 and pyspark" in str(version_mismatch("3.5.1"))
    assert str(tmp_path) in str(version_mismatch("3.5.1"))
    assert version_mismatch(f"{pyspark.__version__}-vendor.7") is None
