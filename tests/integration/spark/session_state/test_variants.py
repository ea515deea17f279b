"""A variant has other bytes after a round trip through Parquet, and the same value: nothing is judged by its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.spark.left_behind import process_jobs as jobs
from tests.integration.spark.session_state.scenes import SUCCESS, vouched
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

QUERY = """SELECT parse_json('{"b": 1, "a": {"z": 1, "c": 2.50}}') AS x"""
VALUE = '{"a":{"c":2.5,"z":1},"b":1}'


@pytest.fixture
def cache() -> Iterator[dict[str, Any]]:
    """What an author's module keeps between components."""
    yield jobs.CACHE
    jobs.CACHE.clear()


def leaves(session: SparkSession) -> None:
    session.sql(QUERY).createOrReplaceTempView("v")


def contents(session: SparkSession) -> tuple[str, bytes]:
    """The value of the variant in the view, and its bytes."""
    [row] = session.sql("SELECT x, to_json(x) AS text FROM v").collect()
    return row["text"], bytes(row["x"].value)


def test_a_saved_view_with_a_variant_is_taken_although_its_bytes_are_others(make: Make) -> None:
    """A copy is checked by the size and the digest of its files."""
    run = make(component("a", component_type="sink"), "c")
    seen: list[tuple[str, bytes]] = []
    run.does("a", lambda session: [leaves(session), seen.append(contents(session))])
    run.fails("c")
    run.attempt()
    run.does("c", lambda session: seen.append(contents(session)))
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["c"]
    (before, old), (after, new) = seen
    assert before == after == VALUE
    assert old != new


def test_a_replay_that_leaves_a_variant_with_other_bytes_is_no_other_result(make: Make, tmp_path: Path) -> None:
    """In a view, in a session variable, and held by an author's module."""
    place = str(tmp_path / "in")
    run = make("a", "c")
    run.session.sql(QUERY).write.parquet(place)  # the same value in other bytes

    def made(query: str) -> Callable[[SparkSession], None]:
        def work(session: SparkSession) -> None:
            session.sql(query).createOrReplaceTempView("v")
            session.sql("DECLARE OR REPLACE VARIABLE n VARIANT")
            session.sql("SET VAR n = (SELECT x FROM v)")
            jobs.CACHE["x"] = session.table("v").collect()[0]["x"]

        return work

    run.does("a", made(QUERY))
    run.fails("c")
    run.attempt()
    old = bytes(jobs.CACHE["x"].value)
    run.does("a", made(f"SELECT x FROM parquet.`{place}`"))
    found: list[str] = []
    run.does("c", lambda session: found.append(contents(session)[0]))
    run.took_turns()
    assert vouched(run, "a") == ["a", "c"]
    assert found == [VALUE]
    assert bytes(jobs.CACHE["x"].value) != old
