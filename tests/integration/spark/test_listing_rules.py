"""Sources are listed by Spark's own rules: what it reads of a path, that is listed, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from airflow_provider.runner.session_state.sources.globs import is_glob
from airflow_provider.runner.session_state.sources.listing import Budget, local_files
from airflow_provider.runner.session_state.sources.look import refresh_source
from airflow_provider.runner.session_state.sources.source_watch import watch_sources
from tests.samples.harness.releases import SPARK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDERS = [
    *("plain1", "plain[1]", "a b", "a%20b", "a+b", "ü", "x{y}", "xy", "it's", "#", "p=1"),
    *("_hidden", ".hidden", "_q=1"),
]
FILES = [
    *("part.txt", "_x.txt", ".x.txt", "x.txt._COPYING_", "_metadata", "_common_metadata", "_a=1.txt", "x.crc"),
    "a b%20.txt",
]
PATHS = [
    *("plain1", "plain[1]", "plain\\[1\\]", "a b", "a%20b", "a+b", "ü", "x{y}", "x\\{y\\}", "it's", "#", "p=1"),
    *("*", "?*1", "{plain1,ü}", "[a-b]*", "_*", "*/part.txt", "plain1/*.txt", "plain1/_metadata", "_hidden/part.txt"),
    *("plain1/_x.txt", "plain1/_*", "plain1/.*", "_hidden", ".hidden/*"),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories and files with names that are easy to get wrong."""
    base = tmp_path_factory.mktemp("lake")
    for folder in FOLDERS:
        (base / folder).mkdir()
        for file in FILES:
            (base / folder / file).write_text("x")
    return base


@pytest.mark.parametrize("path", PATHS)
def test_what_spark_reads_of_a_path_is_what_is_listed(session: SparkSession, lake: Path, path: str) -> None:
    """On local storage without Spark, through its JVM, and in the record of a component that reads it."""
    from pyspark.errors import AnalysisException

    written = f"{lake}/{path}"
    try:
        frame = session.read.text(written)
    except AnalysisException:
        reads = []
    else:
        reads = sorted(unquote(str(file)).removeprefix("file://") for file in frame.inputFiles())
    roots, globs = ([], [written]) if is_glob(written) else ([written], [])
    assert sorted(file.path for file in local_files(roots, globs, None, Budget())) == reads
    if not reads:
        return
    watch = watch_sources(session)
    watch.begin()
    frame.count()
    (source,) = watch.collect("c", []).sources
    assert source.files == len(reads)
    now = local_files(source.roots, source.globs, source.only, Budget())
    assert sorted(file.path for file in now) == reads


IGNORED = ["(?!)", "", "^[.]", "^_", "^[._]", "[0-9]", "^(?:a|[#])", "part", "=", "x$"]


@pytest.mark.skipif(SPARK < (4, 3), reason="nothing changes what this Spark leaves out")
@pytest.mark.parametrize("way", ["option", "setting", "both"])
@pytest.mark.parametrize("pattern", IGNORED)
def test_what_is_left_out_follows_spark(session: SparkSession, lake: Path, pattern: str, way: str) -> None:
    """Also where a setting or an option says what that is; and a hidden file that is added is noticed."""
    if way != "option":
        session.conf.set("spark.sql.files.ignoredPathSegmentRegex", pattern if way == "setting" else "^a")
    reader = session.read.options(**{"ignoredPathSegmentRegex": pattern} if way != "setting" else {})
    watch = watch_sources(session)
    watch.begin()
    frame = reader.option("recursiveFileLookup", "true").text(str(lake))
    frame.count()
    reads = sorted(unquote(str(file)).removeprefix("file://") for file in frame.inputFiles())
    (source,) = watch.collect("c", []).sources
    assert source.files == len(reads)
    now = local_files(source.roots, source.globs, source.only, Budget(), source.ignored)
    assert sorted(file.path for file in now) == reads
    assert refresh_source(source).digest == source.digest
    through_spark = source.model_copy(update={"roots": [f"file://{lake}"]})
    assert refresh_source(through_spark, lambda: session).digest == source.digest


@pytest.mark.skipif(SPARK < (4, 3), reason="nothing changes what this Spark leaves out")
def test_a_pattern_that_is_not_simple_leaves_the_source_unlisted(session: SparkSession, lake: Path) -> None:
    """A record holds the pattern, and may have been edited: none is used that could take forever."""
    watch = watch_sources(session)
    watch.begin()
    session.read.option("ignoredPathSegmentRegex", "^(a+)+$").text(str(lake / "plain1")).count()
    (source,) = watch.collect("c", []).sources
    assert (source.state, source.why) == ("not listed", "files are left out by the pattern '^(a+)+$'")
