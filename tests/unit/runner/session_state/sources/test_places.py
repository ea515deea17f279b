"""Places of data: spellings, patterns, and whether something was written into a source."""

from __future__ import annotations

import re

import pytest

from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.globs import escaped, name_pattern, pattern_of
from airflow_provider.runner.session_state.sources.paths import normalized, overlap, writes_into


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/in", "/in"),
        ("/in/", "/in"),
        ("/", "/"),
        ("file:/in", "/in"),
        ("file:///in/", "/in"),
        ("file://host/in", "/in"),
        ("//in///deep", "/in/deep"),
        ("s3://bucket/in/", "s3a://bucket/in"),
        ("s3n://bucket/in", "s3a://bucket/in"),
        ("S3A://bucket", "s3a://bucket/"),
        ("hdfs://name:8020/in", "hdfs://name:8020/in"),
        ("/in/per%20cent#x?y", "/in/per%20cent#x?y"),
    ],
)
def test_a_path_has_one_spelling(place: str, expected: str) -> None:
    """However a path is spelled, it comes out the same, and no character in it is special."""
    assert normalized(place) == expected


def files(*roots: str, globs: tuple[str, ...] = ()) -> SourceRecord:
    return SourceRecord(kind="files", name="f", roots=list(roots), globs=list(globs))


TABLE = SourceRecord(kind="table", name="`spark_catalog`.`default`.`orders`", roots=["/warehouse/orders"])
PATTERN = files(globs=("/in/2024-*/[ab]?.{csv,tsv}",))


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ("/in", files("/in"), True),
        ("file:///in/", files("/in"), True),
        ("/in/day=1", files("/in"), True),
        ("/", files("/in"), True),
        ("/in", files("/in/day=1/a.csv"), True),
        ("/inside", files("/in"), False),
        ("/other", files("/in"), False),
        ("/other", files("/in", "/other"), True),
        ("file:/a%20b", files("/a b"), True),
        ("/a%20b", files("/a%20b"), True),
        ("s3://bucket/in", files("s3a://bucket/in/day=1"), True),
        ("s3://other/in", files("s3a://bucket/in"), False),
        ("hdfs:///in", files("hdfs://name:8020/in"), True),
        ("hdfs://name/in", files("s3a://name/in"), False),
        ("/in", files("hdfs://name:8020/in"), True),
        ("parquet.`/in`", files("/in"), True),
        ("/in/2024-01/a1.csv", PATTERN, True),
        ("/in/2024-01", PATTERN, True),
        ("/in", PATTERN, True),
        ("/in/2023-01", PATTERN, False),
        ("/in/2024-01/a1.txt", PATTERN, False),
        ("/in/2024-01/c1.csv", PATTERN, False),
        ("orders", TABLE, True),
        ("default.orders", TABLE, True),
        ("`spark_catalog`.`default`.`orders`", TABLE, True),
        ("Default.ORDERS", TABLE, True),
        ("other.orders", TABLE, False),
        ("orders_2", TABLE, False),
        ("file:/warehouse/orders/half=1", TABLE, True),
        ("shop.orders", files("/warehouse/shop.db/orders"), True),
        ("`a``b`", SourceRecord(kind="table", name="`a``b`"), True),
        ("/in", SourceRecord(kind="other", name="jdbc:x orders", state="unknown"), False),
    ],
)
def test_whether_something_was_written_into_a_source(target: str, source: SourceRecord, expected: bool) -> None:
    """The same place, a part of it, or what is around it counts, however it is spelled; what is beside it does not."""
    assert writes_into([target], source) is expected
    assert writes_into(["/quite/another", target], source) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (files("/in"), files("/in/day=1"), True),
        (files("/in"), files("/out"), False),
        (files("/warehouse/orders"), TABLE, True),
        (TABLE, files("/warehouse/orders/half=1"), True),
        (files("/in/2024-01/a1.csv"), PATTERN, True),
    ],
)
def test_whether_two_sources_share_data(one: SourceRecord, other: SourceRecord, expected: bool) -> None:
    """Two sources overlap whichever of them is asked."""
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("*.csv", ["a.csv", ".csv", "日本.csv", "a\nb.csv"], ["a.csv2", "acsv"]),
        ("a?c", ["abc"], ["ac", "abbc"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("{ab,c*}d", ["abd", "cd", "cxyd"], ["bd"]),
        (r"\[x\]\*", ["[x]*"], ["x", "[x]y"]),
        ("a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]),
        ("[]", ["[]"], []),
    ],
)
def test_patterns_are_hadoops(pattern: str, names: list[str], others: list[str]) -> None:
    """A pattern matches what Hadoop's would."""
    assert all(re.fullmatch(name_pattern(pattern), name) for name in names)
    assert not any(re.fullmatch(name_pattern(pattern), name) for name in others)


@pytest.mark.parametrize("name", ["a", "[x]", "{a,b}", "*?", "back\\slash", "日本 %2F#"])
def test_an_escaped_name_means_itself(name: str) -> None:
    """Whatever characters a name has, its pattern matches it and nothing that looks like it."""
    assert re.fullmatch(name_pattern(escaped(name)), name)
    assert not re.fullmatch(name_pattern(escaped(name)), name + "x")


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (["/in/a.csv"], None),
        (["/in/a.csv", "/in/b.csv"], "/in/*.csv"),
        (["/in/a.csv", "/in/b.txt"], "/in/*"),
        (["/in/day=1", "/in/day=2"], "/in/*"),
        (["/in/1/a.csv", "/in/2/a.csv"], "/in/*/a.csv"),
        (["/in/[x]/a.csv", "/in/[x]/b.csv"], r"/in/\[x\]/*.csv"),
        (["/in/a", "/in/deep/b"], None),
        (["/a/x", "/b/x"], None),
        (["s3a://b/in/1", "s3a://b/in/2"], "s3a://b/in/*"),
        (["s3a://b/in/1", "s3a://c/in/2"], None),
    ],
)
def test_the_pattern_that_several_paths_may_come_from(roots: list[str], expected: str | None) -> None:
    """Where paths differ there may have been a ``*``."""
    assert pattern_of(roots) == expected
