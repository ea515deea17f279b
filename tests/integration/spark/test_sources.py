"""What a component read is found, whichever way it read it, and a change of it is noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark import SparkFiles

from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.sources.compare import source_change
from airflow_provider.runner.session_state.sources.look import refresh_source
from airflow_provider.runner.session_state.sources.source_watch import SourceWatch, watch_sources

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ODD_NAMES = ["日本 %2F", "a b#c", "[x]", "{a,b}", "per%cent?", "plus+and=is"]


@pytest.fixture
def reading(session: SparkSession) -> Iterator[SourceWatch]:
    found = watch_sources(session)
    found.begin()
    yield found
    found.end()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A directory with three CSV files."""
    return files_in(tmp_path / "inbox", "a.csv", "b.csv", "c.csv")


def files_in(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1,2\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return directory


def sources_of(reading: SourceWatch, *views: str) -> list[SourceRecord]:
    return reading.collect("c", [ViewName(view) for view in views]).sources


def one(reading: SourceWatch, *views: str) -> SourceRecord:
    [source] = sources_of(reading, *views)
    return source


def places(source: SourceRecord) -> list[str]:
    return [*source.roots, *source.globs]


READERS: dict[str, Callable[[SparkSession, str], DataFrame]] = {
    "csv": lambda spark, path: spark.read.csv(path),
    "json, whose schema Spark finds out by itself": lambda spark, path: spark.read.json(path),
    "text": lambda spark, path: spark.read.text(path),
    "format and load": lambda spark, path: spark.read.format("csv").load(path),
    "load without an argument": lambda spark, path: spark.read.format("csv").option("path", path).load(),
    "SQL on files": lambda spark, path: spark.sql(f"SELECT * FROM csv.`{path}`"),
    "below other operators": lambda spark, path: spark.read.text(path).groupBy("value").count().where("count > 0"),
    "inside a subquery": lambda spark, path: spark.sql(
        f"SELECT id FROM range(3) WHERE id IN (SELECT length(value) FROM text.`{path}`)"
    ),
    "an RDD of Hadoop": lambda spark, path: spark.createDataFrame(
        spark.sparkContext.textFile(path).map(lambda line: (line,)), "line STRING"
    ),
    "a view of a cached frame": lambda spark, path: spark.read.text(path).cache(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_the_files_of_a_directory_that_a_view_reads(
    session: SparkSession, reading: SourceWatch, inbox: Path, read: Callable[[SparkSession, str], DataFrame]
) -> None:
    """Whichever way a view reads a directory, its three files are recorded, and as they are seen without Spark."""
    read(session, str(inbox)).createOrReplaceTempView("v")
    source = one(reading, "v")
    assert (source.kind, source.state, source.roots, source.files, source.bytes) == (
        "files",
        "seen",
        [str(inbox)],
        3,
        12,
    )
    assert refresh_source(source) == source


def test_a_view_by_the_old_reader_of_version_2(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """The second generation of Spark's file sources is read like the first."""
    session.conf.set("spark.sql.sources.useV1SourceList", "")
    session.read.csv(str(inbox)).createOrReplaceTempView("v")
    source = one(reading, "v")
    assert (source.roots, source.files) == ([str(inbox)], 3)
    assert refresh_source(source) == source


CHANGES: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "nothing": (lambda inbox: None, None),
    "a file more": (lambda inbox: files_in(inbox, "d.csv"), "1 file more"),
    "a file gone": (lambda inbox: (inbox / "a.csv").unlink(), "1 file gone"),
    "a file replaced by one of the same size": (lambda inbox: (inbox / "a.csv").write_text("7,8\n"), "1 file changed"),
    "a file touched": (lambda inbox: (inbox / "a.csv").touch(), "1 file changed"),
    "a file renamed": (lambda inbox: (inbox / "a.csv").rename(inbox / "z.csv"), "1 file more, 1 gone"),
    "all at once": (
        lambda inbox: (files_in(inbox, "x.csv", "y.csv"), (inbox / "a.csv").unlink(), (inbox / "b.csv").touch()),
        "2 files more, 1 gone, 1 changed",
    ),
    "the directory gone": (shutil.rmtree, "gone, 3 files"),
    "a file that Spark does not read": (
        lambda inbox: files_in(inbox, "_SUCCESS", ".a.csv.crc", "_temporary/0/x"),
        None,
    ),
    "a file in a directory below": (lambda inbox: files_in(inbox, "day=1/d.csv"), "1 file more"),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_what_has_changed_is_counted(
    session: SparkSession,
    reading: SourceWatch,
    inbox: Path,
    change: Callable[[Path], object],
    expected: str | None,
) -> None:
    """A look without Spark tells how many files were added, removed and changed."""
    session.read.csv(str(inbox)).createOrReplaceTempView("v")
    before = one(reading, "v")
    change(inbox)
    assert source_change(before, refresh_source(before)) == expected


def test_what_counts_is_what_the_view_pins(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """Files that came after the DataFrame was made are none that its view reads."""
    frame = session.read.csv(str(inbox))
    files_in(inbox, "d.csv")
    frame.createOrReplaceTempView("v")
    before = one(reading, "v")
    assert (frame.count(), before.files) == (3, 3)
    assert source_change(before, refresh_source(before)) == "1 file more"


def test_a_view_of_a_view_and_a_join_have_the_sources_of_both(
    session: SparkSession, reading: SourceWatch, inbox: Path, tmp_path: Path
) -> None:
    """Sources are found through other views, and each is recorded once."""
    other = files_in(tmp_path / "other", "x.txt")
    session.read.csv(str(inbox)).createOrReplaceTempView("v")
    session.read.text(str(other)).createOrReplaceTempView("w")
    session.sql("SELECT * FROM v CROSS JOIN w CROSS JOIN (SELECT _c0 AS again FROM v)").createOrReplaceTempView("both")
    assert sorted(map(places, sources_of(reading, "both"))) == [[str(inbox)], [str(other)]]


def test_views_that_are_text_and_global_views(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """A view made by SQL text reads what its text comes to, and a global view is one, too."""
    session.sql(f"CREATE TEMP VIEW late AS SELECT * FROM csv.`{inbox}`")
    found = reading.collect("c", [ViewName("late")]).sources
    session.read.csv(str(inbox)).createOrReplaceGlobalTempView("everywhere")
    found += reading.collect("d", [ViewName("everywhere", is_global=True)]).sources
    session.catalog.dropGlobalTempView("everywhere")
    assert [source.roots for source in found] == [[str(inbox)], [str(inbox)]]


@pytest.mark.parametrize(
    "act",
    [
        lambda spark, path: spark.read.text(path).count(),
        lambda spark, path: spark.sql(f"SELECT count(*) FROM text.`{path}`").collect(),
        lambda spark, path: spark.read.text(path).toPandas(),
        lambda spark, path: spark.read.text(path).write.format("noop").mode("overwrite").save(),
        lambda spark, path: spark.sparkContext.textFile(path).count(),
    ],
    ids=["count", "SQL", "toPandas", "a write", "an RDD"],
)
def test_what_an_action_read_that_left_no_view(
    session: SparkSession, reading: SourceWatch, inbox: Path, act: Callable[[SparkSession, str], object]
) -> None:
    """What a component read in an action counts as well as what its views read."""
    act(session, str(inbox))
    source = one(reading)
    assert (source.roots, source.files) == ([str(inbox)], 3)


def test_rows_that_leave_sql_cannot_be_told(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """The RDD of a DataFrame does not tell which files it reads."""
    session.read.text(str(inbox)).rdd.map(len).count()
    assert [(source.kind, source.state) for source in sources_of(reading)] == [("other", "unknown")]


def test_what_was_read_before_the_component_began_is_not_its_own(
    session: SparkSession, reading: SourceWatch, inbox: Path
) -> None:
    """Each component has the actions of its own only, also after one that failed."""
    session.read.text(str(inbox)).count()
    reading.begin()
    session.range(3).count()
    assert sources_of(reading) == []
    session.read.text(str(inbox)).count()
    reading.begin()
    assert sources_of(reading) == []


def test_ranges_and_rows_of_the_driver_have_no_source(session: SparkSession, reading: SourceWatch) -> None:
    """What is made of nothing, or of the component's own rows, has no source."""
    session.range(5).createOrReplaceTempView("r")
    session.createDataFrame([(1, "x")], ["id", "name"]).createOrReplaceTempView("rows")
    session.sql("SELECT 1 AS one").createOrReplaceTempView("one")
    assert sources_of(reading, "r", "rows", "one") == []


PATTERNS = {
    "a pattern that was loaded": lambda spark, inbox: spark.read.csv(f"{inbox}/*.csv"),
    "a pattern in SQL": lambda spark, inbox: spark.sql(f"SELECT * FROM csv.`{inbox}/*.csv`"),
    "a list of all": lambda spark, inbox: spark.read.csv([f"{inbox}/{name}.csv" for name in "abc"]),
}


@pytest.mark.parametrize("read", PATTERNS.values(), ids=PATTERNS)
def test_a_file_that_a_pattern_would_find_is_a_change(
    session: SparkSession, reading: SourceWatch, inbox: Path, read: Callable[[SparkSession, Path], DataFrame]
) -> None:
    """A replay would read a new file that fits the pattern, so that is a change; one that does not fit is none."""
    files_in(inbox, "README.txt")
    read(session, inbox).createOrReplaceTempView("v")
    before = one(reading, "v")
    assert (before.globs, before.files) == ([f"{inbox}/*.csv"], 3)
    files_in(inbox, "NEWS.txt")
    assert refresh_source(before) == before
    files_in(inbox, "d.csv")
    assert source_change(before, refresh_source(before)) == "1 file more"


def test_several_roots_are_one_source(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """Some of the files of a directory: those alone count."""
    session.read.csv([f"{inbox}/a.csv", f"{inbox}/b.csv"]).createOrReplaceTempView("v")
    before = one(reading, "v")
    assert (before.roots, before.files) == ([f"{inbox}/a.csv", f"{inbox}/b.csv"], 2)
    (inbox / "c.csv").touch()
    assert refresh_source(before) == before


def test_only_files_whose_name_was_asked_for(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """``pathGlobFilter`` is kept in mind."""
    session.read.csv(str(inbox), pathGlobFilter="[ab].*").createOrReplaceTempView("v")
    before = one(reading, "v")
    assert before.files == 2
    (inbox / "c.csv").touch()
    assert refresh_source(before) == before
    (inbox / "a.csv").touch()
    assert source_change(before, refresh_source(before)) == "1 file changed"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(session: SparkSession, reading: SourceWatch, tmp_path: Path, name: str) -> None:
    """Directories and files may have any name."""
    directory = files_in(tmp_path / name, f"{name}.csv")
    literal = "".join(f"\\{char}" if char in "{}[]*?\\" else char for char in str(directory))
    session.read.csv(literal).createOrReplaceTempView("v")
    before = one(reading, "v")
    assert before.files == 1
    assert refresh_source(before) == before
    (directory / f"{name}.csv").touch()
    assert source_change(before, refresh_source(before)) == "1 file changed"


@pytest.mark.parametrize("partitioned", [False, True], ids=["plain", "partitioned"])
def test_a_table_of_the_catalog(session: SparkSession, reading: SourceWatch, partitioned: bool) -> None:
    """A table has its name and its location, and a change of its files is seen without Spark."""
    name = f"sources_{partitioned}".lower()
    session.sql(f"DROP TABLE IF EXISTS {name}")
    writer = session.range(6).selectExpr("id", "id % 2 AS half").write
    (writer.partitionBy("half") if partitioned else writer).saveAsTable(name)
    reading.begin()
    session.table(name).createOrReplaceTempView("v")
    session.sql(f"CREATE TEMP VIEW w AS SELECT * FROM {name}")
    before = one(reading, "v", "w")
    assert (before.kind, before.name, before.state) == ("table", f"`spark_catalog`.`default`.`{name}`", "seen")
    assert refresh_source(before) == before
    session.sql(f"INSERT INTO {name} VALUES (7, 1)")
    assert "more" in str(source_change(before, refresh_source(before)))
    session.sql(f"DROP TABLE {name}")
    assert str(source_change(before, refresh_source(before))).startswith("gone, ")


def test_a_database_cannot_be_told_and_shows_no_password(session: SparkSession, reading: SourceWatch) -> None:
    """A table behind JDBC is named without what may be a credential."""
    url = "jdbc:derby:memory:sources;create=true;password=hidden"
    frame = session.read.format("jdbc").options(
        url=url, dbtable="sysibm.sysdummy1", driver="org.apache.derby.iapi.jdbc.AutoloadedDriver"
    )
    frame.load().createOrReplaceTempView("v")
    source = one(reading, "v")
    assert (source.kind, source.state) == ("other", "unknown")
    assert source.name == "jdbc:derby:memory:sources sysibm.sysdummy1"


def test_a_stream_cannot_be_told(session: SparkSession, reading: SourceWatch) -> None:
    """A stream never holds the same twice."""
    session.readStream.format("rate").load().createOrReplaceTempView("v")
    assert [(source.kind, source.state) for source in sources_of(reading, "v")] == [("other", "unknown")]


def test_a_view_that_cannot_be_analysed_any_more(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """A view by text over files that are gone is said to be unknown; the component has succeeded."""
    session.sql(f"CREATE TEMP VIEW v AS SELECT * FROM csv.`{inbox}`")
    shutil.rmtree(inbox)
    reading.begin()
    assert [(s.name, s.state) for s in sources_of(reading, "v")] == [("view v", "unknown")]


def test_too_many_files_are_not_looked_at(
    session: SparkSession, reading: SourceWatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond 10,000 files a source is not looked at, and the log says so."""
    many = tmp_path / "many"
    many.mkdir()
    for index in range(10_001):
        (many / f"{index}.txt").touch()
    session.read.text(str(many)).createOrReplaceTempView("v")
    with caplog.at_level("INFO"):
        source = one(reading, "v")
    assert (source.state, source.why) == ("not listed", "more than 10,000 files")
    assert (
        f"c: source {many} was not checked (more than 10,000 files), so changes to it will go unnoticed" in caplog.text
    )


def test_other_storage_is_looked_at_through_spark(session: SparkSession, reading: SourceWatch, inbox: Path) -> None:
    """What is not on local paths is listed by Hadoop, with the same result."""
    session.read.csv(str(inbox)).createOrReplaceTempView("v")
    before = one(reading, "v")
    remote = before.model_copy(update={"roots": [f"file:{inbox}"]})  # no path in the one spelling, so not a local one
    assert refresh_source(remote).why == "looking there needs Spark"
    assert refresh_source(remote, lambda: session).digest == before.digest
    (inbox / "a.csv").touch()
    assert source_change(before, refresh_source(remote, lambda: session)) == "1 file changed"


def test_where_a_component_wrote_and_what_it_left_of_the_sources_of_others(
    session: SparkSession, reading: SourceWatch, tmp_path: Path
) -> None:
    """A source that a later component of the run writes into is recorded as that one left it."""
    path = str(tmp_path / "data")
    session.range(5).write.parquet(path)
    reading.begin()
    session.read.parquet(path).createOrReplaceTempView("v")
    before = reading.collect("reader", [ViewName("v")])
    assert (before.writes, before.left) == ([], [])
    reading.begin()
    session.range(3).write.mode("append").parquet(path)
    writer = reading.collect("writer", [])
    assert writer.writes == [path]
    [left] = writer.left
    assert left.key == before.sources[0].key
    assert left.files > before.sources[0].files
    assert refresh_source(left) == left


SLOW = """
public class SlowListener extends org.apache.spark.scheduler.SparkListener {
    public void onOtherEvent(org.apache.spark.scheduler.SparkListenerEvent event) {
        java.util.concurrent.locks.LockSupport.parkNanos(300000000L);
    }
}
"""


@pytest.fixture
def slow_listener(session: SparkSession) -> Iterator[None]:
    """Someone else who listens takes 0.3 s for each event of SQL, and is told first."""
    jvm, context = session._jvm, session._jsc.sc()
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(SLOW)
    listener = compiler.getClassLoader().loadClass("SlowListener").newInstance()
    context.addSparkListener(listener)
    yield
    context.removeSparkListener(listener)


@pytest.mark.usefixtures("slow_listener")
def test_what_spark_has_yet_to_tell_when_a_component_begins_is_not_its_own(
    session: SparkSession, tmp_path: Path
) -> None:
    """A statement of before is still on its way to whoever listens."""
    reading = watch_sources(session)
    reading.begin()
    session.range(5).write.parquet(str(tmp_path / "data"))
    reading.begin()
    touched = reading.collect("next", [])
    assert (touched.writes, touched.sources) == ([], [])


def test_a_session_that_does_not_answer_is_no_failure_of_the_component(session: SparkSession, inbox: Path) -> None:
    """What Spark does not say counts as unknown, whenever it stops answering."""

    class Deaf:
        def begin(self) -> None:
            raise RuntimeError("gone")

        def end(self) -> None:
            raise RuntimeError("gone")

        def found(self, views: object) -> tuple[list[SourceRecord], list[str]]:
            return [], []

    reading = SourceWatch(Deaf(), session)
    reading.begin()
    [source] = sources_of(reading)
    assert (source.state, source.why) == ("unknown", "Spark does not tell: RuntimeError: gone")
    reading.end()


def test_of_a_file_that_was_given_to_spark_the_file_itself_is_the_source(
    session: SparkSession, reading: SourceWatch, tmp_path: Path
) -> None:
    """The application's copy is gone with it, which is no change of what was read."""
    given, unread = tmp_path / "exchange rates.txt", tmp_path / "unread.txt"
    for file in (given, unread):
        file.write_text("1.25\n")
        session.sparkContext.addFile(str(file))
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "prices.txt").write_text("9\n")
    session.sparkContext.addFile(str(folder), recursive=True)
    inside = reading.collect("c", [], extra_files=[f"{SparkFiles.get('more')}/prices.txt"]).sources
    assert [(source.roots, source.files) for source in inside] == [([str(folder)], 1)]
    copy = SparkFiles.get(given.name)
    session.read.text(copy).createOrReplaceTempView("v")
    for opened in ((), (copy,)):
        [source] = reading.collect("c", [ViewName("v")], extra_files=opened).sources
        assert (source.roots, source.files, source.state) == ([str(given)], 1, "seen")
