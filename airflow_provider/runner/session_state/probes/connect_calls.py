"""What goes to a Spark Connect server through its client: statements, data sources and artifacts.

The server tells of none of them later, so the client's methods are watched. They do what they did before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.effects.statement_kinds import classify_statement

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_DECLARED = re.compile(r"\s*declare\s+(or\s+replace\s+)?(variable\s+|var\s+)?(`(?:[^`]|``)+`|\w+)", re.I)
_JAR = re.compile(r"\s*add\s+jars?\b", re.I)
_PATH = re.compile(r"\s*set\s+path\b", re.I)


@dataclass(frozen=True)
class ClientCall:
    """What one call left in the session on the server.

    :param variable: whether it declared, set or dropped a session variable
    :param declared: the variable that it declared; empty if none
    :param added: names of the files that it added, by kind
    :param registered: the data source that it registered; empty if none
    :param sets_path: whether it set the SQL path
    """

    variable: bool = False
    declared: str = ""
    added: tuple[str, ...] = ()
    registered: str = ""
    sets_path: bool = False


@dataclass
class ClientCalls:
    """The calls of one session's client since it is watched, as far as they leave something.

    :ivar unread: whether there was one that could not be read
    """

    calls: list[ClientCall] = field(default_factory=list)
    unread: bool = False

    def watch(self, spark: SparkSession) -> None:
        """Watch the client of a session from now on."""
        client: Any = spark._client
        for name, read in (
            ("execute_command", _of_command),
            ("register_data_source", _of_data_source),
            ("add_artifacts", _of_artifacts),
        ):
            setattr(client, name, self._watched(getattr(client, name), read))

    def _watched(self, method: Callable[..., Any], read: Callable[..., ClientCall | None]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            result = method(*args, **options)
            try:
                found = read(*args, **options)
            except Exception:  # noqa: BLE001 - a call of the author's must not fail because of a look at it
                self.unread = True
            else:
                self.calls += [found] if found is not None else []
            return result

        return call


def _of_command(command: Any, *_: Any, **__: Any) -> ClientCall | None:
    if not command.HasField("sql_command"):
        return None
    text = command.sql_command.input.sql.query or command.sql_command.sql
    kind = classify_statement(text)
    declared = _DECLARED.match(text)
    if kind.sets_variable or declared:
        return ClientCall(variable=True, declared=declared[3] if declared else "")
    if kind.adds or _JAR.match(text):
        return ClientCall(added=("jar" if _JAR.match(text) else "file",))
    return ClientCall(sets_path=True) if _PATH.match(text) else None


def _of_data_source(source: Any, *_: Any, **__: Any) -> ClientCall:
    return ClientCall(registered=str(source.name()))


def _of_artifacts(*paths: str, pyfile: bool = False, archive: bool = False, file: bool = False) -> ClientCall:
    kind = "Python file" if pyfile else "archive" if archive else "file" if file else "jar"
    names = (os.path.basename(path.partition("#")[0]) for path in paths)
    return ClientCall(added=tuple(f"{kind} {quote(name)}" for name in names))
