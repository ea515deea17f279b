"""The flights pipeline on every way to Spark: it fails in the middle, is retried, and comes to the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

WAYS = ["task_local", "task_cluster", "submit_local", "submit_cluster"]

pytestmark = [pytest.mark.torture, pytest.mark.xdist_group("submit")]


def test_the_flights_pipeline_has_the_same_result_everywhere(airflow: Any, service: str, tmp_path: Path) -> None:
    """Invariant 6, for each way to Spark: after the retry every table is that of ``local[*]`` in the task."""
    tables = {}
    for way in WAYS:
        lake = tmp_path / way
        ended = airflow.run("flights_everywhere.py", way, timeout=600, lake=str(lake), targets_url=f"{service}/{way}")
        assert ended.state == "success", ended.output
        assert [(t.number, t.state) for t in ended.tries["flights", -1]] == [(1, "up_for_retry"), (2, "success")]
        actions = ended.actions("flights")
        assert actions["land_flights"] == "REUSE"
        assert "component 'fetch_targets'" in ended.tries["flights", -1][0].error["message"]
        tables[way] = {
            path.parent.relative_to(lake).as_posix(): pd.read_parquet(path.parent)
            for path in sorted(lake.rglob("_SUCCESS"))
        }
    expected = {name: _sorted(frame) for name, frame in tables["task_local"].items()}
    assert "delays_by_carrier" in expected
    for way in WAYS[1:]:
        assert tables[way].keys() == expected.keys()
        for name, frame in tables[way].items():
            pd.testing.assert_frame_equal(_sorted(frame), expected[name], obj=f"{name} by {way}")


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    columns = sorted(frame.columns)
    return frame[columns].sort_values(columns).reset_index(drop=True)
