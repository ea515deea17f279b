"""A restart of a pipeline that has succeeded: what it needs of earlier components is restored, replayed or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.runner import PipelineResult
from airflow_provider.runner.housekeeping.prune import CheckpointLookup, Prune, PruneRules
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.session_state.saved.directory_marker import Retention
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEY = RunKey((), "run-1", "p")


@pytest.fixture
def run(tmp_path: Path, spark: SparkSession, script: Script) -> SparkRun:
    """The view of a is read by b and by c; the views are saved as they are left."""
    made = SparkRun(spark, KEY.directory(str(tmp_path / "state")), "a", "b", "c", session_state="save")
    made.does("a", lambda session: session.range(3).createOrReplaceTempView("v"))
    made.does("b", lambda session: session.table("v").createOrReplaceTempView("w"))
    made.does("c", lambda session: session.table("w").count())
    return made


def attempt(run: SparkRun, hours: float = 0, *asked: str) -> PipelineResult:
    """One attempt in a new session, of which somebody has asked something."""
    run.in_new_session()
    if asked:
        run.store.leave_request(RestartRequest(components=asked), KEY)
    keeping = Retention(hours_after_success=hours)
    return run_attempt(
        AttemptSpec(run.config, run.store, KEY, spark=run.session, session_state_url=run.url, retention=keeping)
    )


def actions(result: PipelineResult) -> dict[str, str]:
    return {component.component_name: component.action.value for component in result.component_results}


def test_views_that_were_kept_are_restored_and_expire_by_their_hours(run: SparkRun, tmp_path: Path) -> None:
    """A prune within the hours leaves them, a later one deletes them; a restart counts as a use."""
    attempt(run, 2)
    run.took_turns()
    assert actions(attempt(run, 2, "c")) == {"a": "REUSE", "b": "REUSE", "c": "RUN"}
    assert run.took_turns() == ["c"]

    state = tmp_path / "state"
    for hours, gone in ((1.9, False), (2.1, True)):
        rules = PruneRules(datetime.now(UTC) + timedelta(hours=hours))
        known = CheckpointLookup(True, run.store.load(KEY.run_id, KEY.pipeline_name))
        (item,) = Prune(rules, saved=[(str(state), DirectoryStorage(state))], known=lambda *_, known=known: known)()
        assert (item.verdict.delete, item.problem) == (gone, None)
    assert list(state.iterdir()) == []


def test_harmless_components_are_replayed_where_the_views_are_gone(run: SparkRun) -> None:
    """The plan says which and why, and nothing else runs; only what is needed before the last one that runs."""
    attempt(run)
    run.took_turns()
    result = attempt(run, 0, "c")
    assert actions(result) == {"a": "REPLAY", "b": "REPLAY", "c": "RUN"}
    reasons = {component.component_name: component.reason for component in result.component_results}
    assert "'v' is gone from" in reasons["a"]
    assert "keep_session_state_hours" in reasons["b"]
    assert run.took_turns() == ["a", "b", "c"]
    assert actions(attempt(run, 0, "a")) == {"a": "RUN", "b": "REUSE", "c": "REUSE"}


def test_a_component_that_may_do_harm_never_runs_again_for_its_views(
    run: SparkRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11: the request is set aside with the remedy, and whoever names it as well has it run again."""
    out = str(tmp_path / "out")

    def load(session: SparkSession) -> None:
        session.range(1).write.mode("append").parquet(out)
        session.range(3).createOrReplaceTempView("v")

    run.does("a", load)
    attempt(run)
    run.took_turns()
    assert actions(attempt(run, 0, "c")) == dict.fromkeys("abc", "REUSE")
    assert run.took_turns() == []
    assert "component 'a'" in caplog.text
    assert "restart from it as well" in caplog.text
    assert run.session.read.parquet(out).count() == 1
    attempt(run, 0, "c", "a")
    assert run.took_turns() == ["a", "b", "c"]
