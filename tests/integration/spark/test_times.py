"""With a real Spark: the times of an attempt that saves, and of one that restores, add up to its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.runner import LocalCheckpointStore, PipelineConfig
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_saving_and_restoring_are_no_components_time(spark: SparkSession, script: Script, tmp_path: Path) -> None:
    """What the first attempt saved, the second restores; both are counted as that."""
    config = PipelineConfig.model_validate(
        {
            "name": "p",
            "session_state": "save",
            "components": [
                {
                    "name": "numbers",
                    "class_path": "airflow_provider.components.RunSql",
                    "config": {"sql": "SELECT id FROM range(1000)", "output_view": "numbers_of_times"},
                },
                {
                    "name": "gate",
                    "class_path": "tests.samples.components.basic.scripted",
                    "config": {"name": "gate"},
                    "depends_on": ["numbers"],
                },
            ],
        }
    )
    attempt = AttemptSpec(
        config,
        LocalCheckpointStore(tmp_path / "checkpoints"),
        RunKey((), "r", "p"),
        spark=lambda: spark.newSession(),
        session_state_url=str(tmp_path / "views"),
    )
    script.fail("gate")
    first = run_attempt(attempt)
    script.mend("gate")
    second = run_attempt(attempt)

    saved, restored = first.component_results[0], second.component_results[0]
    assert saved.saving_seconds > saved.duration_seconds > 0
    assert restored.restoring_seconds > 0
    assert (restored.saving_seconds, restored.duration_seconds) == (0, 0)
    for result in (first, second):
        assert sum(result.seconds_by_kind.values()) == pytest.approx(result.duration_seconds)
        assert result.spark_seconds > 0
