"""Tables of a catalog in memory that are more than a record may hold: the rest comes back, or only its readers fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.conftest import Script
from tests.integration.spark.session_state.scenes import forget, sql, values
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Work = Callable[["SparkSession"], object]


@pytest.fixture
def db(spark: SparkSession) -> Iterator[str]:
    """The name of a database that the test creates."""
    name = f"db_{uuid4().hex[:8]}"
    yield name
    spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


@pytest.fixture
def run(spark: SparkSession, script: Script, tmp_path: Path, db: str) -> SparkRun:
    """A run whose first component makes the database; the second one is the test's, the third one fails at first."""
    run = SparkRun(spark, tmp_path / "state", "a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {db}"))
    run.fails("c")
    return run


def go_on(run: SparkRun, db: str, tmp_path: Path, work: Work) -> tuple[list[str], list[tuple[str, Any]]]:
    """Let Spark forget the tables, and go on; return which components ran, and which failed."""
    forget(run.session, db, tmp_path)
    run.does("c", work)
    run.took_turns()
    failed = run.resume().failed_components
    return run.took_turns(), failed


TEXT = "id", "CAST(id AS STRING) AS text", "'a|b' AS odd"

WRITERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "compression and sizes": ("parquet", {"compression": "zstd", "parquet.block.size": 9999}, ""),
    "an option of the author's own": ("parquet", {"myOwn": "x"}, "myOwn"),
    "an option of another format": ("parquet", {"sep": ";", "quoteAll": True}, ""),
    "a codec by its class": ("json", {"compression": "org.apache.hadoop.io.compress.GzipCodec"}, "compression"),
    "credentials": ("parquet", {"fs.s3a.secret.key": "hunter2"}, "fs.s3a.secret.key"),
    "a class of Hadoop's": ("parquet", {"fs.file.impl": "org.apache.hadoop.fs.LocalFileSystem"}, "fs.file.impl"),
    "a delimiter, which readers need": ("csv", {"sep": "|", "header": True, "custom": "x"}, "custom"),
    "how dates are written": ("csv", {"dateFormat": "dd.MM.yyyy", "timeZone": "UTC", "nullValue": "-"}, ""),
    "dynamic overwriting": ("parquet", {"partitionOverwriteMode": "dynamic", "maxRecordsPerFile": 2}, ""),
    "options of a table format": ("parquet", {"overwriteSchema": True, "mergeSchema": True}, "overwriteSchema"),
    "lines": ("json", {"lineSep": "#", "ignoreNullFields": False, "pretty": False}, ""),
}


@pytest.mark.parametrize(("format_name", "options", "left_out"), WRITERS.values(), ids=WRITERS)
def test_the_options_of_a_writer_do_not_keep_its_table_from_being_known_again(
    run: SparkRun, db: str, tmp_path: Path, format_name: str, options: dict[str, Any], left_out: str
) -> None:
    """What readers need comes back, nothing secret is recorded, and the log says what is left out."""
    found: list[Any] = []

    def write(session: SparkSession) -> None:
        session.range(5).selectExpr(*TEXT).write.format(format_name).options(**options).saveAsTable(f"{db}.t")

    run.does("b", write)
    run.attempt()
    expected = [tuple(row) for row in run.session.table(f"{db}.t").orderBy("id").collect()]
    assert run.record("b").lost == {}
    if left_out:
        table = run.record("b").objects[0].table
        assert table is not None
        assert left_out not in table.options
    assert "hunter2" not in run.record_text()
    ran, failed = go_on(run, db, tmp_path, lambda s: found.extend(s.table(f"{db}.t").orderBy("id").collect()))
    assert (ran, failed) == (["c"], [])
    assert [tuple(row) for row in found] == expected


TABLES = {
    "a default": "CREATE TABLE {0}.t (x INT, y INT DEFAULT 3) USING parquet",
    "a default that is a text": "CREATE TABLE {0}.t (x INT, y STRING DEFAULT 'new') USING orc",
    "a default that is a date": "CREATE TABLE {0}.t (x INT, y DATE DEFAULT DATE'2026-01-01') USING parquet",
    "an option that nobody reads": "CREATE TABLE {0}.t (x INT) USING csv OPTIONS ('fs.file.impl' 'org.example.Files')",
    "a property that is a secret": "CREATE TABLE {0}.t (x INT) USING parquet TBLPROPERTIES ('my.password' = 'hunter2')",
    "a comment that is a secret": "CREATE TABLE {0}.t (x INT) USING parquet COMMENT 'password=hunter2'",
    "a property of Spark's kind": "CREATE TABLE {0}.t (x INT) USING parquet TBLPROPERTIES ('spark.owner' = 'me')",
    "a collation": "CREATE TABLE {0}.t (x INT, y STRING) USING parquet DEFAULT COLLATION UTF8_LCASE",
    "clusters": "CREATE TABLE {0}.t (x INT, y INT) USING parquet CLUSTER BY (x)",
    "buckets": "CREATE TABLE {0}.t (x INT, y INT) USING parquet CLUSTERED BY (x) SORTED BY (y) INTO 2 BUCKETS",
    "char and varchar": "CREATE TABLE {0}.t (x INT, y CHAR(3), z VARCHAR(4)) USING parquet",
}


