"""Reads the operator's ``pipeline`` and validates it once its templates are rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.operators.pipeline.native_values import known_target
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.operators.pipeline.templates import holds_template, with_templates, wrong_kinds
from airflow_provider.runner import PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.config_file import read_config_file
from airflow_provider.runner.config.problems import component_name
from airflow_provider.runner.config.scalars import restore_folded_text
from airflow_provider.template_files import TemplatedComponent, file_not_found, find_template_file

if TYPE_CHECKING:  # comes with the engine, which parsing a DAG file does not need
    from airflow_provider.runner.running.airflow_attempt_spec import TemplatedField

CONFIG_FILES = (".yaml", ".yml", ".json", ".conf", ".hocon")

_NO = ("false", "no", "off", "n", "f", "0")
"""What pydantic reads as False."""

Source = str | Mapping[str, Any] | PipelineConfig
"""A file's path, the fields of a pipeline, or a config built in Python."""


def read_source(source: Source, folders: Sequence[Path]) -> tuple[Any, str | None]:
    """Return the pipeline as the author wrote it, and the file that it is from.

    :param source: the operator's ``pipeline``
    :param folders: where a relative path starts; the first folder that has the file counts
    :raises PipelineConfigError: the file does not exist or cannot be read
    """
    if isinstance(source, str):
        if "\n" in source or source.lstrip().startswith("{"):
            problem = (
                "is text where the path of a file, a mapping or another task's result is expected. If it comes from a "
                "template, set render_template_as_native_obj=True on the DAG, or pass the task's result itself "
                "(task.output)"
            )
            raise PipelineConfigError([ConfigProblem(problem, None, "pipeline")])
        found = find_template_file(source, folders)
        if found is None and Path(source).suffix.lower() in CONFIG_FILES and not (folders[0] / source).is_dir():
            problem = f"{file_not_found(source, folders)}; give an absolute path or one that exists"
            raise PipelineConfigError([ConfigProblem(problem)], str(folders[0] / source))
        origin = str(found or folders[0] / source)
        return read_config_file(origin), origin
    if isinstance(source, PipelineConfig):
        return source.as_written(), source.source
    return source, None


def with_policies(source: RenderedPipeline, policies: Mapping[str, Any], *, runs_here: bool = True) -> PipelineConfig:
    """Validate a pipeline, with the operator's policies in place of the pipeline's own.

    :param source: the rendered pipeline
    :param policies: the operator's; None for one that it does not give
    :param runs_here: whether the components run in this process, and so must be importable here
    :raises PipelineConfigError: with every problem
    """
    given = {key: value for key, value in policies.items() if value is not None}
    content, written, origin = restore_folded_text(source.content, source.written), source.written, source.origin
    whole = {**content, **given} if isinstance(content, Mapping) else content
    try:
        # Files were searched where Airflow searches, and the missing ones are among the source's problems.
        config = load_pipeline_config(whole, origin=origin, importable=runs_here, look_at_files=False)
    except PipelineConfigError as error:
        known = {(problem.component, problem.field) for problem in source.problems}
        others = [problem for problem in error.problems if (problem.component, problem.field) not in known]
        raise with_templates(PipelineConfigError([*others, *source.problems], error.source), written) from None
    problems = [*source.problems, *(wrong_kinds(written, config) if runs_here else [])]
    if problems:
        raise PipelineConfigError(problems, config.source)
    return config.with_texts(source.texts)


def named_components(content: Any) -> list[TemplatedComponent]:
    """Return the components and the files that they name, as far as known without importing the author's modules.

    :param content: the pipeline, rendered and not yet validated
    """
    raw = content.get("components") if isinstance(content, Mapping) else None
    found = []
    for index, item in enumerate(raw if isinstance(raw, (list, tuple)) else (), start=1):
        config = item.get("config") if isinstance(item, Mapping) else None
        if isinstance(config, Mapping) and str(item.get("enabled", True)).lower() not in _NO:
            found.append(
                TemplatedComponent(component_name(item) or f"#{index}", known_target(item.get("class_path")), config)
            )
    return found


def templated_fields(source: RenderedPipeline, config: PipelineConfig) -> list[TemplatedField]:
    """Return component and field of each value with a template in it.

    :param source: the rendered pipeline
    :param config: the same, validated
    """
    written = source.written
    raw = written.get("components") if isinstance(written, Mapping) else None
    if not isinstance(raw, (list, tuple)) or len(raw) != len(config.components):
        return []
    found = list(source.templated)
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
