"""Runs, and names that are cleaned up after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


@pytest.fixture
def make(spark: SparkSession, script: Script, tmp_path: Path) -> Make:
    """Makes a run that saves views below the test's directory."""

    def run(*components: Any, **fields: Any) -> SparkRun:
        return SparkRun(spark, tmp_path / "state", *components, **fields)

    return run


@pytest.fixture
def database(spark: SparkSession) -> Iterator[str]:
    """The name of a database that exists during the test."""
    name = f"db_{uuid4().hex[:8]}"
    spark.sql(f"CREATE DATABASE {name}")
    yield name
    spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


@pytest.fixture
def global_view(spark: SparkSession) -> Iterator[str]:
    """The name of a global temp view, which is dropped after the test: all sessions share it."""
    name = f"g_{uuid4().hex[:8]}"
    yield name
    spark.catalog.dropGlobalTempView(name)


@pytest.fixture
def forgotten(spark: SparkSession) -> Iterator[str]:
    """The name of a database that the test creates."""
    name = f"db_{uuid4().hex[:8]}"
    yield name
    spark.sql("USE default")
    spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")
