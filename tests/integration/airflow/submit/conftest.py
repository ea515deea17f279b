"""A Spark cluster, a Python without Airflow, and a look at the process list after every test."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.samples.services.spark_cluster import SPARK_HOME, Cluster, wait_for

HERE = Path(__file__).parent
PACKAGES = SPARK_HOME.parent
MARK = "PIPELINE_TEST_MARK"

DRIVER_NEEDS = (
    "pyspark",
    "py4j",
    "tenacity",
    "yaml",
    "_yaml",
    "rich",
    "markdown_it",
    "mdurl",
    "pygments",
    "typing_extensions.py",
    "typing_inspection",
    "annotated_types",
    "pydantic",
    "pydantic_core",
)
"""What the driver's requirements are made of, as it is called in site-packages."""


@pytest.fixture(scope="package")
def mark() -> Iterator[str]:
    """A text in the environment of every process that these tests start."""
    os.environ[MARK] = text = uuid.uuid4().hex
    yield text
    del os.environ[MARK]


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory, mark: str) -> Iterator[Cluster]:
    """A standalone master with one worker."""
    with Cluster(tmp_path_factory.mktemp("standalone")) as made:
        made.start("master")
        made.start("worker")
        os.environ["CLUSTER_MASTER"] = made.master
        yield made
        del os.environ["CLUSTER_MASTER"]


@pytest.fixture(scope="package")
def driver_environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Environments in which a driver finds what it needs and no Airflow, and in which it lacks pydantic."""
    folder = tmp_path_factory.mktemp("driver")
    python = folder / "python"
    base = getattr(sys, "_base_executable", sys.executable)
    python.write_text(f'#!/bin/sh\nexec {base} -S "$@"\n')  # -S: nothing but PYTHONPATH and the standard library
    python.chmod(0o755)
    found = {}
    for name, lacking in (("WITHOUT_AIRFLOW", ()), ("WITHOUT_PYDANTIC", ("pydantic",))):
        packages = folder / name.lower()
        packages.mkdir()
        for package in DRIVER_NEEDS:
            if package not in lacking:
                (packages / package).symlink_to(PACKAGES / package)
        found[name] = {"PYTHONPATH": str(packages), "PYSPARK_PYTHON": str(python)}
    return found


@pytest.fixture(scope="module")
def dags_folder(mark: str, cluster: Cluster, driver_environments: dict[str, dict[str, str]]) -> Iterator[Path]:
    """The DAG files, with what they want of the environment and the cluster, before Airflow starts."""
    before = dict(os.environ)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ["SPARK_HOME"] = str(SPARK_HOME)
    for name, environment in driver_environments.items():
        os.environ[name] = json.dumps(environment)
    yield HERE / "dags"
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a DAG run leaves everything."""
    return tmp_path


def started_here(mark: str) -> set[psutil.Process]:
    """The processes that these tests started and that are still there."""
    found = set()
    for process in psutil.process_iter():
        try:
            # a zombie that its parent has not collected yet is no longer running
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_over(mark: str, cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test there is no process more than before it, except the cluster's own daemons."""
    if "airflow" in request.fixturenames:
        request.getfixturevalue("airflow")  # is there before the test and after it
    before = started_here(mark)
    yield
    expected = set(before)
    daemons = cluster.processes.values()
    expected |= {psutil.Process(process.pid) for process in daemons}

    def left() -> list[str]:
        # Spark in the task: its JVM ends with the task's process, which serves several tests here.
        return [
            command
            for process in started_here(mark) - expected
            if (command := _command(process)) and "pyspark-shell" not in command
        ]

    try:
        wait_for(lambda: not left(), "all processes to end", 20)
    except AssertionError:
        pytest.fail("left over:\n" + "\n".join(f"…{command[-300:]}" for command in left()))


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
