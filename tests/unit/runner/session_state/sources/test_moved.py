"""A replay that reads a relative path in another directory reads other data, and must not pass for the same."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.moved import moved_sources


def read(*places: str, globs: tuple[str, ...] = ()) -> list[SourceRecord]:
    return [SourceRecord(kind="files", name="x", roots=list(places), globs=list(globs))]


@pytest.mark.parametrize(
    ("config", "before", "now"),
    [
        ({"path": "data/x.json"}, read("/a/data/x.json"), read("/b/data/x.json")),
        ({"path": "./data/"}, read("/a/data"), read("/b/data")),
        ({"path": "../data"}, read("/a/data"), read("/b/data")),
        ({"path": "file:data"}, read("/a/data"), read("/b/data")),
        ({"path": ["data/1", "data/2"]}, read("/a/data/1", "/a/data/2"), read("/b/data/1", "/b/data/2")),
        ({"path": "data/*.csv"}, read(globs=("/a/data/*.csv",)), read(globs=("/b/data/*.csv",))),
        ({"deep": {"path": "data"}}, read("/data"), read("/b/data")),
    ],
)
def test_a_relative_path_that_leads_elsewhere_is_told(config: dict[str, Any], before: Any, now: Any) -> None:
    told = moved_sources(config, before, now)
    assert told
    assert all(
        "a relative path starts in the directory where Spark was started. Start Spark in /" in line for line in told
    )


@pytest.mark.parametrize(
    ("config", "before", "now"),
    [
        ({"path": "data"}, read("/a/data"), read("/a/data")),
        ({"path": "/a/data"}, read("/a/data"), read("/b/data")),
        ({"path": "data"}, read("hdfs://n/user/me/data"), read("hdfs://n/user/you/data")),
        ({"path": "data"}, read("/a/data"), []),
        ({"path": "data"}, [], read("/b/data")),
        ({"path": "."}, read("/a"), read("/b")),
        ({"path": "data", "sql": "SELECT 1"}, read("/a/other"), read("/b/other")),
        ({"path": "data"}, read("/a/data"), read("/a/data", "/b/data")),
        ({"n": 1, "none": None}, read("/a/1"), read("/b/1")),
    ],
)
def test_what_lies_where_it_lay_or_is_no_relative_path_is_no_difference(
    config: dict[str, Any], before: Any, now: Any
) -> None:
    assert moved_sources(config, before, now) == []
