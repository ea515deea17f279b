"""Runs a client of a Spark Connect server as a process of its own: one process cannot be a client and have a Spark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.samples.services.connect_server import ConnectServer

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def told_by(driver: str, server: ConnectServer, *arguments: Path | str, seconds: int = 180) -> Any:
    """Return what a driver of this folder prints as JSON in its last line.

    :param arguments: what it is given after the server's address
    :param seconds: how long it may take
    """
    done = subprocess.run(
        [sys.executable, HERE / driver, server.url, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
