"""The measured cases that this is all about: with defaults, what finished before another component failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner import ComponentConfig
from tests.integration.spark.harmless.case import ACTS
from tests.integration.spark.harmless.world import World, lines, postgres_rows, posts, target_rows
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def step(component: str, **config: Any) -> ComponentConfig:
    """A component below ``acts``, named after its function."""
    return ComponentConfig(name=component.rpartition(".")[2], class_path=f"{ACTS}.{component}", config=config)


def resumed(world: World, *steps: ComponentConfig) -> SparkRun:
    """Run the components until a later one fails, and resume in a new session."""
    run = SparkRun(world.spark, world.tmp / "state", *steps, "later")
    run.fails("later")
    [(failed, error)] = run.attempt().failed_components
    assert (failed, str(error)) == ("later", "later broke")
    run.mend("later")
    world.spark.catalog.clearCache()
    assert run.resume(keep_session_state=True).failed_components == []
    return run


def rows(session: SparkSession, view: str) -> list[Any]:
    return sorted(row[0] for row in session.table(view).collect())


def test_an_order_is_posted_once(world: World) -> None:
    """Measured before: 2 calls."""
    resumed(world, step("network.post_with_requests", url=world.url))
    assert posts(world) == 1


def test_a_line_is_appended_once(world: World) -> None:
    """Measured before: 2 lines."""
    resumed(world, step("files.open_to_append", path=str(world.lines)))
    assert lines(world) == 1


def test_rows_are_inserted_once_by_the_executors(world: World) -> None:
    """Measured before: 10 rows."""
    resumed(world, step("services.insert_partitions_with_psycopg", dsn=world.dsn, table=world.rows))
    assert postgres_rows(world) == 5


@pytest.mark.parametrize("writer", ["append", "append_and_view"])
def test_a_directory_that_a_later_component_appends_to_is_seen_as_it_was(world: World, writer: str) -> None:
    """Measured before: 8 rows. Invariants 6 and 11: a run that never fails has 5."""
    directory = str(world.parquet)
    run = resumed(world, step("chains.read", directory=directory), step(f"chains.{writer}", directory=directory))
    assert rows(run.session, "v") == [0, 1, 2, 3, 4]
    assert world.spark.read.parquet(directory).count() == 8


def test_a_directory_that_an_earlier_component_appended_to_is_seen_as_it_was(world: World) -> None:
    """Invariant 6: the writer is done once, and what reads after it sees what it wrote."""
    directory = str(world.parquet)
    run = resumed(world, step("chains.append", directory=directory), step("chains.read", directory=directory))
    assert rows(run.session, "v") == [0, 1, 2, 3, 4, 10, 11, 12]
    assert world.spark.read.parquet(directory).count() == 8
    assert run.record("read").handling == "replay"


def test_a_directory_is_read_on_both_sides_of_a_writer(world: World) -> None:
    """Invariant 6: each reader keeps what it saw, the one before and the one after."""
    directory = str(world.parquet)
    after = step("chains.read", directory=directory).model_copy(update={"name": "again"})
    between = step("chains.count_rows")
    run = resumed(
        world,
        step("chains.read", directory=directory),
        between,
        step("chains.append", directory=directory),
        after,
    )
    assert rows(run.session, "counted") == [0, 1, 2, 3, 4]
    assert rows(run.session, "v") == [0, 1, 2, 3, 4, 10, 11, 12]
    assert world.spark.read.parquet(directory).count() == 8


@pytest.mark.parametrize(("writer", "now"), [("append_line", 3), ("replace_file", 1)])
def test_a_file_that_a_later_component_changes_is_seen_as_it_was(world: World, writer: str, now: int) -> None:
    """Invariant 6, for a file that Python reads and writes: the length that was read stays."""
    path = str(world.csv)
    run = resumed(
        world,
        step("chains.read_with_python", path=path),
        step("chains.use_value"),
        step(f"chains.{writer}", path=path),
    )
    assert rows(run.session, "v") == rows(run.session, "used") == ["12"]
    assert world.csv.read_text().count("\n") == now


def test_a_file_that_somebody_else_changes_is_never_mixed_with_what_it_was(world: World) -> None:
    """Invariant 6: what was made of the old file and has been posted is not beside a view of the new one."""
    read = step("chains.read_with_python", path=str(world.csv))
    use = step("chains.use_value_and_post", url=world.url).model_copy(update={"depends_on": [read.name]})
    run = SparkRun(world.spark, world.tmp / "state", read, use, "later")
    run.fails("later")
    run.attempt()
    world.csv.write_text("1,ann\n")
    run.mend("later")
    assert run.resume(keep_session_state=True).failed_components == []
    assert rows(run.session, "v") == rows(run.session, "used")


def test_ready_made_components_are_known_by_what_they_do(world: World) -> None:
    """What reads and checks is replayed or left alone, what writes is done once, and what follows sees the same."""
    ready = "airflow_provider.components"
    run = resumed(
        world,
        ComponentConfig(
            name="read",
            class_path=f"{ready}.ReadData",
            config={"path": str(world.csv), "format": "csv", "schema": "id INT, name STRING", "output_view": "people"},
        ),
        ComponentConfig(name="check", class_path=f"{ready}.CheckData", config={"input_view": "people", "min_rows": 2}),
        ComponentConfig(
            name="write",
            class_path=f"{ready}.WriteData",
            config={"input_view": "people", "path": str(world.target), "mode": "append"},
        ),
        ComponentConfig(
            name="query",
            class_path=f"{ready}.RunSql",
            config={"sql": "SELECT count(*) AS people FROM people", "output_view": "counted"},
        ),
    )
    assert {name: run.record(name).handling for name in ("read", "check", "write", "query")} == {
        "read": "replay",
        "check": "kept",
        "write": "kept",
        "query": "replay",
    }
    assert target_rows(world) == 2
    assert rows(run.session, "counted") == [2]


@pytest.mark.parametrize("component", ["time_ns", "uuid4", "file_length"])
def test_a_value_that_a_finished_component_has_used_stays(world: World, component: str) -> None:
    """Measured before: another one. Invariant 6: what was made of it fits to it."""
    config = {"source": str(world.csv)} if component == "file_length" else {}
    run = SparkRun(
        world.spark, world.tmp / "state", step(f"values.{component}", **config), step("chains.use_value"), "later"
    )
    run.fails("later")
    run.attempt()
    world.csv.write_text("1,ann\n")
    run.mend("later")
    assert run.resume(keep_session_state=True).failed_components == []
    assert rows(run.session, "v") == rows(run.session, "used")
