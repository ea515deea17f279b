"""`WriteData` and tables: partitions are not lost, columns are not swapped, and what a kill left is healed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from uuid import uuid4

import pytest

from airflow_provider.components.destination.directory_swap import run_token
from airflow_provider.errors import WriteRefusedError
from airflow_provider.runner import ComponentConfig, PipelineConfig, PipelineResult, SimplePipelineRunner
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from airflow_provider.runner.session_state.saved.directory_marker import Ownership

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READY = "airflow_provider.components"
KEY = RunKey("r", "p", ("s",))


def step(name: str, kind: str, **config: Any) -> ComponentConfig:
    return ComponentConfig(name=name, class_path=f"{READY}.{kind}", config=config)


def attempt(session: SparkSession, *steps: ComponentConfig, run_id: str = "r") -> PipelineResult:
    chained = [s.model_copy(update={"depends_on": [steps[n - 1].name] if n else []}) for n, s in enumerate(steps)]
    owner = Ownership(RunKey(run_id, "p", ("s",)))
    config = PipelineConfig(name="p", components=chained)
    return SimplePipelineRunner(config, spark=session, environment=RunnerEnvironment(owner=owner)).run()


def run(session: SparkSession, *steps: ComponentConfig) -> None:
    for _, error in attempt(session, *steps).failed_components:
        raise error


def sql(text: str, view: str = "w", name: str = "make") -> ComponentConfig:
    return step(name, "RunSql", sql=text, output_view=view)


def write(table: str, view: str = "w", **config: Any) -> ComponentConfig:
    return step("write", "WriteData", input_view=view, table=table, **config)


def rows(session: SparkSession, table: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in session.table(table).collect())


@pytest.fixture
def table(session: SparkSession) -> Any:
    """The name of a table that is dropped after the test: tables are shared by all sessions."""
    name = f"t_{uuid4().hex}"
    yield name
    session.catalog.dropTempView(name)
    session.sql(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def days(session: SparkSession, table: str) -> str:
    """A table with the partitions day=0, day=1 and day=2, of one row each."""
    session.range(3).selectExpr("id", "id AS day").write.partitionBy("day").saveAsTable(table)
    return table


def refused(session: SparkSession, table: str, *steps: ComponentConfig) -> str:
    before = rows(session, table)
    with pytest.raises(WriteRefusedError) as caught:
        run(session, *steps)
    assert rows(session, table) == before
    return str(caught.value)


# Partitions


@pytest.mark.parametrize(
    "config",
    [
        {"mode": "overwrite_partitions"},
        {"mode": "overwritePartitions"},
        {"mode": "overwrite_partitions", "partition_by": ["Day"]},
        {"options": {"partitionOverwriteMode": "dynamic"}, "partition_by": ["day"]},
        {"options": {"PARTITIONOVERWRITEMODE": "Dynamic"}},
    ],
    ids=str,
)
def test_only_the_partitions_that_are_written_are_replaced(
    session: SparkSession, days: str, config: dict[str, Any]
) -> None:
    run(session, sql("SELECT 7 AS id, 1 AS day"), write(days, **config))
    assert rows(session, days) == [(0, 0), (2, 2), (7, 1)]


def test_the_sessions_setting_counts_too_and_stays(session: SparkSession, days: str) -> None:
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "DYNAMIC")
    run(session, sql("SELECT 7 AS id, 1 AS day"), write(days, partition_by=["day"]))
    assert rows(session, days) == [(0, 0), (2, 2), (7, 1)]
    assert session.conf.get("spark.sql.sources.partitionOverwriteMode") == "DYNAMIC"


def test_the_setting_is_as_before_after_partitions_were_replaced(session: SparkSession, days: str) -> None:
    before = session.conf.get("spark.sql.sources.partitionOverwriteMode", None)
    run(session, sql("SELECT 7 AS id, 1 AS day"), write(days, mode="overwrite_partitions"))
    assert session.conf.get("spark.sql.sources.partitionOverwriteMode", None) == before


def test_partitions_can_be_made_of_the_table_itself(session: SparkSession, days: str) -> None:
    run(session, sql(f"SELECT id + 10 AS id, day FROM {days} WHERE day = 1"), write(days, mode="overwrite_partitions"))
    assert rows(session, days) == [(0, 0), (2, 2), (11, 1)]


def test_the_first_write_by_partitions_makes_the_table(session: SparkSession, table: str) -> None:
    for day in (1, 2):
        run(
            session,
            sql(f"SELECT {day} AS id, {day} AS day"),
            write(table, mode="overwrite_partitions", partition_by=["day"]),
        )
    assert rows(session, table) == [(1, 1), (2, 2)]


def test_a_table_that_is_not_partitioned_is_not_replaced_by_partitions(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    assert "not partitioned" in refused(
        session, table, sql("SELECT 7 AS id"), write(table, mode="overwrite_partitions")
    )


@pytest.mark.parametrize("name", ["{}", "default.{}", "spark_catalog.default.{}", "`{}`", "`default`.`{}`"])
def test_an_overwrite_that_would_lose_partitions_is_refused(session: SparkSession, days: str, name: str) -> None:
    said = refused(session, days, sql("SELECT 7 AS id, 1 AS day"), write(name.format(days), partition_by=["day"]))
    assert "day=" in said
    assert "overwrite_partitions" in said
    assert "replace_table: true" in said


@pytest.mark.parametrize(
    ("view", "config"),
    [
        ("SELECT 7 AS id, 1 AS day WHERE false", {"partition_by": ["day"]}),
        ("SELECT 7 AS id", {}),
        ("SELECT id, id AS hour FROM range(3)", {"partition_by": ["hour"]}),
        ("SELECT id, id AS DAY FROM range(2)", {"partition_by": ["DAY"]}),
    ],
)
def test_however_partitions_would_be_lost(session: SparkSession, days: str, view: str, config: dict[str, Any]) -> None:
    refused(session, days, sql(view), write(days, **config))
    run(session, sql(view), write(days, **config, replace_table=True))


def test_an_overwrite_with_all_partitions_is_an_ordinary_one(session: SparkSession, days: str) -> None:
    run(session, sql("SELECT id + 1 AS id, id AS day, 'x' AS more FROM range(4)"), write(days, partition_by=["day"]))
    assert session.table(days).count() == 4


def test_a_null_and_an_empty_text_are_partitions_too(session: SparkSession, table: str) -> None:
    view = sql("SELECT * FROM VALUES (1, NULL), (2, 'a') AS t(id, day)")
    for _ in range(2):
        run(session, view, write(table, partition_by=["day"]))
    refused_by = sql("SELECT 2 AS id, 'a' AS day")
    with pytest.raises(WriteRefusedError, match="day=None"):
        run(session, refused_by, write(table, partition_by=["day"]))


# Columns


def test_columns_are_inserted_by_name(session: SparkSession, table: str) -> None:
    """Spark inserts by position: two columns of one type would be swapped without a word."""
    session.sql(f"CREATE TABLE {table} (first STRING, last STRING, day STRING) USING parquet PARTITIONED BY (day)")
    run(session, sql("SELECT 'x' AS day, 'b' AS LAST, 'a' AS first"), write(table, mode="insert_into"))
    run(session, sql("SELECT 'y' AS day, 'd' AS last, 'c' AS first"), write(table, mode="overwrite_partitions"))
    run(session, sql("SELECT 'z' AS day, 'f' AS last, 'e' AS first"), write(table, mode="insertInto"))
    assert rows(session, table) == [("a", "b", "x"), ("c", "d", "y"), ("e", "f", "z")]


@pytest.mark.parametrize("mode", ["insert_into", "overwrite_partitions"])
@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("SELECT 1 AS day", "lacks id"),
        ("SELECT 1 AS id, 1 AS day, 2 AS more", "also has more"),
        ("SELECT 1 AS identifier, 1 AS day", "lacks id and also has identifier"),
        ("SELECT 1 AS id, 2 AS id, 1 AS day", "has a column twice"),
    ],
)
def test_an_insert_with_other_columns_is_refused(
    session: SparkSession, days: str, mode: str, view: str, said: str
) -> None:
    assert said in refused(session, days, sql(view), write(days, mode=mode))


def test_another_type_is_refused_by_spark(session: SparkSession, days: str) -> None:
    with pytest.raises(Exception, match="CANNOT_SAFELY_CAST"):
        run(session, sql("SELECT 'x' AS id, 1 AS day"), write(days, mode="insert_into"))


@pytest.mark.parametrize("mode", ["insert_into", "overwrite_partitions"])
def test_other_partitions_than_those_of_the_table_are_refused(session: SparkSession, days: str, mode: str) -> None:
    assert "by day" in refused(
        session, days, sql("SELECT 1 AS id, 1 AS day"), write(days, mode=mode, partition_by=["id"])
    )


def test_rows_are_inserted_into_a_table_of_another_format_with_buckets(session: SparkSession, table: str) -> None:
    session.sql(f"CREATE TABLE {table} (id INT, k INT) USING orc CLUSTERED BY (k) INTO 2 BUCKETS")
    run(session, sql("SELECT 1 AS k, 7 AS id"), write(table, mode="insert_into"))
    assert rows(session, table) == [(7, 1)]


def test_rows_are_inserted_only_into_a_table_that_exists(session: SparkSession, table: str) -> None:
    with pytest.raises(WriteRefusedError, match="no such table"):
        run(session, sql("SELECT 1 AS id"), write(table, mode="insert_into"))


def test_a_table_keeps_its_format_by_default(session: SparkSession, table: str) -> None:
    def provider() -> str:
        described = session.sql(f"DESCRIBE TABLE EXTENDED {table}").where("col_name = 'Provider'").first()
        return str(described["data_type"]) if described else ""

    session.range(3).write.format("orc").saveAsTable(table)
    run(session, sql("SELECT 7 AS id"), write(table))
    assert (provider(), rows(session, table)) == ("orc", [(7,)])
    run(session, sql("SELECT 7 AS id"), write(table, format="json"))
    assert provider() == "json"


# A day without rows: docs/how-to/write-data.md has this table


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ({"mode": "overwrite", "replace_table": True, "partition_by": ["day"]}, 0),
        ({"mode": "overwrite_partitions"}, 3),
        ({"mode": "append", "partition_by": ["day"]}, 3),
        ({"mode": "insert_into"}, 3),
        ({"mode": "ignore"}, 3),
    ],
    ids=str,
)
def test_a_day_without_rows(session: SparkSession, days: str, config: dict[str, Any], left: int) -> None:
    run(session, sql("SELECT 7L AS id, 1L AS day WHERE false"), write(days, **config))
    assert session.table(days).count() == left


def test_a_day_without_rows_empties_a_table_without_partitions(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    run(session, sql("SELECT 7 AS id WHERE false"), write(table))
    assert rows(session, table) == []


# Nothing is dropped before the new rows are complete


def definition(session: SparkSession, table: str) -> list[tuple[str, str]]:
    changing = ("Statistics", "Created Time", "Last Access", "Partition Statistics", "Database", "Catalog")
    described = session.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()
    return [(row["col_name"], row["data_type"]) for row in described if row["col_name"] not in changing]


def beside(session: SparkSession, table: str) -> list[str]:
    """What lies in the warehouse, and is in the catalog, that has the table's name and is not the table."""
    warehouse = Path(urlparse(str(session.conf.get("spark.sql.warehouse.dir"))).path)
    named = [row["tableName"] for row in session.sql(f"SHOW TABLES LIKE '{table}_*'").collect()]
    return named + [path.name for path in warehouse.glob(f"*{table}*") if path.name != table]


