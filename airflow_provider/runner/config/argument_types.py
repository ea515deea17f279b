"""Converts config values to the types that a function's annotations ask for, where a file leaves the type open."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from airflow_provider.runner.config.callables import signature_of
from airflow_provider.runner.config.problems import NATIVE, looks_like_list, looks_like_mapping
from airflow_provider.runner.config.scalars import (
    AMBIGUOUS,
    WrittenFloat,
    WrittenInt,
    WrittenWord,
    ambiguous_words,
    plain_value,
)

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def arguments_for(target: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with Python's own values: the written text where the annotation asks for text.

    :param target: the function or class that takes the config as keyword arguments; None if its types are unknown
    :param config: the config as written
    :raises ValueError: a value has two possible meanings
    """
    found = dict(_as_wanted(target, config))
    for path, word in ambiguous_words(found):
        raise ValueError(f"config.{'.'.join(map(str, path))}: {str(word)!r} {AMBIGUOUS}")
    return found


def ambiguous_values(target: Any, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return field and problem of each value with two possible meanings."""
    return [
        (f"config.{'.'.join(map(str, path))}", f"{str(word)!r} {AMBIGUOUS}")
        for path, word in ambiguous_words(dict(_as_wanted(target, config)))
    ]


def containers_as_text(target: Any, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return field and problem of each text that looks like a list or a mapping where the annotation asks for one.

    A loop over such a text silently iterates over its letters.
    """
    problems = []
    for name, parameter in _parameters_of(target).items():
        value = config.get(name)
        wanted = _container(parameter) if isinstance(value, str) else None
        looks_like = {"a list": looks_like_list, "a mapping": looks_like_mapping}
        if wanted is not None and looks_like[wanted](str(value)):
            problems.append((f"config.{name}", f"expected {wanted}, got text that looks like {wanted}; {NATIVE}"))
    return problems


def _container(parameter: Parameter) -> str | None:
    """Return whether a parameter takes a list or a mapping and no text, by its annotation or its default."""
    annotation = parameter.annotation
    if annotation is Parameter.empty:
        annotation = type(parameter.default)
    is_union = get_origin(annotation) in (Union, UnionType)
    kinds = [get_origin(part) or part for part in (get_args(annotation) if is_union else (annotation,))]
    kinds = [kind for kind in kinds if kind is not NoneType]
    if not all(isinstance(kind, type) and kind not in (str, object) for kind in kinds):
        return None
    if any(issubclass(kind, Mapping) for kind in kinds):
        return "a mapping"
    return "a list" if any(issubclass(kind, Iterable) for kind in kinds) else None


def _as_wanted(target: Any, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kinds = _kinds_of(target) if target is not None else {}
    for key, value in config.items():
        yield key, plain_value(_converted(value, kinds.get(key, frozenset())))


def _converted(value: Any, kinds: frozenset[Any]) -> Any:
    if isinstance(value, WrittenWord):
        if bool in kinds and str not in kinds:
            return bool(value)
        return str(value) if str in kinds and bool not in kinds else value
    if isinstance(value, str) and kinds == {
        bool
    }:  # a template turns a boolean into text, and HOCON keeps yes and no as text
        return _BOOLEANS.get(value.lower(), value)
    if isinstance(value, (WrittenFloat, WrittenInt)):
        return str(value) if str in kinds and not kinds & {int, float} else value
    if isinstance(value, Mapping):
        return {key: _converted(item, kinds) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_converted(item, kinds) for item in value]
    return value


def _kinds_of(target: Any) -> dict[str, frozenset[Any]]:
    """Return the plain types in each parameter's annotation, or else the type of its default."""
    return {name: _kinds(parameter) for name, parameter in _parameters_of(target).items()}


def _parameters_of(target: Any) -> dict[str, Parameter]:
    try:
        parameters = signature_of(target)[0].parameters
    except (TypeError, ValueError):
        return {}
    inside = inspect.unwrap(target)
    function = inside.__init__ if inspect.isclass(inside) else inside
    names = getattr(function, "__globals__", {})
    return {name: p.replace(annotation=_evaluated(p.annotation, names)) for name, p in parameters.items()}


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    """Evaluate one annotation that is text; one at a time, because ``SparkSession`` is often imported for mypy only."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # noqa: S307 - the author's code, which is imported already
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return annotation


def _kinds(parameter: Parameter) -> frozenset[Any]:
    if parameter.annotation is not Parameter.empty:
        return frozenset(_leaves(parameter.annotation))
    default = parameter.default
    return frozenset() if default is Parameter.empty or default is None else frozenset({type(default)})


def _leaves(annotation: Any) -> Iterator[Any]:
    named = {"str": str, "bool": bool, "int": int, "float": float}
    if isinstance(annotation, str):
        annotation = named.get(annotation.removesuffix("| None").strip(), annotation)
    parts = get_args(annotation)
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        parts = parts[1:]
    if not parts:
        yield annotation
    for part in parts:
        if part is not NoneType:
            yield from _leaves(part)
