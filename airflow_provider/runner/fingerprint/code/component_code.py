"""Reads the code of a pipeline's components."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from airflow_provider.errors import describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.fingerprint.code.code_reader import read_code
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.spark_runtime import with_runtime

logger = logging.getLogger(__name__)


def read_component_code(
    component: ComponentConfig,
    base_dir: Path,
    also: Iterable[str] = (),
    stops: Iterable[str] = (),
    search: Iterable[str] = (),
) -> CodeReading | None:
    """Read the code of one component; None if it does not exist here or cannot be read.

    :param base_dir: the pipeline's folder, whose code is the author's own
    :param also: see :func:`~airflow_provider.runner.fingerprint.code.code_reader.read_code`
    :param stops: see there
    :param search: see there
    """
    try:
        target = component.target()
    except LookupError:
        return None  # such a pipeline cannot run; the config check says so
    path = None if component.component_object is not None else component.class_path
    try:
        return read_code(target, roots=[base_dir], path=path, also=also, stops=stops, search=search)
    except Exception as error:  # noqa: BLE001 - a run must not fail because its code is unusual
        logger.warning("cannot read the code of component %r: %s", component.name, describe(error))
        return None


def read_executed(
    component: ComponentConfig, config: PipelineConfig, entered: Iterable[str]
) -> tuple[CodeReading | None, list[str]]:
    """Read the code of a component that has just run, with what decides beside it what it computes.

    :param component: its config
    :param config: the pipeline's
    :param entered: the author's functions that ran, as far as Python could tell
    :return: its code, None as in :func:`read_component_code`, and the functions that ran although nothing refers to
        them
    """
    reading = read_component_code(component, config.base_dir)
    if reading is None:
        return None, []
    unread = [name for name in entered if name not in reading.functions]
    read = read_component_code(component, config.base_dir, unread) if unread else reading
    return (with_runtime(read, config.spark.to_spark_conf()) if read is not None else None), unread


def read_code_of_components(
    config: PipelineConfig, also: Mapping[str, Iterable[str]], search: Iterable[str] = ()
) -> dict[str, CodeReading | None]:
    """Read the code of all enabled components, with what decides beside it what they compute.

    :param also: component to further names, see :func:`~airflow_provider.runner.fingerprint.code.code_reader.read_code`
    :param search: see there
    """
    places = tuple(search)
    settings = config.spark.to_spark_conf()
    readings = {
        component.name: read_component_code(component, config.base_dir, also.get(component.name, ()), search=places)
        for component in config.ordered
    }
    return {name: with_runtime(reading, settings) if reading else None for name, reading in readings.items()}
