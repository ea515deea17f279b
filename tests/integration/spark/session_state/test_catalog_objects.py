"""Databases and tables of a catalog that is in memory only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import Script
from tests.integration.spark.session_state.scenes import SUCCESS, files_below, forget, is_replayed, sql, values
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


def test_databases_and_tables_of_a_catalog_in_memory_are_known_again(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """As they were: managed or not, partitions, options, comments, types that only the catalog knows."""
    db = forgotten
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {db} COMMENT 'it''s \"mine\"' WITH DBPROPERTIES ('a b' = '`x`')", f"USE {db}"))

    def tables(session: SparkSession) -> None:
        session.range(4).write.saveAsTable("plain")
        session.range(4).selectExpr("id", "id % 2 AS `odd part`").write.partitionBy("odd part").saveAsTable("`parted`")
        session.range(2).write.option("path", str(tmp_path / "ext ernal%20")).saveAsTable("external")
        session.range(9).write.bucketBy(3, "id").sortBy("id").format("orc").saveAsTable("bucketed")
        session.sql(
            "CREATE TABLE csvs (`a``\"'.日本` STRING COMMENT 'it''s', b INT) USING csv OPTIONS (sep ';')"
            " COMMENT 'it''s' TBLPROPERTIES ('prop' = '\"`x`\"')"
        )
        session.sql("INSERT INTO csvs VALUES ('x', 1)")
        session.sql("CREATE TABLE chars (c CHAR(3), v ARRAY<VARCHAR(2)>) USING parquet")
        session.sql("INSERT INTO chars VALUES ('a', array('b'))")

    def described(session: SparkSession) -> dict[str, Any]:
        per_run = ("Created Time", "Last Access", "Created By", "Owner", "Statistics")
        rows = {
            name: [
                tuple(row) for row in session.sql(f"DESCRIBE EXTENDED {db}.{name}").collect() if row[0] not in per_run
            ]
            for name in names
        }
        return rows | {"": [tuple(row) for row in session.sql(f"DESCRIBE DATABASE EXTENDED {db}").collect()]}

    names = ("plain", "parted", "external", "bucketed", "csvs", "chars")
    run.does("b", tables)
    run.fails("c")
    run.attempt()
    assert run.handling("b") == ("kept", "left no view")
    before = described(run.session)
    forget(run.session, db, tmp_path)
    found: dict[str, Any] = {}

    def look(session: SparkSession) -> None:
        for name in ("plain", "external", "csvs", "chars", "bucketed"):
            found[name] = values(session, name)
        found["parted"] = sorted(tuple(row) for row in session.table("parted").collect())
        found["partitions"] = [row[0] for row in session.sql("SHOW PARTITIONS parted").collect()]

    run.does("c", look)
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["c"]
    assert found == {
        "plain": [0, 1, 2, 3],
        "external": [0, 1],
        "csvs": ["x"],
        "chars": ["a  "],
        "bucketed": list(range(9)),
        "parted": [(0, 0), (1, 1), (2, 0), (3, 1)],
        "partitions": ["odd part=0", "odd part=1"],
    }
    assert described(run.session) == before


def test_a_database_where_its_component_chose_and_its_tables_are_known_again(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """What vouches for the place lies in the run's own directory, and goes when the pipeline is complete."""
    place = tmp_path / "chosen place"
    run = make("a", "b", "c", "d")
    run.does("a", sql(f"CREATE DATABASE {forgotten} LOCATION '{place}'"))
    run.does("b", lambda session: session.range(3).write.saveAsTable(f"{forgotten}.t"))
    run.fails("c")
    run.attempt()
    assert run.record("b").vouched is None
    assert files_below(Path(str(run.record("a").vouched)))
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.fails("d")
    run.took_turns()
    run.resume(), forget(run.session, forgotten, tmp_path)
    found = []
    run.does("d", lambda session: found.append(values(session, f"{forgotten}.t")))
    assert run.resume().failed_components == []
    assert (run.took_turns(), found) == (["c", "d", "d"], [[0, 1, 2]])
    assert not files_below(tmp_path / "state")


def test_a_chosen_location_is_not_restored_without_a_second_description(
    spark: SparkSession, script: Script, forgotten: str, tmp_path: Path
) -> None:
    run = SparkRun(spark, None, "a", "c")
    run.does("a", sql(f"CREATE DATABASE IF NOT EXISTS {forgotten} LOCATION '{tmp_path / 'chosen'}'"))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert (handling, "the component chose the location of" in reason) == ("replay", True)
    assert run.record("a").objects == []


def test_a_database_of_a_catalog_in_memory_goes_with_the_session_and_so_making_it_again_is_harmless(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """So a component that also registers a function, which cannot be saved, can be replayed."""
    run = make("a", "c")

    def both(session: SparkSession) -> None:
        session.sql(f"CREATE DATABASE {forgotten}")
        session.udf.register("f", lambda x: x + 1, "int")

    run.does("a", both)
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "a", "registered temp function 'f', which cannot be saved")
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["a", "c"]
    assert run.session.catalog.databaseExists(forgotten)


def test_a_persistent_view_of_a_catalog_in_memory_is_made_again_like_a_temp_view(
    make: Make, forgotten: str, tmp_path: Path
) -> None:
    """Invariant 8: its text is not taken from the record. It goes with the process, so making it again is harmless."""
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {forgotten}"))
    run.does("b", sql(f"CREATE VIEW {forgotten}.v AS SELECT 1 AS x"))
    run.fails("c")
    run.attempt()
    assert (run.handling("b")[0], run.record("b").objects) == ("replay", [])
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["b", "c"]


def test_a_table_that_a_later_component_dropped_does_not_come_back(make: Make, forgotten: str, tmp_path: Path) -> None:
    """Neither does it make the component that had created it run again."""
    run = make("a", "b", "c")
    run.does("a", sql(f"CREATE DATABASE {forgotten}", f"CREATE TABLE {forgotten}.t AS SELECT 1 AS x"))
    run.does("b", sql(f"DROP TABLE {forgotten}.t"))
    run.fails("c")
    run.attempt()
    forget(run.session, forgotten, tmp_path)
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["c"]
    assert not run.session.catalog.tableExists(f"{forgotten}.t")


def test_a_table_that_is_known_again_can_be_overwritten(make: Make, forgotten: str, tmp_path: Path) -> None:
    """Invariant 6: a later component writes the same table anew, as it could have done without the failure."""
    run = make("a", "c")
    run.does(
        "a",
        lambda session: (
            session.sql(f"CREATE DATABASE {forgotten}"),
            session.range(3).write.saveAsTable(f"{forgotten}.t"),
        ),
    )
    run.fails("c")
    run.attempt()
    forget(run.session, forgotten, tmp_path)
    run.does("c", lambda session: session.range(5).write.mode("overwrite").saveAsTable(f"{forgotten}.t"))
    assert run.resume().failed_components == []
    assert values(run.session, f"{forgotten}.t") == [0, 1, 2, 3, 4]


def test_a_table_whose_files_are_gone_makes_its_component_run_again(make: Make, forgotten: str, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", sql(f"CREATE DATABASE IF NOT EXISTS {forgotten}", f"CREATE TABLE {forgotten}.t AS SELECT 1 AS x"))
    run.fails("c")
    run.attempt()
    run.session.sql(f"DROP DATABASE {forgotten} CASCADE")
    assert f"its table `{forgotten}`.`t` is missing from" in str(run.in_new_session().plan().decisions[0].reason)
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["a", "c"]
