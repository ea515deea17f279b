"""Every example DAG is loaded and run. A new file ``example_*.py`` is picked up by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.real_airflow

EXAMPLES = Path(__file__).parents[3] / "example_dags"
NEED_A_CONNECTION = {
    "example_spark_cluster",
    "example_spark_connect",
    "example_spark_submit",
}  # run in submit/, connect/
NAMES = sorted({path.stem for path in EXAMPLES.glob("example_*.py")} - NEED_A_CONNECTION)


@pytest.fixture(scope="module")
def dags_folder() -> Path:
    return EXAMPLES


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_to_success(airflow: Any, name: str, tmp_path: Path) -> None:
    """The file ``example_x.py`` holds a DAG ``example_x`` that imports without an error and succeeds at once."""
    ended = airflow.run(f"{name}.py", name, **({"lake": str(tmp_path)} if name == "example_flights_etl" else {}))

    assert ended.state == "success"
    assert set(ended.states.values()) == {"success"}
    if name == "example_flights_etl":
        delays = pd.read_parquet(tmp_path / "delays_by_carrier")
        assert len(delays) == delays["carrier"].nunique() == 16
