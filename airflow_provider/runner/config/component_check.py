"""Checks that a component can be imported, accepts its config and can run, without running any of it.

Config values may be secrets, so no message here repeats one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from airflow_provider.errors import describe
from airflow_provider.runner.config.argument_types import ambiguous_values, containers_as_text
from airflow_provider.runner.config.callables import (
    cannot_take_session,
    run_takes,
    runs_nothing,
    runs_nothing_inside,
    signature_of,
)
from airflow_provider.runner.config.component import has_own_from_config, resolve_component
from airflow_provider.runner.config.component_object import ComponentObject
from airflow_provider.runner.config.dataflow import validate_component_config
from airflow_provider.runner.config.problems import suggestion, validation_problems
from airflow_provider.runner.config.scalars import AMBIGUOUS, ambiguous_words

Problems = list[tuple[str, str]]


def check_component(
    class_path: str,
    config: Mapping[str, Any],
    component_object: ComponentObject | None = None,
    base_dir: Path | None = None,
) -> Problems:
    """Check that a component can be imported, accepts its config and can run.

    :param class_path: its dotted path
    :param component_object: the class or function itself, which need not be imported then
    :param base_dir: where relative paths in the config start; None if that is not known yet
    :return: pairs of a field and what is wrong with it; empty if all is well
    """
    try:
        target = resolve_component(class_path, component_object)
    except LookupError as error:
        return [("class_path", str(error))]
    problems = [("class_path", message) for message in _cannot_run(class_path, target)]
    if inspect.isclass(target) or not inspect.isclass(inspect.unwrap(target)):
        problems += _config_problems(class_path, target, config)
    return problems or _own_problems(target, config, base_dir)


def warnings_of(
    class_path: str, config: Mapping[str, Any], component_object: ComponentObject | None = None
) -> Problems:
    """Return what is allowed but probably not meant, in the form of :func:`check_component`.

    :param class_path: dotted path of the component
    :param component_object: the class or function itself, if the config holds it
    """
    try:
        target = resolve_component(class_path, component_object)
    except LookupError:
        return []
    problems = []
    look = getattr(target, "config_warnings", None)
    if inspect.isclass(target) and callable(look):
        problems += _asked(lambda: look(dict(config)))
    if inside := runs_nothing_inside(target, class_path.rpartition(".")[2]):
        problems.append(("class_path", inside))
    if not inspect.isclass(target):
        missing, decorated = _decorated_missing(target, config)
        problems += [
            (f"config.{key}", f"is missing, unless the decorator of {decorated} supplies it") for key in missing
        ]
    return problems


def _cannot_run(class_path: str, target: Any) -> list[str]:
    name = class_path.rpartition(".")[2]
    nothing = runs_nothing(target, name)
    found = [nothing] if nothing else []
    if inspect.isclass(target):
        found += [
            f"class {name!r} {message}" if index else f"class {name!r} cannot be run: {message}"
            for index, message in enumerate((run_takes(target), cannot_take_session(target)))
            if message
        ]
    return found


def _config_problems(class_path: str, target: Any, config: Mapping[str, Any]) -> Problems:
    model = getattr(target, "config_model", None)
    if model is not None:
        return _model_problems(model, config)
    if inspect.isclass(target) and has_own_from_config(target):
        return ambiguous_values(None, config)  # the rest is decided when the component is built
    try:
        signature, decorated = signature_of(target)
    except (TypeError, ValueError):
        return []  # implemented in C, nothing to look at
    name = class_path.rpartition(".")[2]
    if inspect.isclass(target):
        return _argument_problems(name, signature, None, config) or _value_problems(target, config)
    session = next(iter(signature.parameters.values()), None)
    if session is None or session.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
        return [
            (
                "class_path",
                f"function {class_path!r} has no parameter for the session; define it as {name}(spark, **config)",
            )
        ]
    if decorated:
        signature = _lenient(signature)
        session = next(iter(signature.parameters.values()))
    return _argument_problems(name, signature, session, config) or _value_problems(target, config)


def _value_problems(target: Any, config: Mapping[str, Any]) -> Problems:
    return [*ambiguous_values(target, config), *containers_as_text(target, config)]


def _lenient(signature: Signature) -> Signature:
    """Return a signature without required parameters after the session, because a decorator may supply them."""
    first, *others = signature.parameters.values()
    variable = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    optional = [p if p.kind in variable else p.replace(kind=Parameter.KEYWORD_ONLY, default=None) for p in others]
    in_order = [p for p in optional if p.kind is not Parameter.VAR_POSITIONAL]
    if first.kind is Parameter.VAR_POSITIONAL:
        in_order = optional
    return signature.replace(parameters=[first.replace(default=Parameter.empty), *in_order])


def _decorated_missing(target: Any, config: Mapping[str, Any]) -> tuple[list[str], str]:
    try:
        signature, decorated = signature_of(target)
    except (TypeError, ValueError):
        return [], ""
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    takes = [p for p in list(signature.parameters.values())[1:] if p.kind in named and p.default is Parameter.empty]
    return [p.name for p in takes if decorated and p.name not in config], getattr(target, "__name__", repr(target))


def _own_problems(target: Any, config: Mapping[str, Any], base_dir: Path | None) -> Problems:
    look = getattr(target, "config_problems", None)
    if not inspect.isclass(target) or not callable(look):
        return []
    return _asked(lambda: look(dict(config), base_dir))


def _asked(ask: Any) -> Problems:
    try:
        return [(f"config.{field}" if field else "config", message) for field, message in ask()]
    except Exception as error:  # noqa: BLE001 - an author's check may raise anything
        return [("config", f"its own check failed: {describe(error)}")]


def _model_problems(model: type[BaseModel], config: Mapping[str, Any]) -> Problems:
    try:
        found = validate_component_config(model, config)
    except ValidationError as error:
        problems = validation_problems(error, model, None, config, show_values=False)
        return [(f"config.{problem.field}" if problem.field else "config", problem.message) for problem in problems]
    return [
        (f"config.{'.'.join(map(str, path))}", f"{str(word)!r} {AMBIGUOUS}")
        for path, word in ambiguous_words(vars(found) if isinstance(found, BaseModel) else {})
    ]


def _argument_problems(
    name: str, signature: Signature, session: Parameter | None, config: Mapping[str, Any]
) -> Problems:
    """Compare the config with the parameters of a class or function.

    :param session: the parameter that the runner fills with the Spark session; None for a class
    """
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    takes = {p.name: p for p in signature.parameters.values() if p is not session and p.kind in named}
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in signature.parameters.values())
    by_runner = {session.name} if session and session.kind is Parameter.POSITIONAL_OR_KEYWORD else set()

    problems = [
        (f"config.{key}", f"is missing; {name} takes {', '.join(takes)}")
        for key, parameter in takes.items()
        if parameter.default is Parameter.empty and key not in config
    ]
    for key in config:
        if key in by_runner:
            problems.append((f"config.{key}", "is supplied by the runner; remove it"))
        elif key not in takes and not takes_any:
            hint = suggestion(key, takes) if takes else "; it takes no config"
            problems.append((f"config.{key}", f"is not a parameter of {name}{hint}"))
    return problems or _bind_problems(name, signature, session, config)


def _bind_problems(name: str, signature: Signature, session: Parameter | None, config: Mapping[str, Any]) -> Problems:
    """Let Python itself bind the arguments, for problems that the names do not show."""
    positional = (None,) if session else ()
    try:
        signature.bind(*positional, **config)
    except TypeError as error:
        call = f"{name}(spark, **config)" if session else f"{name}(**config)"
        return [("config", f"does not fit {name}{signature}: {error}; the runner calls {call}")]
    return []
