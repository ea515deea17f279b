"""A module that starts Spark when it is imported: that Spark stays in the process, so this test is alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("airflow")

FILE = "launching.py"


@pytest.fixture(scope="module")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DAG files of its own, so that no other test runs in this process."""
    return Path(shutil.copytree(Path(__file__).parent / "dags", tmp_path_factory.mktemp("elsewhere") / "dags"))


def test_a_module_that_starts_spark_elsewhere_fails_the_task_at_once(airflow: Any) -> None:
    """Nothing was lost, and a retry would end the same way."""
    ended = airflow.run(FILE, "starts_spark")

    (only,) = ended.tries["elsewhere", -1]
    assert only.error["type"] == "AirflowFailException"
    message = only.error["message"]
    assert re.search(r"spark\.master is 'local\[[2*]\]' instead of 'local\[1\]'", message)
    assert "importing the module 'starts_spark' started it" in message
    assert "starts_spark.py:9" in message
