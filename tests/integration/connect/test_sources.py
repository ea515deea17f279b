"""What views read in Spark Connect is found as far as the client can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.connect.client_process import told_by
from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")


def test_the_files_of_views_are_found_and_compared(server: ConnectServer, tmp_path: Path) -> None:
    """The files of a view are known, a view of numbers has none, and what statements read is said to be unknown."""
    found = told_by("sources_driver.py", server, tmp_path)
    unknown = ["other", "what its statements read", "unknown", 0]
    files = ["files", f"{tmp_path}/in/*.txt", "seen", 2]
    assert found["sources"]["files"] == [files, unknown]
    assert found["sources"]["numbers"] == [unknown]
    assert found["changes"] == [None, "1 file more", "1 file more"]