FAILING = "CASE WHEN id = 1 THEN raise_error('no more') ELSE id END"


@pytest.mark.parametrize(
    ("made", "view", "config"),
    [
        ("USING parquet", "{} AS id, id AS day", {}),
        ("USING parquet PARTITIONED BY (day)", "{} AS id, id AS day", {"partition_by": ["day"]}),
        ("USING orc PARTITIONED BY (day)", "{} AS id, id AS day", {"partition_by": ["day"], "format": "json"}),
        ("USING parquet PARTITIONED BY (day)", "{} AS id, id AS day, 1 AS more", {"partition_by": ["day"]}),
        ("USING csv OPTIONS (header true)", "CAST({} AS STRING) AS id", {}),
        ("USING parquet CLUSTERED BY (id) INTO 2 BUCKETS", "{} AS id, id AS day", {}),
        ("USING parquet LOCATION '{place}'", "{} AS id, id AS day", {}),
        ("USING parquet LOCATION '{place}'", "{} AS id", {}),
    ],
)
def test_a_write_that_fails_leaves_the_table_as_it_was(
    session: SparkSession, table: str, tmp_path: Path, made: str, view: str, config: dict[str, Any]
) -> None:
    made = made.format(place=tmp_path / "t")
    session.sql(f"CREATE TABLE {table} (id BIGINT, day BIGINT) {made} COMMENT 'mine' TBLPROPERTIES ('a' = 'b')")
    session.sql(f"INSERT INTO {table} SELECT id, id FROM range(3)")
    before = definition(session, table)
    with pytest.raises(Exception, match="no more"):
        run(
            session,
            sql(f"SELECT {view.format(FAILING)} FROM range(3)"),
            write(table, **config, replace_table=True),
        )
    assert rows(session, table) == [(0, 0), (1, 1), (2, 2)]
    assert definition(session, table) == before
    assert beside(session, table) == []
    run(session, sql(f"SELECT {view.format('id')} FROM range(2, 5)"), write(table, **config, replace_table=True))
    assert [int(row["id"]) for row in session.table(table).orderBy("id").collect()] == [2, 3, 4]
    assert beside(session, table) == []


