"""The same table on Spark Connect: what a component leaves comes back, or is said. Nothing is known to be harmless."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.connect.client_process import told_by
from tests.integration.spark.left_behind.rows import EXPLAINED, REFUSED, ROWS, LeftThing
from tests.samples.harness.releases import SPARK
from tests.samples.services.connect_server import ConnectServer

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.torture]  # a quarter of an hour


@pytest.fixture(scope="module")
def found(server: ConnectServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each row: verdict, what is wrong, what was said."""
    rows: dict[str, Any] = told_by("left_behind_driver.py", server, tmp_path_factory.mktemp("left"), seconds=900)
    return rows


@pytest.mark.parametrize("row", [row for row in ROWS if row.connect is not None], ids=str)
def test_what_a_component_leaves_on_a_server(row: LeftThing, found: dict[str, Any]) -> None:
    if row.is_new and SPARK < (4, 2):
        pytest.skip("Spark 4.1 has no such thing")
    verdict, wrong, said = found[str(row)]
    assert (verdict, wrong) == (str(row.connect), []), said
    assert "hunter2" not in said
    if row.connect in (EXPLAINED, REFUSED):
        assert "session_state: replay" in said
