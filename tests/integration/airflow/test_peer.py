"""What was written for pyspark-pipeline-framework, in a task of a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("airflow")


def test_a_file_and_hooks_of_the_other_package_work_in_a_task_and_its_retry(airflow: Any, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    ended = airflow.run("peer.py", "as_for_the_other_package", journal=str(journal))
    assert journal.read_text().split() == ["a", "b", "b"]
    assert [(t.number, t.state) for t in ended.tries["work", -1]] == [(1, "up_for_retry"), (2, "success")]
    assert (tmp_path / "journal.hooks").read_text().splitlines() == [
        "before_pipeline sales 1.0.0",
        "before_component a 0 2",
        "after_component a 0 2 int",
        "before_component b 1 2",
        "on_component_failure b 1 the service is not up yet",
        "after_pipeline failure a",
        "before_pipeline sales 1.0.0",
        "before_component b 1 2",
        "after_component b 1 2 int",
        "after_pipeline success b",
    ]
    told = [line.partition(" has no effect")[0] for line in ended.tries["work", -1][0].warnings]
    assert told == ["field 'hooks.logging'", "field 'hooks.metrics'", "field 'secrets'"]

    # A class in place of hooks fails at once, without retries and before Spark.
    (one,) = ended.tries["class", -1]
    assert (one.state, one.error["type"]) == ("failed", "AirflowFailException")
    assert one.error["message"] == ("pipeline config: field 'hooks': Journal is a class; pass an instance: Journal(…)")
    assert not any("starting Spark" in line for line in one.messages)
