"""Session variables: those of a simple type come back from the record, with type, value and default."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner.session_state.kinds import SESSION_VARIABLES
from airflow_provider.runner.session_state.kinds.kind_context import RecordLimits
from tests.integration.spark.session_state.scenes import SUCCESS, is_replayed, sql
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    Make = Callable[..., SparkRun]

WHY = "set a session variable, which cannot be saved"


def told(run: SparkRun, query: str) -> list[Any]:
    """What component ``c`` reads in a session of a later attempt."""
    found: list[Any] = []
    run.does("c", lambda session: found.append(session.sql(query).first()))
    assert run.resume().status is SUCCESS
    return list(found[0])


def test_a_variable_comes_back_with_its_last_value_and_its_default(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("DECLARE VARIABLE answer INT DEFAULT 1"))
    run.does("b", sql("SET VAR answer = 42"))
    run.fails("c")
    run.attempt()
    assert [run.handling(name)[0] for name in "ab"] == ["kept", "kept"]
    run.took_turns()
    found: list[Any] = []

    def look(session: Any) -> None:
        found.append(session.sql("SELECT answer").first()[0])
        session.sql("SET VAR answer = DEFAULT")
        found.append(session.sql("SELECT answer").first()[0])

    run.does("c", look)
    assert run.resume().status is SUCCESS
    assert (run.took_turns(), found) == (["c"], [42, 1])


DECLARED = {
    "BOOLEAN": "true",
    "TINYINT": "-1Y",
    "BIGINT": "9223372036854775807",
    "FLOAT": "0.1",
    "DOUBLE": "-1e308D",
    "DECIMAL(38,18)": "-12345678901234567890.123456789012345678",
    "STRING": r"'it''s a \\ \n `x` \u00e9 $' || ''",
    "DATE": "DATE'0001-01-01'",
    "TIMESTAMP": "TIMESTAMP'2026-03-29 02:30:00.123456'",
    "TIMESTAMP_NTZ": "TIMESTAMP_NTZ'2026-03-29 02:30:00.123456'",
}


def test_a_variable_of_any_simple_type_comes_back_as_it_was(make: Make) -> None:
    """Also in another time zone, and where a backslash is no escape."""
    run = make("a", "b", "c")
    names = [f"v{number}" for number in range(len(DECLARED))]
    statements = [
        statement
        for name, (kind, value) in zip(names, DECLARED.items(), strict=True)
        for statement in (f"DECLARE VARIABLE {name} {kind}", f"SET VAR {name} = {value}")
    ]
    run.does("a", sql(*statements))
    run.fails("c")
    columns = ", ".join(f"{name}, typeof({name}) AS type_{name}, hash({name}) AS hash_{name}" for name in names)
    seen: list[Any] = []

    def look(session: Any) -> None:
        session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        seen.append(session.sql(f"SELECT {columns}").first())

    run.does("b", look)
    run.attempt()
    assert run.handling("a")[0] == "kept"
    run.in_new_session().session.conf.set("spark.sql.parser.escapedStringLiterals", "true")
    run.does("c", look)
    assert run.attempt().status is SUCCESS
    assert seen[0] == seen[1]


def test_a_variable_that_was_dropped_stays_dropped(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("DECLARE VARIABLE v INT DEFAULT 1"))
    run.does("b", sql("DROP TEMPORARY VARIABLE v"))
    run.fails("c")
    run.attempt()
    assert told(run, "SELECT count(*) FROM range(1)") == [1]
    assert run.session._jsparkSession.sessionState().catalogManager().tempVariableManager().isEmpty()


@pytest.mark.parametrize(
    "declared",
    ["v ARRAY<INT> DEFAULT array(1)", "v INTERVAL DAY DEFAULT INTERVAL '1' DAY", "v INT DEFAULT 1 + 1"],
)
def test_the_component_of_any_other_variable_is_replayed(make: Make, declared: str) -> None:
    run = make("a", "c")
    run.does("a", sql(f"DECLARE VARIABLE {declared}"))
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "a", WHY)
    assert told(run, "SELECT v IS NOT NULL") == [True]


def test_a_secret_is_not_recorded(make: Make) -> None:
    run = make("a", "c")
    run.does("a", sql("DECLARE VARIABLE api_password STRING DEFAULT 'hunter2'"))
    run.fails("c")
    run.attempt()
    assert is_replayed(run, "a", WHY)
    assert "hunter2" not in run.record_text()
    assert told(run, "SELECT api_password") == ["hunter2"]


@pytest.mark.parametrize(
    "recorded",
    [["INT", "1"], ["MAP<INT,INT>", "1", "1"], ["INT", 1, "1"], ["INT) (", "1", "1"], ["STRING", "x" * 100_001, None]],
)
def test_a_variable_that_is_none_is_refused(make: Make, recorded: list[Any]) -> None:
    """A record may have been edited."""
    run = make("a", "c")
    run.does("a", sql("DECLARE VARIABLE v INT DEFAULT 1"))
    run.attempt(keep_session_state=True)
    parts = {"session variables": {"restored": {"v": json.dumps(recorded)}, "compared": {}}}
    record = run.record("a").model_copy(update={"parts": parts})
    limits = RecordLimits(run.url, "parquet")
    assert list(SESSION_VARIABLES.rejections(record, limits)) == [
        "its session variable 'v' is not one of a simple type"
    ]


def test_what_a_failed_component_declared_or_set_is_undone(make: Make) -> None:
    """Invariant 6: an attempt that goes on in the same session."""
    run = make("a", "c")
    run.does("a", sql("DECLARE VARIABLE v INT DEFAULT 1"))

    def fail(session: Any) -> None:
        session.sql("SET VAR v = 2")
        session.sql("DECLARE VARIABLE w INT DEFAULT 3")
        raise RuntimeError("c broke")

    run.does("c", fail)
    runner = run.runner()
    runner.run()
    run.does("c", sql("DECLARE VARIABLE w INT DEFAULT v"))
    assert runner.run(plan=runner.plan(run.store.load("run-1"))).status is SUCCESS
    assert run.session.sql("SELECT v, w").first() == (1, 1)
