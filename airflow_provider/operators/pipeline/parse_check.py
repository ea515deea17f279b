"""Checks a pipeline when Airflow parses the DAG file: without Spark, and before templates are rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.operators.pipeline.source import read_source
from airflow_provider.operators.pipeline.templates import component_of, holds_template, written_at
from airflow_provider.runner import PipelineConfig, load_pipeline_config
from airflow_provider.template_files import find_template_file

_READY_MADE = "airflow_provider.components."
_OF_THE_GRAPH = ("name", "depends_on", "restart_from")


def check_when_parsed(pipeline: Any, folders: Sequence[Path], *, imports: bool) -> None:
    """Raise what is wrong with a pipeline whatever its templates render to.

    :param pipeline: the operator's ``pipeline``
    :param folders: where a relative path starts; the first folder that has the file counts
    :param imports: whether to import the components, which imports Spark; otherwise only ready-made components and
        classes and functions themselves are checked
    :raises PipelineConfigError: with every such problem
    """
    if not isinstance(pipeline, (str, Mapping, PipelineConfig)):
        return  # the result of another task
    written, origin = read_source(pipeline, folders)
    try:
        load_pipeline_config(
            written,
            origin=origin,
            importable=lambda path, given: imports or given or path.startswith(_READY_MADE),
            look_at_files=imports and origin is not None,
        )
    except PipelineConfigError as error:
        certain = [problem for problem in error.problems if not _is_open(problem, written, folders)]
        if certain:
            raise PipelineConfigError(certain, origin) from None


def _is_open(problem: ConfigProblem, written: Any, folders: Sequence[Path]) -> bool:
    """Return whether a problem may be gone once templates are rendered and all folders are searched."""
    last = (problem.field or "").partition(".")[0]
    if last in _OF_THE_GRAPH and _has_open_names(written):
        return True
    if last == "class_path" and problem.component is not None:
        return holds_template((component_of(written, problem.component) or {}).get("class_path"))
    value = written_at(written, problem)
    return holds_template(value) or (
        last == "config" and isinstance(value, str) and find_template_file(value, folders) is not None
    )


def _has_open_names(written: Any) -> bool:
    raw = written.get("components")
    if holds_template(raw) and not isinstance(raw, (list, tuple)):
        return True
    components = [item for item in raw if isinstance(item, Mapping)] if isinstance(raw, (list, tuple)) else []
    return holds_template([[item.get("name"), item.get("depends_on")] for item in components])
