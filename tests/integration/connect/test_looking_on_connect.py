"""Invariant 14 on Spark Connect: each call that is made only to look fails once, in the middle of twelve components."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples.services.connect_server import ConnectServer

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.torture]

ROOT = Path(__file__).parents[3]


def test_looks_that_fail_change_nothing_and_are_told_once(server: ConnectServer, tmp_path: Path) -> None:
    """Most of the calls are made on Connect, too, and none of them may matter."""
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "looking_driver.py", server.url, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = json.loads(done.stdout.splitlines()[-1])
    assert [(seams, wrong, untold) for seams, wrong, untold in runs if wrong or untold] == []
    assert sum(len(seams) for seams, _, _ in runs) > 60
