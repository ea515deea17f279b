"""Problems of components whose single fields may all be right: contents, names, dependencies."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.config.graph import find_cycles
from airflow_provider.runner.config.problems import as_name, component_name, suggestion, with_article
from airflow_provider.runner.config.restart_from import names_written

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


def content_problems(component: Mapping[Any, Any]) -> list[ConfigProblem]:
    """Return the problems of a component whose single fields may all be right."""
    name = component_name(component)
    problems = []
    if component.get("resilience") and (component.get("retry") or component.get("circuit_breaker")):
        message = "cannot be combined with 'retry' or 'circuit_breaker'; keep one of the two forms"
        problems.append(ConfigProblem(message, name, "resilience"))
    for path, value in unhashable(component.get("config")):
        message = (
            f"holds {with_article(type(value).__name__)}, which cannot be fingerprinted; use plain data "
            "(text, numbers, dates, lists, mappings)"
        )
        problems.append(ConfigProblem(message, name, f"config{path}"))
    return problems


def graph_problems(components: Sequence[Any], restart_from: Any) -> list[ConfigProblem]:
    """Check names and dependencies across components, which may have other problems as well.

    :param components: mappings or ``ComponentConfig`` objects; anything else is ignored. Without components, references
        are not checked
    :param restart_from: where to restart from, as the author wrote it
    """
    problems = []
    nodes = [(component_name(item), _dependencies_of(item)) for item in components]
    known = [(name, depends_on) for name, depends_on in nodes if name is not None]
    for name, count in Counter(name for name, _ in known).items():
        if count > 1:
            message = f"{count} components have this name; names must be unique"
            problems.append(ConfigProblem(message, name, "name"))
    graph = dict(known)
    for name, depends_on in known:
        for other in depends_on:
            if other == name:
                problems.append(ConfigProblem("depends on itself; remove this dependency", name, "depends_on"))
            elif other not in graph:
                problems.append(ConfigProblem(_unknown_component(other, graph), name, "depends_on"))
    for cycle in find_cycles(graph):
        message = f"dependency cycle: {' -> '.join(cycle)}; remove one of these dependencies"
        problems.append(ConfigProblem(message, cycle[0], "depends_on"))
    starts = [name for name in map(as_name, names_written(restart_from)) if name is not None and name not in graph]
    if components:
        problems += [ConfigProblem(_unknown_component(name, graph), None, "restart_from") for name in starts]
    return problems


def resource_problems(uses: Mapping[str, Mapping[str, int]], max_resources: Any) -> list[ConfigProblem]:
    """Check that each component can get the resources that it uses.

    :param uses: component to how much it uses of each resource
    :param max_resources: how much there is of each, as the author wrote it
    """
    limits = {} if max_resources is None else max_resources
    if not isinstance(limits, Mapping):
        return []  # a problem of its own, or a template that is not rendered yet
    problems = []
    for name, resources in uses.items():
        for resource, amount in resources.items():
            place = f"resources.{resource}"
            if resource not in limits:
                hint = suggestion(resource, map(str, limits)) or "; add it to the pipeline's max_resources"
                problems.append(ConfigProblem(f"unknown resource {resource!r}{hint}", name, place))
            elif (limit := _amount(limits[resource])) is not None and amount > limit:
                message = (
                    f"uses {amount} of {resource!r}, and the pipeline's max_resources has only {limit}, so it could "
                    f"never run; lower it, or set max_resources.{resource} to at least {amount}"
                )
                problems.append(ConfigProblem(message, name, place))
    return problems


def _amount(written: Any) -> int | None:
    """Return a whole amount as validation will read it, None for a value that it refuses."""
    try:
        return int(str(written))
    except ValueError:
        return None


def _unknown_component(name: str, known: Iterable[str]) -> str:
    return f"unknown component {name!r}{suggestion(name, known)}"


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


def _dependencies_of(component: Any) -> list[str]:
    found = component.get("depends_on") if isinstance(component, Mapping) else getattr(component, "depends_on", None)
    names = [as_name(other) for other in found] if isinstance(found, (list, tuple)) else []
    return [name for name in names if name is not None]
