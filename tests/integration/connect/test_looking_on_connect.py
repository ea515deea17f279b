"""Invariant 14 on Spark Connect: each call that is made only to look fails once, in the middle of twelve components."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.connect.client_process import told_by
from tests.samples.services.connect_server import ConnectServer

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.torture]


def test_looks_that_fail_change_nothing_and_are_told_once(server: ConnectServer, tmp_path: Path) -> None:
    """Most of the calls are made on Connect, too, and none of them may matter."""
    runs = told_by("looking_driver.py", server, tmp_path, seconds=900)
    assert [(seams, wrong, untold) for seams, wrong, untold in runs if wrong or untold] == []
    assert sum(len(seams) for seams, _, _ in runs) > 60
