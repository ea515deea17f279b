"""Invariants 6 and 7: what a component can leave comes back, or the next attempt says why not. Never silently."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.conftest import Script
from tests.integration.spark.left_behind.rows import EXPLAINED, REFUSED, ROWS, LeftThing
from tests.integration.spark.left_behind.scene import make_files, outcome
from tests.samples.harness.releases import SPARK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def names(spark: SparkSession, script: Script, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the texts of a row mean, in a Spark whose Python workers live for one task."""
    database = f"db_{uuid4().hex[:8]}"
    spark.sql(f"CREATE DATABASE {database}")
    spark.sql(f"CREATE TABLE {database}.written (x INT) USING parquet")
    conf = spark.sparkContext._jsc.sc().conf()
    conf.set("spark.sql.path.enabled", "true").set("spark.python.worker.reuse", "false")
    yield {"db": database, **make_files(tmp_path / "files")}
    conf.remove("spark.sql.path.enabled")
    conf.remove("spark.python.worker.reuse")
    for name in (database, f"{database}_more"):
        spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")
    spark.sql("DROP VIEW IF EXISTS global_temp.left_global")


def judge(row: LeftThing, spark: SparkSession, tmp_path: Path, names: dict[str, str], *, writes: bool) -> None:
    if row.is_new and SPARK < (4, 2):
        pytest.skip("Spark 4.1 has no such thing")
    expected = row.writing if writes else row.alone
    table = f"{names['db']}.written" if writes else ""
    found = outcome(row, spark, tmp_path / "state", names, table)
    assert (found.verdict, found.wrong) == (expected, []), found.said
    assert "hunter2" not in found.said
    if found.verdict in (REFUSED, EXPLAINED):
        assert row.because in found.said
        assert row.remedy
        assert "session_state: replay" in found.said
    if writes:
        spark.catalog.refreshTable(table)
        assert spark.table(table).count() == 1  # invariant 11: it ran once


def test_there_are_enough_rows_and_each_has_a_name_of_its_own() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_component_only_leaves(
    row: LeftThing, spark: SparkSession, tmp_path: Path, names: dict[str, str]
) -> None:
    judge(row, spark, tmp_path, names, writes=False)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_component_leaves_that_also_writes(
    row: LeftThing, spark: SparkSession, tmp_path: Path, names: dict[str, str]
) -> None:
    judge(row, spark, tmp_path, names, writes=True)
