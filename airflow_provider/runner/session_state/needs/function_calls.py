"""Which later component calls a temp function, as far as its code and config show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.session_state.needs.later_reads import statement_text
from airflow_provider.runner.session_state.needs.view_use import find_function_use
from airflow_provider.runner.spark.sql_lexer import mask_sql


def find_function_caller(function: str, later: Sequence[LaterComponent], base_dir: Path) -> str | None:
    """Return the first of some components that calls a temp function for certain, None if none is known to.

    :param later: the later components, in their order
    :param base_dir: where relative paths of SQL files start
    """
    for component in later:
        use = find_function_use(component.target, function) if component.kind is None else None
        if (use is not None and use.makes) or _makes(component, function, base_dir):
            return None
        if (use is not None and use.reads) or _calls(component, function, base_dir):
            return component.name
    return None


def _calls(component: LaterComponent, function: str, base_dir: Path) -> bool:
    call = re.compile(rf"(?<![\w.`])(?:{re.escape(function)}|`{re.escape(function)}`)\s*\(", re.IGNORECASE)
    return any(call.search(mask_sql(text, texts=" ")) for text in _statements(component, base_dir))


def _makes(component: LaterComponent, function: str, base_dir: Path) -> bool:
    name = rf"`?{re.escape(function)}\b"
    made = re.compile(rf"\bcreate\b[\w\s]*?\bfunction\s+(?:if\s+not\s+exists\s+)?{name}", re.IGNORECASE)
    return any(made.search(mask_sql(text, texts=" ")) for text in _statements(component, base_dir))


def _statements(component: LaterComponent, base_dir: Path) -> Iterator[str]:
    if component.kind == "RunSql":
        yield statement_text(component.config, base_dir)
    else:
        yield from _texts(component.config)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
