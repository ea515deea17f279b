"""Where something that is read lies, seen from the directory that is written."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.sources.destroys import Relation, destroys, location, relation


@pytest.mark.parametrize(
    ("written", "read", "expected"),
    [
        ("/a/b", "/a/b", Relation.SAME),
        ("/a/b/", "file:///a//b", Relation.SAME),
        ("file:/a/x/../b", "/a/./b", Relation.SAME),
        ("S3://Bucket/a", "s3a://bucket/a", Relation.SAME),
        ("hdfs://name:8020/a", "hdfs://NAME/a", Relation.SAME),
        ("hdfs:///a", "hdfs://name/a", Relation.SAME),
        ("/a/b", "/a/b/day=1", Relation.CONTENT),
        ("/a/b", "/a/b/day=1/hour=2/part-0.parquet", Relation.CONTENT),
        ("/a/b", "/a/b/*.csv", Relation.CONTENT),
        ("/a/b", "/a/b/day=*", Relation.CONTENT),
        ("/a", "/a/b", Relation.INSIDE),
        ("/a", "/a/b/day=1", Relation.INSIDE),
        ("/a", "/a/b/*.csv", Relation.INSIDE),
        ("/a/b/day=1", "/a/b", Relation.AROUND),
        ("/a/b", "/a/*", Relation.SAME),
        ("/a/b", "/a/[xy]", Relation.APART),
        ("/a/b", "/a/bc", Relation.APART),
        ("/a/b", "/a/B", Relation.APART),
        ("file:/a/b", "hdfs://name/a/b", Relation.APART),
        ("s3a://one/a", "s3a://other/a", Relation.APART),
    ],
)
def test_where_it_lies(written: str, read: str, expected: Relation) -> None:
    assert relation(location(written), location(read)) is expected
    assert destroys(location(written), location(read)) is (expected is not Relation.APART)


def test_only_the_columns_that_are_written_are_partitions() -> None:
    written = location("/a")
    assert relation(written, location("/a/day=1/hour=2"), ["Day", "hour"]) is Relation.CONTENT
    assert relation(written, location("/a/month=1"), ["day"]) is Relation.INSIDE
    assert relation(written, location("/a/day=1"), []) is Relation.INSIDE
