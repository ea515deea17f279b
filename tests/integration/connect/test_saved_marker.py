"""Whose saved views are, where only the server of Spark Connect reaches the storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider.runner.housekeeping.directories import find_directories
from airflow_provider.runner.housekeeping.prune import Prune, PruneRules
from airflow_provider.runner.session_state.saved.directory_marker import MARKER, NOTICE
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from tests.samples.harness.saved_directories import KEY, NOW, leave_views
from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")

ROOT = Path(__file__).parents[3]

ATTEMPT = """
import json, sys
from functools import partial
from pyspark.sql import SparkSession
from airflow_provider.runner.session_state.saved.files import SavedFiles
from airflow_provider.runner.storage.connect_storage import ConnectStorage
from airflow_provider.runner.session_state.saved.directory_marker import Ownership, SavedDirectory, delete_run
from tests.samples.harness.saved_directories import KEY, NOW

url = KEY.directory(sys.argv[2])
files = SavedFiles(partial(ConnectStorage, SparkSession.builder.remote(sys.argv[1]).getOrCreate()))
pruned = []
for _ in range(3):
    saved = SavedDirectory(url, Ownership(KEY), lambda: NOW)
    saved.claim(files)
    pruned.append(saved.pruned)
    if len(pruned) == 1:
        files.write(f"{url}/_pyspark_pipeline_prune.json", b"{}")
delete_run(files, url)
print(json.dumps(pruned))
"""


def test_a_session_of_spark_connect_writes_marker_and_heeds_notice(server: ConnectServer, tmp_path: Path) -> None:
    """As directories, because Spark writes no single files; what it cannot delete stays known to `prune`."""
    files = DirectoryStorage(tmp_path / "views")
    leave_views(files, marker=False)
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT, server.url, str(tmp_path / "views")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [False, True, False]
    assert (tmp_path / "views" / KEY.path / MARKER).is_dir()
    assert (tmp_path / "views" / KEY.path / NOTICE).is_dir()

    (found,) = find_directories(files)
    assert found.marker is not None
    assert (found.marker.key, found.marker.last_used) == (KEY, NOW)
    (item,) = Prune(PruneRules(NOW + timedelta(days=100)), saved=[(str(tmp_path / "views"), files)])()
    assert (item.verdict.delete, item.problem) == (True, None)
    assert list((tmp_path / "views").iterdir()) == []
