"""What is known of the components that come with this package, by what they do: their code need not be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider.runner.config.zipped import read_bytes

_PACKAGE = "airflow_provider.components"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)
_QUERY = re.compile(r"[\s(]*(select|with|from|values|table|show|describe|explain)\b", re.IGNORECASE)
_ACTS = re.compile(r"\b(insert|merge|update|delete|create|replace\s+table|drop|alter|call|reflect|java_method)\b", re.I)


def is_ready_made(component: Any) -> bool:
    """Whether a class or function came with this package. A subclass of an author did not."""
    return f"{getattr(component, '__module__', '')}.".startswith(f"{_PACKAGE}.")


def acts(
    component: Any, config: Mapping[str, Any], base_dir: Path, texts: Mapping[str, str] | None = None
) -> str | None:
    """Return what a ready-made component does outside the session, None if nothing.

    :param component: its class
    :param config: its config
    :param base_dir: where relative paths in the config start
    :param texts: texts of files that the config names, with their templates rendered, by their names
    """
    name = getattr(component, "__qualname__", "")
    if name in ("ReadData", "CheckData"):
        return None
    if name == "RunSql":
        file = str(config.get("sql_file"))
        statement = config.get("sql") or (texts or {}).get(file)
        try:
            statement = statement or read_bytes(base_dir / file).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return "runs a statement that cannot be read"
        return None if is_query(str(statement)) else "runs a statement that is no query"
    return "writes data"


def is_query(statement: str) -> bool:
    """Whether a statement only asks. In doubt it does not."""
    bare = _COMMENT.sub(" ", _TEXT.sub("''", statement))
    return _QUERY.match(bare) is not None and _ACTS.search(bare) is None
