"""Checks that the components of a config can be imported and accept their config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import (
    TypeAdapter,
    ValidationError,
)

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.config.component_check import check_component
from airflow_provider.runner.config.component_config import ComponentConfig
from airflow_provider.runner.config.component_object import ComponentObject, component_object_in
from airflow_provider.runner.config.problems import (
    as_name,
    component_name,
)

_BOOLEAN = TypeAdapter(bool)


Importable = Callable[[str, ComponentObject | None], object]


def import_problems(
    components: Sequence[Any], importable: bool | Importable, base_dir: Path | None
) -> list[ConfigProblem]:
    """Check each component that names a class or function, also if something else is wrong with it.

    :param components: :class:`ComponentConfig` objects, or whatever the author wrote instead
    :param importable: see :func:`~airflow_provider.runner.config.config_loader.load_pipeline_config`
    :param base_dir: where relative paths in the config start; None to check no files
    """
    problems = []
    for position, item in enumerate(components, start=1):
        fields = dict(item) if isinstance(item, (ComponentConfig, Mapping)) else {}
        try:
            component_object = (
                item.component_object if isinstance(item, ComponentConfig) else component_object_in(fields)
            )
        except LookupError:
            continue  # not a component, which is reported as a problem by itself
        class_path, config = (
            component_object.path if component_object else fields.get("class_path"),
            fields.get("config", {}),
        )
        if not isinstance(class_path, str) or not (
            importable(class_path, component_object) if callable(importable) else importable
        ):
            continue
        if class_path and isinstance(config, Mapping) and _is_enabled(fields):
            name = component_name(item) or f"#{position}"
            named = {key: value for written, value in config.items() if (key := as_name(written))}
            known = isinstance(item, ComponentConfig) and bool(item.texts)  # its files have been found and read
            found = check_component(class_path, named, component_object, None if known else base_dir)
            problems += [ConfigProblem(message, name, field) for field, message in found]
    return problems


def _is_enabled(fields: Mapping[Any, Any]) -> bool:
    try:
        return _BOOLEAN.validate_python(fields.get("enabled", True))
    except ValidationError:
        return False  # not a boolean, which is reported as a problem by itself
