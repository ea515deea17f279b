"""A Python function over a Parquet file comes to an end, also where the author has read none."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATIENCE = 120.0


def plus_one(session: SparkSession, view: str) -> list[int]:
    """Apply a Python function to a view; a component that waits forever would hold all tests."""
    from pyspark.sql.functions import udf

    found: list[Any] = []
    frame = session.table(view).select(udf(lambda x: x + 1, "long")("id").alias("id"))
    asking = threading.Thread(target=lambda: found.append(frame.collect()), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    if not found:
        session.sparkContext.cancelAllJobs()
        raise TimeoutError(f"no row after {PATIENCE:g} s")
    return sorted(row[0] for row in found[0])


@pytest.mark.parametrize("kind", ["sink", "transformation"])
def test_a_python_function_over_files_and_over_a_saved_view_comes_to_an_end(
    kind: str, spark: SparkSession, script: Script, tmp_path: Path
) -> None:
    """Invariant 6: before the failure the view was no file."""
    run = SparkRun(spark, tmp_path / "state", component("a", component_type=kind), "b", "c")
    run.session.range(3).write.parquet(str(tmp_path / "in"))

    def leaves(session: SparkSession) -> None:
        session.range(3).createOrReplaceTempView("v")
        session.read.parquet(str(tmp_path / "in")).createOrReplaceTempView("w")

    found: list[list[int]] = []
    run.does("a", leaves)
    run.does("b", lambda session: found.extend([plus_one(session, "v"), plus_one(session, "w")]))
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    run.does("c", lambda session: found.extend([plus_one(session, "v"), plus_one(session, "w")]))
    assert run.resume().failed_components == []
    assert found == [[1, 2, 3]] * 4