@pytest.mark.parametrize("statement", TABLES.values(), ids=TABLES)
def test_what_a_table_remembers_beyond_its_data_does_not_keep_it_from_being_known_again(
    run: SparkRun, db: str, tmp_path: Path, statement: str
) -> None:
    """Invariant 6: a row that is inserted later gets the default that it would have got."""
    run.does("b", sql(statement.format(db), f"INSERT INTO {db}.t (x) VALUES (1)"))
    run.attempt()
    assert (run.handling("b")[0], run.record("b").lost) == ("kept", {})
    assert "hunter2" not in run.record_text()
    found: list[Any] = []

    def insert(session: SparkSession) -> None:
        session.sql(f"INSERT INTO {db}.t (x) VALUES (1)")
        found.extend(tuple(row) for row in session.table(f"{db}.t").collect())

    ran, failed = go_on(run, db, tmp_path, insert)
    assert (ran, failed) == (["c"], [])
    assert len(found) == 2
    assert found[0] == found[1]


LOST = {
    "a default that is computed": "CREATE TABLE {0}.t (x INT, y INT DEFAULT 1 + 2) USING parquet",
    "a format that is not known": "CREATE TABLE {0}.t USING binaryFile OPTIONS (path '{1}')",
    "a partition that lies elsewhere": (
        "CREATE TABLE {0}.t (x INT, p INT) USING parquet PARTITIONED BY (p);"
        "ALTER TABLE {0}.t ADD PARTITION (p = 1) LOCATION '{1}/elsewhere'"
    ),
}


@pytest.mark.parametrize("statements", LOST.values(), ids=LOST)
def test_a_table_that_cannot_be_described_refuses_nothing_and_who_reads_it_is_told(
    run: SparkRun, db: str, tmp_path: Path, statements: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11: its component has written, so it does not run again."""
    run.does("b", sql(*statements.format(db, tmp_path).split(";")))
    run.attempt()
    assert (run.handling("b")[0], list(run.record("b").lost)) == ("kept", [f"`{db}`.`t`"])
    assert f"b: a later attempt will not have `{db}`.`t`: " in caplog.text
    forget(run.session, db, tmp_path)
    run.does("c", lambda session: session.table(f"{db}.t").collect())
    run.took_turns()
    [failure] = [result.failure for result in run.resume().component_results if result.failure]
    assert run.took_turns() == ["c"]
    assert "TABLE_OR_VIEW_NOT_FOUND" in failure.what
    assert f"`{db}`.`t` of b could not be restored" in caplog.text
    [hint] = [line for line in failure.hints if "could not be restored after the failure" in line]
    assert "restart from the component that made it, or set its session_state: replay" in hint
    run.mend("c")
    assert run.resume().failed_components == []


def test_who_makes_a_lost_table_anew_is_told_that_its_files_are_there(run: SparkRun, db: str, tmp_path: Path) -> None:
    """Invariant 6: ``IF NOT EXISTS`` must not give an empty table without a word."""
    create = f"CREATE TABLE IF NOT EXISTS {db}.t (x INT, y INT DEFAULT 1 + 2) USING parquet"
    run.does("b", sql(create, f"INSERT INTO {db}.t (x) VALUES (1)"))
    run.attempt()
    ran, failed = go_on(run, db, tmp_path, sql(create))
    assert ran == ["c"]
    assert "LOCATION_ALREADY_EXISTS" in str(failed[0][1])


def test_a_lost_table_is_not_the_one_that_an_earlier_component_had_made(
    spark: SparkSession, script: Script, db: str, tmp_path: Path
) -> None:
    """Invariant 6: the files are those of the later one."""
    run = SparkRun(spark, tmp_path / "state", "a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {db}", f"CREATE TABLE {db}.t (x INT) USING parquet"))
    run.does("b", sql(f"DROP TABLE {db}.t", f"CREATE TABLE {db}.t (x INT, y INT DEFAULT 1 + 2) USING parquet"))
    run.fails("c")
    run.attempt()
    assert list(run.record("b").lost) == [f"`{db}`.`t`"]
    ran, failed = go_on(run, db, tmp_path, lambda session: session.table(f"{db}.t").collect())
    assert ran == ["c"]
    assert "TABLE_OR_VIEW_NOT_FOUND" in str(failed[0][1])


def test_the_author_may_vouch_for_the_component_of_a_lost_table(run: SparkRun, db: str, tmp_path: Path) -> None:
    run.does("b", sql(f"CREATE TABLE IF NOT EXISTS {db}.t (x INT, y INT DEFAULT 1 + 2) USING parquet"))
    run.attempt()
    steps = [c.model_copy(update={"session_state": "replay"}) if c.name == "b" else c for c in run.config.components]
    run.config = run.config.model_copy(update={"components": steps})
    found: list[Any] = []
    ran, failed = go_on(run, db, tmp_path, lambda session: found.append(values(session, f"{db}.t")))
    assert (ran, failed, found) == (["b", "c"], [], [[]])


def test_what_is_in_a_database_that_is_lost_is_lost_and_never_made_again(
    spark: SparkSession, script: Script, db: str, tmp_path: Path
) -> None:
    """Invariant 11: with nothing to vouch for the database, the component that wrote the table stays complete."""
    run = SparkRun(spark, None, "a", "b", "c")
    place, out = tmp_path / "place", tmp_path / "out"

    def act(session: SparkSession) -> None:
        session.sql(f"CREATE DATABASE {db} LOCATION '{place}'")
        session.range(1).write.mode("append").parquet(str(out))

    run.does("a", act)
    run.does("b", lambda session: session.range(3).write.saveAsTable(f"{db}.t"))
    run.fails("c")
    run.attempt()
    assert list(run.record("a").lost) == [f"`{db}`"]
    ran, failed = go_on(run, db, tmp_path, lambda session: session.table(f"{db}.t").collect())
    assert ran == ["c"]
    assert failed
    assert run.session.read.parquet(str(out)).count() == 1
