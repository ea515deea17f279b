"""Invariants 6 and 7 in a driver that ``spark-submit`` starts: what a component leaves fares as in the task itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.spark.left_behind.rows import EXPLAINED, REFUSED, ROWS, LeftThing
from tests.integration.spark.left_behind.submission import submit
from tests.samples.harness.releases import SPARK

pytestmark = [pytest.mark.xdist_group("left behind submitted"), pytest.mark.torture]  # some minutes


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each row: verdict, what is wrong, what was said."""
    folder = tmp_path_factory.mktemp("submitted")
    done = submit(
        Path(__file__).parent / "submitted_driver.py",
        folder,
        spark__sql__path__enabled="true",
        spark__python__worker__reuse="false",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows: dict[str, Any] = json.loads((folder / "found").read_text())
    return rows


@pytest.mark.parametrize("writes", [False, True], ids=["only left", "also writes"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_component_leaves_in_a_submitted_driver(row: LeftThing, writes: bool, found: dict[str, Any]) -> None:
    if row.is_new and SPARK < (4, 2):
        pytest.skip("Spark 4.1 has no such thing")
    expected = row.writing if writes else row.alone
    verdict, wrong, said = found[f"{row} {writes}"]
    assert (verdict, wrong) == (str(expected), []), said
    assert "hunter2" not in said
    if expected in (EXPLAINED, REFUSED):
        assert "session_state: replay" in said
