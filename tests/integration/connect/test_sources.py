"""What views read in Spark Connect is found as far as the client can tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")


def test_the_files_of_views_are_found_and_compared(server: ConnectServer, tmp_path: Path) -> None:
    """The files of a view are known, a view of numbers has none, and what statements read is said to be unknown."""
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "sources_driver.py", server.url, tmp_path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    unknown = ["other", "what its statements read", "unknown", 0]
    files = ["files", f"{tmp_path}/in/*.txt", "seen", 2]
    assert found["sources"]["files"] == [files, unknown]
    assert found["sources"]["numbers"] == [unknown]
    assert found["changes"] == [None, "1 file more", "1 file more"]
