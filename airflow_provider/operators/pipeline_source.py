"""From what the DAG author gave the operator to a validated config, with its templates rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.rendered_pipeline import RenderedPipeline
from airflow_provider.operators.templates import holds_template, with_templates, wrong_kinds
from airflow_provider.runner import PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.file import read_config_file
from airflow_provider.runner.config.scalars import refolded

if TYPE_CHECKING:  # it comes with the engine, which a DAG file that is parsed does not need
    from airflow_provider.runner.running.airflow_attempt import TemplatedField

Source = str | Mapping[str, Any] | PipelineConfig
"""A file's path, the fields of a pipeline, or a config built in Python."""


def read_source(source: Source, folder: Path) -> tuple[Any, str | None]:
    """Return the pipeline as the author wrote it, and the file that it is from.

    :param source: what the author gave
    :param folder: where a relative path starts
    :raises PipelineConfigError: there is no such file, or it cannot be read
    """
    if isinstance(source, str):
        origin = str(folder / source)
        return read_config_file(origin), origin
    if isinstance(source, PipelineConfig):
        return source.as_written(), source.source
    return source, None


def with_policies(source: RenderedPipeline, policies: Mapping[str, Any], *, runs_here: bool = True) -> PipelineConfig:
    """Validate a pipeline, with what the operator says in place of the pipeline's own policies.

    :param source: the rendered pipeline
    :param policies: the operator's; None stands for not given
    :param runs_here: whether the components run in this process, and so must be importable here
    :raises PipelineConfigError: with every problem
    """
    given = {key: value for key, value in policies.items() if value is not None}
    content, written, origin = refolded(source.content, source.written), source.written, source.origin
    whole = {**content, **given} if isinstance(content, Mapping) else content
    try:
        config = load_pipeline_config(whole, origin=origin, importable=runs_here)
    except PipelineConfigError as error:
        raise with_templates(error, written) from None
    problems = wrong_kinds(written, config) if runs_here else []
    if problems:
        raise PipelineConfigError(problems, config.source)
    return config


def templated_fields(written: Any, config: PipelineConfig) -> list[TemplatedField]:
    """Return which fields of which components hold a template.

    :param written: the pipeline with its templates
    :param config: the same, rendered and validated
    """
    raw = written.get("components") if isinstance(written, Mapping) else None
    if not isinstance(raw, (list, tuple)) or len(raw) != len(config.components):
        return []
    found = []
    for component, fields in zip(config.components, raw, strict=True):
        found += [(component.name, name) for name, value in _flat(fields) if holds_template(value)]
    return found


def _flat(fields: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a component, with ``config`` taken apart into ``config.<key>``."""
    for name, value in fields.items() if isinstance(fields, Mapping) else ():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        else:
            yield str(name), value
