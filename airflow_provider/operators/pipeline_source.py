"""From what the DAG author gave the operator to a validated config, with its templates rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError, describe
from airflow_provider.runner import CheckpointState, PipelineConfig, load_pipeline_config
from airflow_provider.runner.config_file import read_config_file
from airflow_provider.runner.plan import changed_since

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
        return source.model_dump(exclude_unset=True), source.source
    return source, None


def render(content: Any, origin: str | None, renderer: Callable[[Any], Any]) -> Any:
    """Render the templates in every string of a pipeline.

    :param content: the pipeline as the author wrote it
    :param origin: the file that it is from
    :param renderer: renders any value
    :raises PipelineConfigError: a template cannot be rendered
    """
    from jinja2 import TemplateError

    try:
        return renderer(content)
    except TemplateError as error:
        problem = ConfigProblem(f"a template cannot be rendered: {describe(error)}")
        raise PipelineConfigError([problem], origin) from error


def with_policies(content: Any, origin: str | None, policies: Mapping[str, Any]) -> PipelineConfig:
    """Validate a pipeline, with what the operator says in place of the pipeline's own policies.

    :param content: the rendered pipeline
    :param origin: the file that it is from
    :param policies: the operator's; None stands for not given
    :raises PipelineConfigError: with every problem
    """
    given = {key: value for key, value in policies.items() if value is not None}
    return load_pipeline_config({**content, **given} if isinstance(content, Mapping) else content, origin=origin)


def unstable_templates(written: Any, config: PipelineConfig, checkpoint: CheckpointState) -> list[str]:
    """Say which fields hold a template and have another value than in the attempt that wrote the checkpoint.

    :param written: the pipeline with its templates
    :param config: the same, rendered and validated
    :param checkpoint: the record of the earlier attempts
    """
    raw = written.get("components") if isinstance(written, Mapping) else None
    if not isinstance(raw, (list, tuple)) or len(raw) != len(config.components):
        return []
    by_name = dict(zip((component.name for component in config.components), raw, strict=True))
    return [
        f"component {change.component!r}, field {change.field!r}: its template has another value than in attempt "
        f"{checkpoint.attempt}, so what had completed counts as made under another config; in a template use what "
        "stays the same within a DAG run, such as ds or run_id, not try_number or the time"
        for change in changed_since(config, checkpoint)
        if change.field is not None
        and change.kind == "changed"
        and _has_template(by_name[change.component], change.field)
    ]


def _has_template(component: Any, field: str) -> bool:
    section, _, key = field.partition(".")
    value = component.get(section) if isinstance(component, Mapping) else None
    if key and isinstance(value, Mapping):
        value = value.get(key)
    return _holds_template(value)


def _holds_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(map(_holds_template, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_holds_template, value))
