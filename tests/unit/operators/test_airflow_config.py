"""Where temp views are saved and how long they are kept: the operator's parameters, then Airflow's configuration."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.operators.airflow_config import saved_views_retention
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import InMemoryCheckpointStore
from airflow_provider.runner.observing.result import PipelineResult, PipelineResultStatus
from airflow_provider.runner.running import airflow_attempt


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The directories that attempts are given; nothing runs, because a cluster cannot be had here."""
    given: list[Any] = []

    def attempt(*_: Any, session_state_url: str | None, **__: Any) -> PipelineResult:
        given.append(session_state_url)
        return PipelineResult("p", PipelineResultStatus.SUCCESS, (), 0.0)

    monkeypatch.setattr(airflow_attempt, "run_airflow_attempt", attempt)
    return given


def execute(master: str, *, try_number: int = 1, **options: Any) -> None:
    operator = PySparkPipelineOperator(
        task_id="t",
        pipeline={
            "name": "p/1",
            "components": [{"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}],
        },
        conn_id=None,
        spark_conf={"spark.master": master},
        checkpoint_store=InMemoryCheckpointStore(),
        **options,
    )
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1, try_number=try_number, max_tries=1)
    operator.execute({"ti": ti, "run_id": "r:1"})


def test_views_of_a_local_spark_are_saved_below_airflow_home(
    chosen: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each dag, task, map index, run and pipeline has a directory of its own, whatever characters they have."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    execute("local[2]")
    assert chosen == [f"{tmp_path}/pyspark_pipeline/session_state/d/t/-1/r%3A1/p%2F1"]


def test_without_a_place_a_cluster_saves_nothing_and_the_first_attempt_warns(
    chosen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    execute("spark://h:7077")
    (warning,) = [record.getMessage() for record in caplog.records if "session_state_url" in record.getMessage()]
    assert "replays the components that made them if these are known to be harmless, and otherwise fails" in warning
    assert "Set session_state_url to a directory that the cluster can write" in warning
    caplog.clear()

    execute("spark://h:7077", try_number=2)
    assert not [record for record in caplog.records if "session_state_url" in record.getMessage()]
    assert chosen == [None, None]


def test_the_operators_place_wins_over_the_configuration(chosen: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PYSPARK_PIPELINE__SESSION_STATE_URL", "s3a://bucket/configured")
    execute("spark://h:7077")
    execute("spark://h:7077", session_state_url="s3a://bucket/given/")
    assert chosen == ["s3a://bucket/configured/d/t/-1/r%3A1/p%2F1", "s3a://bucket/given/d/t/-1/r%3A1/p%2F1"]


@pytest.mark.parametrize(
    ("given", "checkpoint", "settings", "days"),
    [
        (None, None, {}, 90),
        (None, None, {"RETENTION_DAYS": "30"}, 30),
        (None, 20, {"RETENTION_DAYS": "30"}, 20),
        (None, 0, {}, None),
        (None, 20, {"SESSION_STATE_RETENTION_DAYS": "7"}, 7),
        (None, 20, {"SESSION_STATE_RETENTION_DAYS": "0"}, None),
        (3.5, 20, {"SESSION_STATE_RETENTION_DAYS": "7"}, 3.5),
        (0, 20, {"SESSION_STATE_RETENTION_DAYS": "7"}, None),
    ],
)
def test_saved_views_are_kept_as_configured_or_as_long_as_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
    given: float | None,
    checkpoint: float | None,
    settings: dict[str, str],
    days: float | None,
) -> None:
    """The operator's word, the setting, the checkpoint's retention, in that order; 0 is for ever."""
    for name, value in settings.items():
        monkeypatch.setenv(f"AIRFLOW__PYSPARK_PIPELINE__{name}", value)
    assert saved_views_retention(given, checkpoint).retention_days == days
