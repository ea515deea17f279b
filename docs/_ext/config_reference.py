"""Every field of the config models: type, default, meaning and an example."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from docstrings import parameters, sentence, summary
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from airflow_provider import components
from airflow_provider.runner import PipelineConfig

EXAMPLES = Path(__file__).with_name("field_examples.yaml")

TITLES = {
    "PipelineConfig": "Pipeline",
    "ComponentConfig": "Component",
    "RetryConfig": "Retry",
    "CircuitBreakerConfig": "Circuit breaker",
    "ResiliencePolicy": "Resilience",
    "SparkSection": "Spark",
    "RestartFrom": "Restart from",
}
WORDS = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", Any: "any value", dict: "mapping"}


def pipeline_models() -> dict[str, type[BaseModel]]:
    """Return the models of a pipeline file, by their title, in the order in which a reader meets them."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[type[BaseModel]] = [PipelineConfig]
    while waiting:
        model = waiting.pop(0)
        title = TITLES.get(model.__name__, model.__name__)
        if title not in found:
            found[title] = model
            waiting += [each for info in model.model_fields.values() for each in _models(info.annotation)]
    return found


def component_models() -> dict[str, type[BaseModel]]:
    """Return the configs of the ready-made components, by the component's name."""
    return {name: getattr(components, name).config_model for name in components.__all__}


def examples() -> dict[str, dict[str, Any]]:
    """Return an example of each field, by title and name of the field."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    return found


def fields_page(models: Mapping[str, type[BaseModel]], *, of_components: bool = False) -> str:
    """Return a page with all fields of these models."""
    return "\n".join(line for title, model in models.items() for line in _section(title, model, of_components))


def _section(title: str, model: type[BaseModel], of_components: bool) -> Iterator[str]:
    shown = examples().get(title, {})
    described = parameters(model)
    yield f"({anchor(title)})="
    yield f"## {title}\n"
    if not of_components:
        yield f"{summary(model)}\n"
    for name, info in model.model_fields.items():
        name = info.alias or name
        yield f"({anchor(title)}-{name})="
        yield f"### `{name}`\n"
        yield f"{type_words(info)} · {_default(info)}\n"
        yield f"{sentence(described.get(name, described.get(name + '_', '')))}\n"
        if name in shown:
            yield f"```yaml\n{_spelled(name, shown[name])}\n```\n"


def anchor(title: str) -> str:
    """Return the name by which other pages link to a section, or with the name of a field to that field."""
    return title.lower().replace(" ", "-")


def type_words(info: FieldInfo) -> str:
    """Return what a field takes, in words."""
    limits = [f"{word} {value:g}" for item in info.metadata for word, value in _limits(item)]
    return ", ".join([_words(info.annotation), *limits])


def _limits(item: Any) -> Iterator[tuple[str, float]]:
    for attribute, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if (value := getattr(item, attribute, None)) is not None:
            yield word, value


def _words(kind: Any) -> str:
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _words(given[0])
    if origin is typing.Literal:
        return " · ".join(f"`{value}`" for value in given)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(each) for each in given if each is not type(None))
    if origin in (list, tuple):
        return f"list of {_words(given[0])}"
    if origin is dict:
        return f"mapping of {_words(given[0])} to {_words(given[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        title = TITLES.get(kind.__name__, kind.__name__)
        return f"[{title}](#{anchor(title)})"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for each in typing.get_args(kind):
        yield from _models(each)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value in (None, PydanticUndefined) or value == {} or value == []:
        return "optional"
    return f"default `{yaml.safe_dump(value, default_flow_style=True).removesuffix('...' + chr(10)).strip()}`"


def _spelled(name: str, value: Any) -> str:
    """Return a field with its value on one line, or a list of mappings with a line for each of their fields."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return str(yaml.safe_dump({name: value}, default_flow_style=None, sort_keys=False)).rstrip()
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1000)
    return f"{name}: {text.removesuffix('...' + chr(10)).strip()}"
