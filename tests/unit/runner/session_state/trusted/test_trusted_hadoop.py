"""Invariant 8: what a record may bring back of Hadoop's configuration can be nothing but a value."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.trusted.trusted_hadoop import reject_hadoop_entry

KEPT = {
    "parquet.block.size": "134217728",
    "fs.s3a.multipart.size": "64M",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "parquet.compression": "ZSTD",
    "textinputformat.record.delimiter": "\x01\n",
    "my.day": "2026-01-01",
    "io.file.buffer.size": None,
    "my.country": None,
}
REJECTED = {
    "parquet.block.size": "org.example.Code",
    "parquet.compression": "a b",
    "textinputformat.record.delimiter": "x" * 101,
    "fs.s3a.endpoint": "http://elsewhere",
    "fs.s3a.impl": "org.example.FileSystem",
    "fs.s3a.connection.ssl.enabled": "false",
    "FS.S3A.endpoint": None,
    "fs.defaultFS": None,
    "hadoop.security.authentication": "simple",
    "io.serializations": "org.example.Serialization",
    "parquet.read.support.class": "org.example.Support",
    "mapreduce.input.pathFilter.class": "org.example.Filter",
    "my.country": "DE",
}


@pytest.mark.parametrize(("key", "value"), KEPT.items(), ids=KEPT)
def test_a_value_that_stays_a_value_may_come_back(key: str, value: str | None) -> None:
    assert reject_hadoop_entry(key, value) is None


@pytest.mark.parametrize(("key", "value"), REJECTED.items(), ids=REJECTED)
def test_all_else_may_not(key: str, value: str | None) -> None:
    assert reject_hadoop_entry(key, value) == (
        f"Hadoop's {key!r} may choose a file system, credentials or code, so it is not restored from a record"
    )
