"""Renders the templates of a pipeline file, and of the SQL files that it names, as Airflow would, without Airflow.

Templates may use the names that the command line defines, ``run_id``, ``params``, ``var``, ``macros`` and Airflow's
filters; ``ds`` or ``logical_date`` also defines the other dates. No date is defined by default: today's would differ
tomorrow, and a failed run could not resume.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import ConfigProblem, PipelineConfigError, describe
from airflow_provider.runner.config.absolute_paths import working_directory
from airflow_provider.runner.config.config_file import read_config_file, read_config_text
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.template_files import TemplatedComponent, TemplateFiles, raw_hint

if TYPE_CHECKING:
    from jinja2 import Environment

_DAY = "%Y-%m-%d"
_LONGEST = 200

_FILTERS: Mapping[str, Callable[[datetime], str]] = {
    "ds": lambda value: value.strftime(_DAY),
    "ds_nodash": lambda value: value.strftime("%Y%m%d"),
    "ts": lambda value: value.isoformat(),
    "ts_nodash": lambda value: value.strftime("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda value: value.isoformat().replace("-", "").replace(":", ""),
}
"""Airflow's filters, each of which is also a name for the run's logical date."""


def _ds_add(ds: str, days: int) -> str:
    return (datetime.strptime(ds, _DAY) + timedelta(days=days)).strftime(_DAY)


def _ds_format(ds: str, input_format: str, output_format: str) -> str:
    return datetime.strptime(ds, input_format).strftime(output_format)


_MACROS = SimpleNamespace(
    datetime=datetime,
    timedelta=timedelta,
    time=time,
    uuid=uuid,
    random=random.random,
    ds_add=_ds_add,
    ds_format=_ds_format,
)


def known_names(run_id: str, file: Path | None, given: Sequence[str]) -> dict[str, Any]:
    """Return the names that templates may use, with their values.

    :param run_id: id of the run
    :param file: a YAML or JSON file with a mapping of names to values, None for none
    :param given: ``NAME=VALUE``, each a text; a dot leads into a mapping (``params.rows=3``). They win over the file
    :raises PipelineConfigError: the file or a text is not of that form, or the date cannot be read
    """
    names: dict[str, Any] = dict(read_config_file(file)) if file is not None else {}
    for text in given:
        path, sign, value = text.partition("=")
        parts = path.split(".")
        if not sign or not all(part.isidentifier() for part in parts):
            raise _wrong(
                f"--var {text!r} is not NAME=VALUE, such as ds=2026-01-31, params.rows=10 or var.value.bucket=x"
            )
        inner = names
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise _wrong(f"--var {text!r}: {part!r} already has a value, so it cannot hold further names")
        inner[parts[-1]] = value
    found: dict[str, Any] = {"run_id": run_id, "params": {}, "var": {"value": {}, "json": {}}, "macros": _MACROS}
    dates = _dates(names)
    if "logical_date" in names:
        names["logical_date"] = dates["logical_date"]
    if "ds" in names:
        names["ds"] = str(names["ds"])  # which YAML reads as a date
    return found | dates | names


def _dates(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that follow from the date, if one is given."""
    given = names.get("logical_date", names.get("ds"))
    if given is None:
        return {}
    try:
        date = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise _wrong(f"{str(given)!r} is not a date; write it as 2026-01-31 or 2026-01-31T06:00:00+00:00") from None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return {name: form(date) for name, form in _FILTERS.items()} | {
        "logical_date": date,
        "data_interval_start": date,
        "data_interval_end": date,
    }


def render_pipeline_file(path: Path, names: Mapping[str, Any], text: str | None = None) -> dict[str, Any]:
    """Read a pipeline file and render the templates in it.

    :param path: the file
    :param names: the names that templates may use
    :param text: what the file is to contain; None for what it contains
    :raises PipelineConfigError: the file cannot be read, or templates cannot be rendered; names each of them
    """
    content = read_config_file(path) if text is None else read_config_text(path, lambda source: text)
    problems: list[ConfigProblem] = []
    result: dict[str, Any] = _render(content, (), names, problems)
    if problems:
        raise PipelineConfigError(problems, str(path))
    return result


def with_rendered_files(config: PipelineConfig, names: Mapping[str, Any]) -> PipelineConfig:
    """Return a pipeline with the templates rendered in the ``.sql`` files that its components name.

    Looks in the folder of the pipeline's file, then in the working directory.

    :param config: the pipeline, with the templates in its own file rendered
    :param names: the names that templates may use
    :raises PipelineConfigError: a file cannot be found, read or rendered; names each of them
    """
    # In Airflow the DAG's folder comes second. Whoever tries a pipeline most likely stands in it.
    folders = (config.base_dir, working_directory())
    files = TemplateFiles(_environment(), names, folders, lambda error: _explain(error, names))
    components = [TemplatedComponent(c.name, c.target(), c.config) for c in config.ordered]
    return config.with_texts(files.render(components, config.source).texts)


def _render(value: Any, at: tuple[Any, ...], names: Mapping[str, Any], problems: list[ConfigProblem]) -> Any:
    if isinstance(value, Mapping):
        named = value.get("name") if len(at) == 2 and at[0] == "components" else None
        at = (at[0], named) if isinstance(named, str) else at
        return {key: _render(item, (*at, key), names, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, (*at, index), names, problems) for index, item in enumerate(value)]
    if not isinstance(value, str) or ("{{" not in value and "{%" not in value and "{#" not in value):
        return value
    try:
        return _environment().from_string(value).render(names)
    except Exception as error:  # noqa: BLE001 - whatever a filter or a macro raises
        why = f"{_explain(error, names)}{raw_hint(error)}"
    shown = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    component = str(at[1]) if len(at) > 1 and at[0] == "components" else None
    field = ".".join(map(str, at[2:] if component else at))
    problems.append(ConfigProblem(f"cannot render the template {shown!r}: {why}", component, field))
    return value


def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, extensions=["jinja2.ext.do"]
    )
    environment.filters.update(_FILTERS)
    return environment


def _explain(error: Exception, names: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, UndefinedError

    if isinstance(error, UndefinedError):
        return f"{error.message}; known: {', '.join(_listed(names))}; define more with --var NAME=VALUE or --vars FILE"
    return str(error.message) if isinstance(error, TemplateError) else describe(error)


def _listed(names: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the known names, with a dot for those in a mapping."""
    for name in sorted(names):
        value = names[name]
        if isinstance(value, Mapping) and value:
            yield from _listed(value, f"{above}{name}.")
        elif not isinstance(value, Mapping):
            yield f"{above}{name}"


def _wrong(message: str) -> PipelineConfigError:
    return PipelineConfigError([ConfigProblem(message)], None)