@pytest.mark.parametrize("partitions", ["", "PARTITIONED BY (day)"])
def test_a_table_of_the_same_columns_keeps_its_definition(session: SparkSession, table: str, partitions: str) -> None:
    session.sql(
        f"CREATE TABLE {table} (id BIGINT COMMENT 'key', day BIGINT) USING csv OPTIONS (header true) {partitions} "
        "COMMENT 'mine' TBLPROPERTIES ('a' = 'b')"
    )
    session.sql(f"INSERT INTO {table} SELECT id, id FROM range(3)")
    session.table(table).count()
    before = definition(session, table)
    config = {"partition_by": ["day"]} if partitions else {}
    view = sql("SELECT id, id AS day FROM range(1, 5)")
    run(session, view, write(table, **config, replace_table=True))
    assert definition(session, table) == before
    assert rows(session, table) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    if partitions:
        assert session.sql(f"SHOW PARTITIONS {table}").count() == 4


@pytest.mark.parametrize(
    ("made", "view", "lost"),
    [
        ("PARTITIONED BY (day) COMMENT 'mine'", "id, id AS day", "its partitions (by day), its comment"),
        ("TBLPROPERTIES ('a' = 'b')", "id", "its properties (a)"),
        ("CLUSTERED BY (id) INTO 2 BUCKETS", "id, id AS day", "its buckets"),
    ],
)
def test_what_a_newly_created_table_loses_is_warned_of(
    session: SparkSession, table: str, caplog: pytest.LogCaptureFixture, made: str, view: str, lost: str
) -> None:
    session.sql(f"CREATE TABLE {table} (id BIGINT, day BIGINT) USING parquet {made}")
    with caplog.at_level(logging.WARNING):
        run(session, sql(f"SELECT {view} FROM range(3)"), write(table))
    assert f"is created again without {lost}" in caplog.text
    assert session.table(table).count() == 3


