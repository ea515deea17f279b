"""Session variables: their component is replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.integration.spark.session_state.scenes import SUCCESS, is_replayed, sql
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    Make = Callable[..., SparkRun]


def test_a_component_that_sets_a_session_variable_is_replayed(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("DECLARE VARIABLE answer INT DEFAULT 1"))
    run.does("b", sql("SET VAR answer = 42"))
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "b", "set a session variable, which cannot be saved")
    found = []
    run.does("c", lambda session: found.append(session.sql("SELECT answer").first()[0]))
    assert run.resume().status is SUCCESS
    assert found == [42]
