"""Directories of saved views on every kind of storage, as attempts leave them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import (
    MARKER,
    DirectoryMarker,
    Ownership,
    SavedDirectory,
)
from airflow_provider.runner.session_state.saved.files import files_for
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.runner.storage.memory_storage import MemoryStorage
from airflow_provider.stores.bucket_storage import files_at
from tests.samples.services.s3 import new_prefix

KEY = RunKey(("dag", "task", "-1"), "run:1", "p/1")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
RECENTLY = NOW - timedelta(days=1)


def _hadoop(directory: Path) -> tuple[str, FileStorage]:
    from pyspark.sql import SparkSession

    url = f"file://{directory}/views"
    return url, HadoopStorage(SparkSession.active(), url)


def _s3(directory: Path) -> tuple[str, FileStorage]:
    url = new_prefix()
    return url, files_at(url)


STORAGES: dict[str, Callable[[Path], tuple[str, FileStorage]]] = {
    "memory": lambda directory: ("memory://views", MemoryStorage()),
    "local": lambda directory: (str(directory / "views"), DirectoryStorage(directory / "views")),
    "s3": _s3,
    "hadoop": _hadoop,
}
"""Kind of storage to a function that returns an empty place of it: its address, and access to it."""


def storage(request: pytest.FixtureRequest, directory: Path) -> tuple[str, FileStorage]:
    """Return what a fixture with kinds as parameters is asked for."""
    if request.param == "hadoop":
        request.getfixturevalue("spark")
    return STORAGES[request.param](directory)


def leave_views(
    files: FileStorage,
    key: RunKey | None = KEY,
    *,
    path: str = KEY.path,
    at: datetime = LONG_AGO,
    marker: bool = True,
    **owner: Any,
) -> list[str]:
    """Write what an attempt that died has left: its marker, two saved views and half a third. Return the paths."""
    attempt = f"{path}/attempt-{uuid.uuid4().hex[:12]}"
    written = {
        f"{attempt}/0001-{uuid.uuid4().hex[:8]}/0/part-0.parquet": b"1234",
        f"{attempt}/0001-{uuid.uuid4().hex[:8]}/1/_SUCCESS": b"",
        f"{attempt}/0002-{uuid.uuid4().hex[:8]}/0/_temporary/0/part-0.parquet": b"12",
        f"{attempt}/0000-{uuid.uuid4().hex[:8]}/objects/part-0.txt": b"[]",
    }
    if marker:
        text = DirectoryMarker.of(Ownership(key, **owner), at, at).to_bytes()
        written[f"{path}/{MARKER}"] = text
    for name, content in written.items():
        files.write(name, content)
    return sorted(written)


def claim(base: str, *, key: RunKey = KEY, at: datetime = NOW) -> SavedDirectory:
    """Let an attempt begin to use a run's directory on local storage."""
    saved = SavedDirectory(key.directory(base), Ownership(key), lambda: at)
    saved.claim(files_for(saved.url, None))
    return saved
