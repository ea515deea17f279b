"""Loads a pipeline config from a file or a dict, and checks all of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.absolute_paths import absolute_path, working_directory
from airflow_provider.runner.config.component_check import warnings_of
from airflow_provider.runner.config.config_file import read_config_file
from airflow_provider.runner.config.import_check import Importable, import_problems
from airflow_provider.runner.config.model import PipelineConfig, written_components
from airflow_provider.runner.config.peer_config import from_peer_config
from airflow_provider.runner.config.self_reference import find_self_reference


def load_pipeline_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig,
    *,
    origin: str | None = None,
    importable: bool | Importable = True,
    look_at_files: bool = True,
) -> PipelineConfig:
    """Load and fully check a pipeline config, including that every enabled component can be imported.

    >>> daily = {"name": "daily", "components": [{"name": "load", "class_path": "shop.steps.Load"}]}
    >>> load_pipeline_config(daily, importable=False).components[0].name
    'load'

    :param source: path of a ``.yaml``, ``.yml``, ``.json``, ``.conf`` or ``.hocon`` file, a mapping with the fields of
        :class:`PipelineConfig`, or a :class:`PipelineConfig`, which is checked again
    :param origin: for a mapping that came from a file: the path of that file
    :param importable: whether components must be importable here; False if they run on another host. Or a function that
        decides it for a class path and the class or function itself, if the config holds one
    :param look_at_files: whether the files that the config names are on this host, so that a missing one is a problem
    :return: the validated config
    :raises PipelineConfigError: with every problem that was found
    """
    if isinstance(source, (str, os.PathLike)):
        origin = os.fspath(source)
        source = read_config_file(origin)
    source, untaken = from_peer_config(source)
    if untaken:
        try:
            load_pipeline_config(source, origin=origin, importable=importable, look_at_files=look_at_files)
        except PipelineConfigError as error:
            untaken += error.problems
        raise PipelineConfigError(untaken, origin)
    try:
        # model_validate also reports a source that is not a mapping as a problem of the config.
        config = PipelineConfig.model_validate(source)
    except PipelineConfigError as error:
        base_dir = _folder(origin) if look_at_files else None
        more = (
            import_problems(written_components(source), importable, base_dir)
            if find_self_reference(source) is None
            else []
        )
        raise PipelineConfigError([*error.problems, *more], origin) from None
    if origin is not None:
        config.came_from(str(absolute_path(origin)))
    problems = import_problems(config.components, importable, config.base_dir if look_at_files else None)
    if problems:
        raise PipelineConfigError(problems, config.source)
    return config


def config_warnings(config: PipelineConfig) -> list[ConfigProblem]:
    """Return what a valid config says that its author probably did not mean."""
    return [
        ConfigProblem(message, component.name, field)
        for component in config.ordered
        for field, message in warnings_of(component.class_path, component.config, component.component_object)
    ]


def _folder(origin: str | None) -> Path:
    return Path(origin).parent if origin else working_directory()