def test_a_type_that_the_catalog_narrows_is_no_same_column(session: SparkSession, table: str) -> None:
    session.sql(f"CREATE TABLE {table} (id VARCHAR(2)) USING parquet")
    run(session, sql("SELECT 'longer' AS id"), write(table))
    assert rows(session, table) == [("longer",)]


def test_a_table_with_a_partition_elsewhere_is_written_as_spark_does(
    session: SparkSession, days: str, tmp_path: Path
) -> None:
    session.range(1).write.parquet(str(tmp_path / "far"))
    session.sql(f"ALTER TABLE {days} ADD PARTITION (day = 9) LOCATION '{tmp_path / 'far'}'")
    run(session, sql("SELECT 7L AS id, 1L AS day"), write(days, partition_by=["day"], replace_table=True))
    assert rows(session, days) == [(7, 1)]


def test_a_cached_table_shows_the_new_rows(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    session.sql(f"CACHE TABLE {table}")
    for view in ("SELECT id FROM range(5)", "SELECT id, 1 AS more FROM range(6)"):
        run(session, sql(view), write(table))
        assert session.table(table).count() == (6 if "more" in view else 5)


@pytest.mark.parametrize("token", ["own", "f" * 16])
def test_a_table_that_was_moved_aside_is_back_before_it_is_read(session: SparkSession, days: str, token: str) -> None:
    """A kill fell between two renames."""
    token = OWN if token == "own" else token
    session.sql(f"ALTER TABLE {days} RENAME TO {days}__replaced_{token}")
    session.range(1).write.saveAsTable(f"{days}__replacing_{OWN}")
    read = step("read", "ReadData", table=days, output_view="v")
    config = {"partition_by": ["day"], "replace_table": True}
    run(
        session,
        read,
        sql("SELECT id + 1 AS id, day FROM v"),
        write(f"other_{days}", **config).model_copy(update={"name": "other"}),
        sql("SELECT 7 AS id, 1 AS day", name="again"),
        write(days, **config),
    )
    try:
        assert rows(session, "other_" + days) == [(1, 0), (2, 1), (3, 2)]
        assert rows(session, days) == [(7, 1)]
        assert set(beside(session, days)) == {f"other_{days}"}
    finally:
        session.sql(f"DROP TABLE IF EXISTS other_{days}")


def test_a_rename_that_fails_leaves_the_old_table(
    session: SparkSession, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.range(3).selectExpr("id", "id AS day").write.partitionBy("day").saveAsTable(table)
    ask = type(session).sql

    def second_fails(self: SparkSession, text: str, *more: Any, **named: Any) -> Any:
        if "__replacing_" in text.partition("RENAME TO")[0] and "RENAME TO" in text:
            raise OSError("no")
        return ask(self, text, *more, **named)

    monkeypatch.setattr(type(session), "sql", second_fails)
    with pytest.raises(OSError, match="no"):
        run(session, sql("SELECT 7 AS id, 1 AS day"), write(table, partition_by=["day"], replace_table=True))
    monkeypatch.undo()
    assert rows(session, table) == [(0, 0), (1, 1), (2, 2)]
    assert beside(session, table) == []


# What is still needed


def place(session: SparkSession, table: str) -> Path:
    row = session.sql(f"DESCRIBE TABLE EXTENDED {table}").where("col_name = 'Location'").first()
    assert row is not None
    return Path(urlparse(row["data_type"]).path)


@pytest.mark.parametrize("by", ["name", "path", "view of a view", "child"])
def test_a_table_is_not_dropped_before_it_is_read(session: SparkSession, days: str, by: str) -> None:
    path = place(session, days)
    reads = {
        "name": [step("read", "ReadData", table=f"default.{days}", output_view="w")],
        "path": [step("read", "ReadData", path=f"file://{path}/", output_view="w")],
        "view of a view": [step("read", "ReadData", table=days, output_view="v"), sql("SELECT id, day FROM v")],
        "child": [step("read", "ReadData", path=str(path / "day=1"), output_view="w")],
    }[by]
    said = refused(session, days, *reads, write(days, partition_by=["day"], replace_table=True))
    for named in ("component 'write'", "'w'", f"component {reads[-1].name!r}", days):
        assert named in said


def test_a_table_that_a_needed_view_reads_is_not_dropped(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    read = step("read", "ReadData", table=table, output_view="v")
    later = step("later", "CheckData", input_view="v", min_rows=1)
    said = refused(session, table, read, sql("SELECT 7 AS id"), write(table), later)
    for named in ("view 'v' (left by component 'read')", "'write'", "'later'"):
        assert named in said


def test_a_directory_is_not_replaced_that_holds_a_table_which_is_read_later(
    session: SparkSession, table: str, tmp_path: Path
) -> None:
    session.range(3).write.option("path", str(tmp_path / "lake" / "t")).saveAsTable(table)
    later = step("later", "ReadData", table=table, output_view="v")
    steps = [sql("SELECT 7 AS id"), step("write", "WriteData", input_view="w", path=str(tmp_path / "lake")), later]
    assert table in refused(session, table, *steps)


def test_the_directory_of_an_external_table_is_exchanged_under_it(
    session: SparkSession, table: str, tmp_path: Path
) -> None:
    session.range(3).write.option("path", str(tmp_path / "t")).saveAsTable(table)
    read = step("read", "ReadData", table=table, where="id > 0", output_view="w")
    run(session, read, step("write", "WriteData", input_view="w", path=str(tmp_path / "t")))
    assert rows(session, table) == [(1,), (2,)]


def test_the_warehouse_is_not_emptied(session: SparkSession, days: str) -> None:
    warehouse = str(session.conf.get("spark.sql.warehouse.dir"))
    refused(session, days, sql("SELECT 7 AS id"), step("write", "WriteData", input_view="w", path=warehouse))


def test_a_table_may_be_appended_to_itself(session: SparkSession, table: str) -> None:
    session.range(3).write.saveAsTable(table)
    run(session, step("read", "ReadData", table=table, output_view="w"), write(table, mode="append"))
    assert session.table(table).count() == 6


def test_a_view_of_the_catalog_is_not_replaced_by_a_table(session: SparkSession, table: str) -> None:
    session.sql(f"CREATE VIEW {table} AS SELECT 1 AS id")
    try:
        assert "is a view of the catalog" in refused(session, table, sql("SELECT 7 AS id"), write(table))
    finally:
        session.sql(f"DROP VIEW {table}")


def test_a_temp_view_of_the_tables_name_is_not_the_table(session: SparkSession, days: str) -> None:
    session.range(1).selectExpr("'x' AS other").createOrReplaceTempView(days)
    run(session, sql("SELECT 1 AS day, 7 AS id"), write(days, mode="overwrite_partitions"))
    assert rows(session, f"default.{days}") == [(0, 0), (2, 2), (7, 1)]


# After a kill


OWN = run_token(ComponentContext("write", "p", run=repr(("", KEY))))


def killed(session: SparkSession, table: str, token: str | None) -> Path:
    """Leave what an attempt leaves that was killed while it made a table; return the directory."""
    warehouse = Path(urlparse(str(session.conf.get("spark.sql.warehouse.dir"))).path)
    path = warehouse / table
    (path / "_temporary" / "0").mkdir(parents=True)
    (path / "_temporary" / "0" / "part-00000.parquet").write_bytes(b"half")
    if token is not None:
        (warehouse / f".{table}.writing-{token}").touch()
    return path


@pytest.mark.parametrize("mode", ["overwrite", "append", "error", "ignore", "overwrite_partitions"])
def test_a_table_that_a_killed_attempt_of_this_run_began_is_made(session: SparkSession, table: str, mode: str) -> None:
    killed(session, table, OWN)
    run(session, sql("SELECT 7 AS id, 1 AS day"), write(table, mode=mode, partition_by=["day"]))
    assert rows(session, table) == [(7, 1)]
    assert not list(place(session, table).parent.glob(f".{table}*"))


@pytest.mark.parametrize("token", [None, "f" * 16])
def test_what_another_run_began_is_kept_and_the_remedy_is_named(
    session: SparkSession, table: str, token: str | None
) -> None:
    path = killed(session, table, token)
    result = attempt(session, sql("SELECT 7 AS id"), write(table))
    failure = result.component_results[-1].failure
    assert failure is not None
    assert "LOCATION_ALREADY_EXISTS" in failure.what
    assert any("spark.sql.catalogImplementation" in hint and str(path) in hint for hint in failure.hints)
    assert (path / "_temporary" / "0" / "part-00000.parquet").read_bytes() == b"half"


def test_finished_data_are_not_deleted_for_rows_that_are_added(session: SparkSession, table: str) -> None:
    """Somebody may have put them there after the kill."""
    path = killed(session, table, OWN)
    (path / "_SUCCESS").touch()
    result = attempt(session, sql("SELECT 7 AS id"), write(table, mode="append"))
    assert result.failed_components
    assert (path / "_SUCCESS").exists()


def test_a_write_that_fails_is_healed_by_the_next_one(session: SparkSession, table: str) -> None:
    with pytest.raises(Exception, match="no more"):
        run(
            session,
            sql("SELECT CASE WHEN id = 1 THEN raise_error('no more') ELSE id END AS id FROM range(2)"),
            write(table),
        )
    run(session, sql("SELECT 7 AS id"), write(table))
    assert rows(session, table) == [(7,)]


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE {} AS SELECT 1 AS id", "CREATE TABLE IF NOT EXISTS default.{} USING orc AS SELECT 1 AS id"],
)
def test_a_refused_statement_names_the_remedy(session: SparkSession, table: str, statement: str) -> None:
    killed(session, table, None)
    result = attempt(session, step("create", "RunSql", sql=statement.format(table)))
    failure = result.component_results[-1].failure
    assert failure is not None
    assert any(hint.startswith("remedy: this catalog is in memory") for hint in failure.hints)


def test_lost_partitions_are_not_asked_for_when_the_table_may_be_replaced(
    session: SparkSession, days: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        run(session, sql("SELECT 7 AS id, 1 AS day"), write(days, partition_by=["day"], replace_table=True))
    assert rows(session, days) == [(7, 1)]


@pytest.fixture
def session_database(spark: SparkSession) -> Any:
    """A database with the name in which Spark looks for temp views."""
    spark.sql("CREATE DATABASE session")
    yield "session"
    spark.sql("DROP DATABASE session CASCADE")


@pytest.mark.parametrize("name", ["session.orders", "`Session`.`orders`", "spark_catalog.session.orders"])
def test_a_temp_view_does_not_take_the_place_of_a_table_in_a_database_called_session(
    session: SparkSession, session_database: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Since Spark 4.2 ``session.orders`` is the temp view ``orders``; names with a catalog mean the table."""
    whole = "spark_catalog.session.orders"
    session.sql(f"CREATE TABLE {whole} USING parquet AS SELECT 1 AS n")
    if session.version.startswith("4.2"):
        session.sql("SELECT 'view' AS word").createOrReplaceTempView("orders")
        assert session.table("session.orders").columns == ["word"]
    with caplog.at_level(logging.WARNING):
        run(
            session,
            sql("SELECT 'view' AS word", view="orders"),
            step("read", "ReadData", table=name, output_view="before"),
            step("more", "RunSql", sql="SELECT n + 1 AS n FROM before", output_view="w"),
            write(name, mode="append"),
        )
    assert rows(session, whole) == [(1,), (2,)]
    assert session.table("orders").columns == ["word"]
    assert "a temp view t hides" not in caplog.text, "ready-made components add the catalog"


def test_sql_that_names_such_a_table_without_its_catalog_is_warned_of(
    session: SparkSession, session_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It may mean a temp view of another component."""
    session.sql("CREATE TABLE spark_catalog.session.orders USING parquet AS SELECT 1 AS n")
    with caplog.at_level(logging.WARNING):
        run(
            session,
            sql("SELECT * FROM spark_catalog.session.orders", view="whole", name="good"),
            sql("SELECT * FROM Session.orders", view="half", name="bad"),
        )
    (told,) = [text for record in caplog.records if "a temp view t hides" in (text := record.getMessage())]
    assert told.startswith("bad: tables of the database 'session' are named without their catalog")
