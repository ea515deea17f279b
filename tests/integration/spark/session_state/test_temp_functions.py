"""Temp functions: replayed, or lost for those who need them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.spark.session_state.scenes import (
    SUCCESS,
    VOUCH,
    after_failure,
    is_replayed,
    refused,
    sql,
    vouched,
)
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


def test_a_component_that_registers_a_temp_function_is_replayed(make: Make) -> None:
    """Also one that registers another one under a name that exists already."""
    run = make("a", "b", "c")
    run.does("a", lambda session: session.udf.register("f", lambda x: x + 1, "int"))
    run.does("b", lambda session: session.udf.register("f", lambda x: x + 100, "int"))
    run.fails("c")
    run.attempt()
    assert run.record("a").functions == run.record("b").functions == ["f"]
    assert is_replayed(run, "b", "registered temp function 'f', which cannot be saved")
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT f(1)").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [101]


def act_and_register(out: Path, name: str) -> Callable[[SparkSession], None]:
    def work(session: SparkSession) -> None:
        session.udf.register(name, lambda x: x + 1, "int")
        session.range(2).write.mode("append").parquet(str(out))

    return work


def test_a_component_that_acts_and_registers_a_temp_function_is_not_repeated(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11: who needs the function is told; everybody else goes on. The author may vouch for the component."""
    out = tmp_path / "out"
    run = make("a", "c")
    run.does("a", act_and_register(out, "f"))
    run.fails("c")
    run.attempt()
    assert (run.handling("a")[0], list(run.record("a").lost)) == ("kept", ["temp function `f`"])
    assert "a: a later attempt will not have temp function `f`: registered temp function 'f'" in caplog.text
    run.does("c", lambda session: session.sql("SELECT f(1)").collect())
    run.took_turns()
    [failure] = [result.failure for result in run.resume().component_results if result.failure]
    assert run.took_turns() == ["c"]
    assert "UNRESOLVED_ROUTINE" in failure.what
    assert "temp function `f` could not be restored after the failure: registered temp function" in failure.hints[-1]
    assert run.session.read.parquet(str(out)).count() == 2
    assert vouched(run, "a") == ["a", "c"]


def test_who_does_not_need_a_temp_function_that_is_lost_goes_on(make: Make, tmp_path: Path) -> None:
    run = make("a", "c")
    run.does("a", act_and_register(tmp_path / "out", "f"))
    assert after_failure(run) == ["c"]


def test_a_lost_temp_function_that_hides_another_one_is_missed_silently_and_so_refused(
    make: Make, tmp_path: Path
) -> None:
    """Invariant 6: without it ``upper`` is Spark's own."""
    run = make("a", "c")
    run.does("a", act_and_register(tmp_path / "out", "upper"))
    why = refused(run)
    handling, reason = run.handling("a")
    assert handling == "unrepeatable"
    assert reason.startswith("registered temp function 'upper', which cannot be saved and hides another one")
    assert f"component 'a': {reason}" in why
    assert f"{VOUCH}, or split it in two: one component for the side effect, one for the registration" in why
    assert vouched(run, "a") == ["a", "c"]


def test_a_temp_function_in_sql_is_replayed(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("CREATE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x + 1"))
    run.does("b", sql("CREATE OR REPLACE TEMPORARY FUNCTION g(x INT) RETURNS INT RETURN x + 7"))
    run.fails("c")
    run.attempt()
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT g(1)").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [8]


def test_a_table_function_that_is_registered_again_is_replayed(make: Make) -> None:
    from pyspark.sql.functions import udtf

    def giving(number: int) -> Any:
        @udtf(returnType="n: int")
        class Give:
            def eval(self) -> Iterator[tuple[int]]:
                yield (number,)

        return Give

    run = make("a", "b", "c")
    run.does("a", lambda session: session.udtf.register("h", giving(1)))
    run.does("b", lambda session: session.udtf.register("h", giving(2)))
    run.fails("c")
    run.attempt()
    assert run.record("b").functions == ["h"]
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT * FROM h()").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [2]


def test_a_temp_function_that_was_dropped_stays_dropped(make: Make) -> None:
    """It may have hidden a function of Spark."""
    run = make("a", "b", "c")
    run.does("a", sql("CREATE TEMPORARY FUNCTION gone(x INT) RETURNS INT RETURN x + 1"))
    run.does("b", sql("DROP TEMPORARY FUNCTION gone"))
    assert after_failure(run)[-1] == "c"
    assert not run.session.catalog.functionExists("gone")


def test_a_function_that_a_built_in_hides_is_warned_of(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Spark 4.1 called it. Since 4.2 it is ignored unless the setting says otherwise, and nothing else says so."""
    run, found = make("a", "b"), []
    run.does("a", lambda session: [session.udf.register(name, lambda text: "mine") for name in ("upper", "uppers")])
    run.does("b", lambda session: found.append(session.sql("SELECT upper('x'), uppers('x')").first()[:]))
    with caplog.at_level(logging.WARNING):
        run.attempt()
    ignored = [record.getMessage() for record in caplog.records if "is ignored" in record.getMessage()]
    assert found == [("X", "mine")]
    assert len(ignored) == 1
    assert ignored[0].startswith("temp function 'upper' is ignored: since Spark 4.2")
    assert "spark.sql.functionResolution.sessionOrder to 'first'" in ignored[0]


def test_a_function_that_comes_before_the_built_in_is_no_warning(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """The setting brings the order of Spark 4.1 back."""
    run, found = make("a", "b"), []

    def register(session: SparkSession) -> None:
        session.conf.set("spark.sql.functionResolution.sessionOrder", "first")
        session.udf.register("upper", lambda text: "mine")

    run.does("a", register)
    run.does("b", lambda session: found.append(session.sql("SELECT upper('x')").first()[0]))
    with caplog.at_level(logging.WARNING):
        run.attempt()
    assert found == ["mine"]
    assert not [record for record in caplog.records if "is ignored" in record.getMessage()]
