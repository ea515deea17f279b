"""What a client of Spark Connect sends is seen, and does what it did before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql.connect.proto import Command

from airflow_provider.runner.session_state.probes.connect_calls import ClientCall, ClientCalls


class Dice:
    @classmethod
    def name(cls) -> str:
        return "dice"


def client() -> Any:
    def says(what: str) -> Any:
        return lambda *args, **options: (what, args, options)

    return SimpleNamespace(
        **{name: says(name) for name in ("execute_command", "register_data_source", "add_artifacts")}
    )


def statement(text: str) -> Command:
    command = Command()
    command.sql_command.input.sql.query = text
    return command


@pytest.fixture
def watched() -> tuple[Any, ClientCalls]:
    calls, of = ClientCalls(), client()
    calls.watch(SimpleNamespace(_client=of))  # type: ignore[arg-type]
    return of, calls


SQL = {
    "SELECT 1": None,
    "DECLARE n INT DEFAULT 1": ClientCall(variable=True, declared="n"),
    "declare or replace variable `a b` = 1": ClientCall(variable=True, declared="`a b`"),
    "SET VAR n = 2": ClientCall(variable=True),
    "DROP TEMPORARY VARIABLE n": ClientCall(variable=True),
    "ADD FILE 'x'": ClientCall(added=("file",)),
    "ADD JAR 'x.jar'": ClientCall(added=("jar",)),
    "SET PATH = a.b, current_schema": ClientCall(sets_path=True),
    "SET spark.sql.path.enabled = true": None,
}


@pytest.mark.parametrize(("text", "left"), SQL.items(), ids=SQL)
def test_a_statement_that_leaves_something_is_noted(
    watched: tuple[Any, ClientCalls], text: str, left: ClientCall | None
) -> None:
    of, calls = watched
    command = statement(text)
    assert of.execute_command(command) == ("execute_command", (command,), {})
    assert calls.calls == ([left] if left is not None else [])


def test_data_sources_and_artifacts_are_noted_by_name(watched: tuple[Any, ClientCalls]) -> None:
    of, calls = watched
    of.register_data_source(Dice)
    of.add_artifacts("/a/lib.py", "/a/b c.zip", pyfile=True)
    of.add_artifacts("/a/more.zip#there", archive=True)
    of.add_artifacts("/a/rates.txt", file=True)
    of.add_artifacts("/a/x.jar")
    assert [call.registered for call in calls.calls] == ["dice", "", "", "", ""]
    assert [call.added for call in calls.calls[1:]] == [
        ("Python file `lib.py`", "Python file `b c.zip`"),
        ("archive `more.zip`",),
        ("file `rates.txt`",),
        ("jar `x.jar`",),
    ]


def test_a_call_that_cannot_be_read_goes_on(watched: tuple[Any, ClientCalls]) -> None:
    """Invariant 14."""
    of, calls = watched
    assert of.execute_command("no command of ours") == ("execute_command", ("no command of ours",), {})
    assert (calls.calls, calls.unread) == ([], True)


def test_a_call_that_fails_left_nothing() -> None:
    def fails(*_: Any) -> None:
        raise ValueError("no such table")

    of, calls = client(), ClientCalls()
    of.execute_command = fails
    calls.watch(SimpleNamespace(_client=of))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no such table"):
        of.execute_command(statement("DECLARE n INT"))
    assert calls.calls == []
