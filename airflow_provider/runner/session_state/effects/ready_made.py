"""What is known of the components that come with this package, by what they do: their code need not be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from airflow_provider.runner.config.zipped_files import read_file_bytes
from airflow_provider.runner.session_state.effects.statement_kinds import StatementKind, classify_statement

_PACKAGE = "airflow_provider.components"


def is_ready_made(component: Any) -> bool:
    """Whether a class or function came with this package. A subclass of an author did not."""
    return f"{getattr(component, '__module__', '')}.".startswith(f"{_PACKAGE}.")


def declared_side_effect(
    component: Any, config: Mapping[str, Any], base_dir: Path, texts: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """Return what a ready-made component does outside the session, as far as its config tells; None if nothing.

    :param base_dir: where relative paths in the config start
    :param texts: texts of files that the config names, with their templates rendered, by their names
    """
    name = getattr(component, "__qualname__", "")
    if name in ("ReadData", "CheckData"):
        return None
    if name != "RunSql":
        return "writes data"
    statement = configured_statement(component, config, base_dir, texts)
    if statement is None:
        return "runs a statement that cannot be read"
    return None if statement.asks or statement.in_session else "runs a statement that is not a query"


def configured_statement(
    component: Any, config: Mapping[str, Any], base_dir: Path, texts: Mapping[str, str] = MappingProxyType({})
) -> StatementKind | None:
    """Return the statement that is all that a ready-made component runs; None if there is none, or it cannot be read.

    Arguments are those of :func:`declared_side_effect`.
    """
    if getattr(component, "__qualname__", "") != "RunSql":
        return None
    file = str(config.get("sql_file"))
    text = config.get("sql") or texts.get(file)
    try:
        text = read_file_bytes(base_dir / file).decode("utf-8-sig") if text is None else text
    except (OSError, ValueError):
        return None
    return classify_statement(str(text))
