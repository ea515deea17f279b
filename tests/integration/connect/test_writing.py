"""`WriteData` in Spark Connect, which cannot rename directories: what would be lost is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.connect.client_process import told_by
from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")


def test_what_would_be_lost_is_refused_and_all_else_is_written(server: ConnectServer, tmp_path: Path) -> None:
    told = told_by("writing_driver.py", server, tmp_path)
    for case in ("own input", "child"):
        assert "'v' (left by component 'read'), reads " in told[case]
    assert "view 'v' (left by component 'read') reads" in told["needed"]
    assert "component 'later' still needs it" in told["needed"]
    assert "component 'later' later reads" in told["inside"]
    assert "day=2" in told["lost"]
    assert "component 'write' must not write to table 'days'" in told["own table"]
    assert (told["rows"], told["rows then"], told["table rows"]) == (3, 6, [[7, 1], [8, 2]])
    assert {told[case] for case in ("elsewhere", "append", "table", "partitions")} == {"done"}
