"""``render_template_as_native_obj``: keeps a template's value text where only text fits."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from airflow_provider.operators.pipeline.templates import Path, at, leaves
from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.config.scalars import SparkValue

_READY_MADE = "airflow_provider.components."


def text_where_meant(written: Any, rendered: Any, as_text: Callable[[str], str]) -> Any:
    """Return the pipeline with templates rendered to text where only text fits.

    Airflow renders them to Python values: a version of ``1.10`` becomes the number 1.1, and ``20260131`` is not a name.

    :param written: the pipeline with its templates
    :param rendered: the same pipeline, rendered to Python values
    :param as_text: renders a template to text
    """
    for path, template in leaves(written):
        value = at(rendered, path)
        if isinstance(value, (int, float)) and _takes_only_text(_wanted(written, path), type(value)):
            rendered = _with(rendered, path, as_text(template))
    return rendered


def numbers_as_text(written: Any, rendered: Any, as_text: Callable[[str], str]) -> Any:
    """Return the value of an operator's field with templates rendered to text instead of numbers.

    :param written: the field with its templates
    :param rendered: the same field, rendered to Python values
    :param as_text: renders a template to text
    """
    for path, template in leaves(written):
        value = at(rendered, path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            rendered = _with(rendered, path, as_text(template))
    return rendered


def known_target(class_path: Any) -> Any:
    """Return a component's class or function, None if it is neither imported nor ready-made.

    :param class_path: what the author wrote
    """
    if not isinstance(class_path, str):
        return class_path if callable(class_path) else None
    module, _, name = class_path.rpartition(".")
    if class_path.startswith(_READY_MADE):
        import airflow_provider.components.sql.run_sql  # noqa: F401 - with all of the package
    return getattr(sys.modules.get(module), name, None)


def _wanted(written: Any, path: Path) -> Any:
    """Return the annotation of the value at a path, None if there is none."""
    if len(path) > 3 and path[0] == "components" and path[2] == "config":
        component = at(written, path[:2])
        target = known_target(component.get("class_path")) if isinstance(component, Mapping) else None
        return _below(_config_of(target), path[3:])
    return _below(PipelineConfig, path)


def _config_of(target: Any) -> Any:
    """Return what describes the config of a class or function: a model, or a mapping of names to annotations."""
    model = getattr(target, "config_model", None)
    if model is not None or target is None or hasattr(target, "from_config"):
        return model
    try:
        parameters = inspect.signature(target, eval_str=True).parameters
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return None
    return {name: parameter.annotation for name, parameter in parameters.items()}


def _below(annotation: Any, path: Sequence[str | int]) -> Any:
    """Return the annotation of the value at a path below an annotated one."""
    for index, part in enumerate(path):
        if isinstance(annotation, Mapping):
            annotation = annotation.get(part)
            continue
        for choice in _choices(annotation):
            if isinstance(choice, type) and issubclass(choice, BaseModel):
                fields = {field.alias or name: field.annotation for name, field in choice.model_fields.items()}
                return _below(fields.get(str(part)), path[index + 1 :])
            arguments = get_args(choice)
            if get_origin(choice) in (dict, Mapping) and len(arguments) == 2:
                return _below(arguments[1], path[index + 1 :])
            if get_origin(choice) in (list, tuple, set, Sequence) and arguments and isinstance(part, int):
                return _below(arguments[0], path[index + 1 :])
        return None
    return annotation


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _takes_only_text(annotation: Any, kind: type) -> bool:
    if annotation == SparkValue and kind is bool:
        return False  # it is written as Spark writes it
    choices = _choices(annotation)
    return str in choices and kind not in choices and not (kind is int and float in choices)


def _with(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """Return a copy of nested mappings and lists with another value at a path."""
    if not path:
        return new
    if isinstance(value, Mapping):
        return {key: _with(item, path[1:], new) if key == path[0] else item for key, item in value.items()}
    return [_with(item, path[1:], new) if index == path[0] else item for index, item in enumerate(value)]
