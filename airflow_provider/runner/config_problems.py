"""Turns what is wrong with a config into sentences for the author."""

from __future__ import annotations

import datetime
import decimal
import difflib
import enum
import pathlib
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.graph import find_cycles

PLAIN_TYPES = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    enum.Enum,
    pathlib.PurePath,
    uuid.UUID,
)


def explain(error: ValidationError, model: type[BaseModel], component: str | None) -> list[ConfigProblem]:
    """Translate pydantic's errors about one model into problems that name field and remedy."""
    problems = []
    for item in error.errors(include_url=False):
        field = ".".join(str(part) for part in item["loc"]) or None
        kind = item["type"]
        if kind == "missing":
            message = "is missing"
        elif kind == "extra_forbidden":
            message = "is not a known field" + suggest(str(item["loc"][-1]), _fields_at(model, item["loc"]))
        elif kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
            message = f"expected a mapping, got {type(item['input']).__name__}"
        elif kind == "list_type":
            message = f"expected a list, got {type(item['input']).__name__} {item['input']!r}"
        elif kind in ("too_short", "string_too_short"):
            message = "is empty"
        else:
            text = str(item["msg"])
            message = f"{text[:1].lower()}{text[1:]}, got {item['input']!r}"
        problems.append(ConfigProblem(message, component, field))
    return problems


def graph_problems(components: Sequence[Any]) -> list[ConfigProblem]:
    """Check names and dependencies across components that may be wrong in other ways.

    :param components: each a mapping or a ``ComponentConfig``; what is neither is passed over
    """
    problems = []
    nodes = [(name_of(item), _dependencies_of(item)) for item in components]
    known = [(name, depends_on) for name, depends_on in nodes if name is not None]
    for name, count in Counter(name for name, _ in known).items():
        if count > 1:
            message = f"{count} components have this name; names must be unique"
            problems.append(ConfigProblem(message, name, "name"))
    graph = dict(known)
    for name, depends_on in known:
        for other in depends_on:
            if other == name:
                problems.append(ConfigProblem("depends on itself", name, "depends_on"))
            elif other not in graph:
                message = f"unknown component {other!r}" + suggest(other, graph)
                problems.append(ConfigProblem(message, name, "depends_on"))
    problems += [
        ConfigProblem(f"dependency cycle: {' -> '.join(cycle)}", cycle[0], "depends_on") for cycle in find_cycles(graph)
    ]
    return problems


def name_of(component: Any) -> str | None:
    """Return the component's name if it has a usable one."""
    name = component.get("name") if isinstance(component, Mapping) else getattr(component, "name", None)
    if isinstance(name, (int, float)) and not isinstance(name, bool):
        name = str(name)
    return name if isinstance(name, str) and name else None


def unhashable(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of everything inside that is not plain data."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from unhashable(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, item in enumerate(value):
            yield from unhashable(item, f"{path}[{index}]")
    elif not isinstance(value, PLAIN_TYPES):
        yield path, value


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` if one of the known words is close, else the known words."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(map(repr, names))}" if 0 < len(names) <= 12 else ""


def _dependencies_of(component: Any) -> list[str]:
    found = component.get("depends_on") if isinstance(component, Mapping) else getattr(component, "depends_on", None)
    return [other for other in found if isinstance(other, str)] if isinstance(found, (list, tuple)) else []


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        candidates = getattr(field.annotation, "__args__", (field.annotation,)) if field else ()
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return []
        model = nested[0]
    return list(model.model_fields)
