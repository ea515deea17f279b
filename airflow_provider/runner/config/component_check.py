"""Whether a component can be imported and takes its config. Nothing of it is run.

Config values may be secrets, so no message here repeats one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any

from pydantic import BaseModel, ValidationError

from airflow_provider.runner.config.component import has_own_from_config, resolve
from airflow_provider.runner.config.given import Given
from airflow_provider.runner.config.problems import explain, suggest


def check_component(class_path: str, config: Mapping[str, Any], given: Given | None = None) -> list[tuple[str, str]]:
    """Check that a component can be imported and takes its config.

    :param class_path: its dotted path
    :param config: its config
    :param given: what was given itself, so that it need not be imported
    :return: pairs of field and what is wrong with it; empty if nothing is
    """
    try:
        target = resolve(class_path, given)
    except LookupError as error:
        return [("class_path", str(error))]
    model = getattr(target, "config_model", None)
    if model is not None:
        return _model_problems(model, config)
    if inspect.isclass(target) and has_own_from_config(target):
        return []  # that decides, when the component is built
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return []  # implemented in C, nothing to look at
    name = class_path.rpartition(".")[2]
    if inspect.isclass(target):
        return _argument_problems(name, signature, None, config)
    session = next(iter(signature.parameters.values()), None)
    if session is None or session.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
        return [
            ("class_path", f"function {class_path!r} cannot take the session; define it as {name}(spark, **config)")
        ]
    return _argument_problems(name, signature, session, config)


def _model_problems(model: type[BaseModel], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    try:
        model.model_validate(dict(config))
    except ValidationError as error:
        problems = explain(error, model, None, show_values=False)
        return [(f"config.{problem.field}" if problem.field else "config", problem.message) for problem in problems]
    return []


def _argument_problems(
    name: str, signature: Signature, session: Parameter | None, config: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Compare the config with the arguments that a class or function takes.

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
            problems.append((f"config.{key}", "is given by the runner; remove it"))
        elif key not in takes and not takes_any:
            hint = suggest(key, takes) if takes else "; it takes no config"
            problems.append((f"config.{key}", f"is not taken by {name}{hint}"))
    return problems or _bind_problems(name, signature, session, config)


def _bind_problems(
    name: str, signature: Signature, session: Parameter | None, config: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Ask Python itself, for whatever a look at the names does not find."""
    positional = (None,) if session else ()
    try:
        signature.bind(*positional, **config)
    except TypeError as error:
        call = f"{name}(spark, **config)" if session else f"{name}(**config)"
        return [("config", f"does not fit {name}{signature}: {error}; the runner calls {call}")]
    return []
