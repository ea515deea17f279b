"""Invariant 14: each call that is made only to look fails once, in the middle of twelve components.

The pipeline ends as it does in plain Spark, and the log has one warning of it. To save time a run has several of these
failures, one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner.session_state.evidence import EvidenceCollector
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.sources.source_watch import SourceWatch
from tests.integration.spark.session_state.twelve_components import (
    RUNS,
    SEAMS,
    inject,
    run_of,
    same_answer,
    steps,
    told,
    told_otherwise,
)
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

NOT_BETWEEN = {"describe_objects", "drop_function", "pinned", "remember", "restore_object"}
"""What a probe is asked for on behalf of a record that is restored, or within a kind's own call."""


def test_the_list_has_every_call() -> None:
    """A new question of a probe, or a new call of the evidence, belongs into the list."""
    named = {seam.rpartition(".")[2] for seam in SEAMS}
    asked = {name for name in vars(SessionProbe) if not name.startswith("_")} - NOT_BETWEEN
    assert asked <= named
    assert {name for name in vars(ClassicProbe) if not name.startswith("_")} - NOT_BETWEEN <= named
    around = {"collect", "watching", "load_earlier_sources", "sources_of", "after_failure", "in_copy"}
    assert {name for name in vars(EvidenceCollector) if not name.startswith("_")} - around <= named
    assert {name for name in vars(SourceWatch) if not name.startswith("_")} - {"end", "in_copy"} <= named


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the twelve leave in plain Spark, and how many warnings the log has without a failure."""
    place = str(tmp_path_factory.mktemp("plain") / "in")
    spark.range(3).write.parquet(place)
    spark.sql("CREATE DATABASE plain_twelve")
    session = spark.newSession()
    for step in steps("plain_twelve", place):
        step(session)
    found = told(session)
    spark.sql("DROP DATABASE plain_twelve CASCADE")
    return found


@pytest.mark.parametrize("seams", RUNS, ids=lambda seams: " ".join(seam.rpartition(":")[2] for seam in seams))
def test_looks_that_fail_change_nothing_and_are_told_once(
    seams: list[str],
    make: Make,
    database: str,
    tmp_path: Path,
    plain: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run, ran = run_of(make, database, tmp_path)
    raised = [inject(monkeypatch, seam, ran, 4 + number) for number, seam in enumerate(seams)]
    assert run.attempt(keep_session_state=True).failed_components == []
    found = told(run.session)
    assert same_answer(found, plain)
    assert told_otherwise(caplog.records, raised) == []


OF_SNAPSHOTS = [seam for seam in SEAMS if seam.endswith((".look", ".capture", ".changes", ".record"))]


@pytest.mark.parametrize("seam", OF_SNAPSHOTS, ids=lambda seam: seam.rpartition(":")[2])
@pytest.mark.torture
def test_after_a_look_that_failed_a_resume_ends_as_plain_spark_or_is_refused(
    seam: str, make: Make, database: str, tmp_path: Path, plain: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 6: never another answer."""
    run, ran = run_of(make, database, tmp_path)
    run.fails("c11")
    inject(monkeypatch, seam, ran)
    assert [name for name, _ in run.attempt().failed_components] == ["c11"]
    found: list[Any] = []
    run.does("c11", lambda session: found.append(told(session)))
    try:
        failed = run.resume().failed_components
    except SessionStateNotSavedError:
        return
    if not failed:
        [again] = found
        assert same_answer(again, plain)
    else:
        assert "could not be restored" in str(failed) or "cannot be" in str(failed) or "[" in str(failed[0][1])
