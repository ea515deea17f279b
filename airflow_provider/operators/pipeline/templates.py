"""Renders the templates in a pipeline, and explains what went wrong with them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from airflow_provider.errors import ConfigProblem, PipelineConfigError, describe
from airflow_provider.masking import mask
from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.config.problems import component_name, suggestion
from airflow_provider.template_files import raw_hint

Path = tuple[str | int, ...]

_MARKS = ("{{", "{%", "{#")
_ONE_EXPRESSION = re.compile(r"\s*\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)
_UNDEFINED = re.compile(r"'(?P<name>\w+)' is undefined$")
_OF_THE_LOGICAL_DATE = frozenset(
    {"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date", "task_instance_key_str"}
    | {"data_interval_start", "data_interval_end"}
    | {"prev_data_interval_start_success", "prev_data_interval_end_success"}
)
"""Names that Airflow defines only for a DAG run with a logical date."""
_NUMBERS = {int, float, type(None)}
_PLAIN = {int, float, str, bool, type(None)}


def render(content: Any, origin: str | None, renderer: Callable[[Any], Any], known: Collection[str] = ()) -> Any:
    """Render the templates in every string of a pipeline.

    :param content: the pipeline as the author wrote it
    :param origin: the file that it is from
    :param renderer: renders any value
    :param known: names that a template may use, for suggestions
    :raises PipelineConfigError: a template cannot be rendered, or one that is a whole value renders to None
    """
    try:
        rendered = renderer(content)
    except Exception as error:
        if may_pass(error):
            raise
        raise PipelineConfigError(_not_rendered(content, renderer, known) or [_problem((), error)], origin) from None
    nothing = [
        _problem_at(content, path, f"its template {_shown(text)} renders to None; give it a value")
        for path, text in leaves(content)
        if _ONE_EXPRESSION.fullmatch(text) and _is_the_word_none(at(rendered, path))
    ]
    if nothing:
        raise PipelineConfigError(nothing, origin)
    return rendered


def holds_template(value: Any) -> bool:
    """Return whether a value, or anything in it, is only known when the task runs."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, Mapping):
        return any(map(holds_template, value.values()))
    if isinstance(value, (list, tuple, set)):
        return any(map(holds_template, value))
    return hasattr(value, "resolve") and hasattr(value, "iter_references")  # the result of another task


def leaves(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every template in a pipeline."""
    return ((path, text) for path, text in texts(value) if holds_template(text))


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every text in a pipeline."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))
    elif isinstance(value, str):
        yield path, value


def at(value: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path, None if there is none."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def written_at(written: Any, problem: ConfigProblem) -> Any:
    """Return what the author wrote at a problem's field, or the scalar that stands in place of a value around it.

    :param written: the pipeline with its templates
    :param problem: names the component and the field
    """
    value = component_of(written, problem.component) if problem.component is not None else written
    for part in (problem.field or "").split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, (list, tuple)) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, (Mapping, list, tuple)):
            return None
    return value


def component_of(written: Any, component: str) -> Any:
    """Return a component as the author wrote it, by its name or ``#<position>``; None if there is none."""
    raw = written.get("components") if isinstance(written, Mapping) else None
    components = raw if isinstance(raw, (list, tuple)) else ()
    if re.fullmatch(r"#\d+", component) and int(component[1:]) <= len(components):
        return components[int(component[1:]) - 1]
    return next((item for item in components if component_name(item) == component), None)


def with_templates(error: PipelineConfigError, written: Any) -> PipelineConfigError:
    """Return the error with the templates whose values are wrong added to its problems."""
    problems = []
    for problem in error.problems:
        text = written_at(written, problem) if problem.field else None
        if isinstance(text, str) and holds_template(text):
            problem = replace(problem, message=f"{problem.message}; the value comes from the template {_shown(text)}")
        problems.append(problem)
    return PipelineConfigError(problems, error.source)


def wrong_kinds(written: Any, config: PipelineConfig) -> list[ConfigProblem]:
    """Return a problem for each template that renders to text or None where the component's annotation forbids it.

    :param written: the pipeline with its templates
    :param config: the same pipeline, rendered and validated
    """
    problems = []
    for component in config.ordered:
        templates = _templates_of(component_of(written, component.name))
        wanted = _wanted_by(component.target()) if templates else {}
        for key in templates.keys() & wanted.keys() & component.config.keys():
            kinds, value = wanted[key], component.config[key]
            words = " or ".join(sorted(kind.__name__ for kind in kinds - {type(None)}))
            message = f"expected {words}, but its template {_shown(templates[key])} renders to"
            if value is None and type(None) not in kinds:
                problems.append(ConfigProblem(f"{message} None; give it a value", component.name, f"config.{key}"))
            elif isinstance(value, str) and kinds <= _NUMBERS:
                remedy = "set render_template_as_native_obj=True on the DAG, or annotate it as str and convert it"
                problems.append(ConfigProblem(f"{message} text; {remedy}", component.name, f"config.{key}"))
    return problems


def _templates_of(component: Any) -> dict[str, str]:
    config = component.get("config") if isinstance(component, Mapping) else None
    return {key: text for key, text in config.items() if _is_text(text)} if isinstance(config, Mapping) else {}


def _wanted_by(target: Any) -> dict[str, set[type]]:
    """Return the plain types of each parameter whose annotation consists of plain types."""
    if hasattr(target, "config_model") or hasattr(target, "from_config"):
        return {}  # such a class checks and converts its own config
    try:
        parameters = inspect.signature(target, eval_str=True).parameters
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return {}
    kinds = {name: set(get_args(p.annotation) or [p.annotation]) for name, p in parameters.items()}
    return {name: found for name, found in kinds.items() if found <= _PLAIN}


def _not_rendered(content: Any, renderer: Callable[[Any], Any], known: Collection[str]) -> list[ConfigProblem]:
    problems = []
    for path, text in texts(content):
        try:
            renderer(text)
        except Exception as error:
            if may_pass(error):
                raise
            hint = hint_at(error, known)
            line = getattr(error, "lineno", None) if "\n" in text.strip() else None
            where = f" (line {line})" if line else ""
            why = f"{explain_template_error(error)}{raw_hint(error)}{hint}"
            problems.append(_problem_at(content, path, f"cannot render its template {_shown(text)}{where}: {why}"))
    return problems


def explain_template_error(error: Exception) -> str:
    """Return in words what a template raised."""
    message = getattr(error, "message", None)
    return message if type(error).__name__ == "TemplateSyntaxError" and message else describe(error)


def hint_at(error: Exception, known: Collection[str]) -> str:
    """Return a suggestion for an undefined name, empty if no known name is close.

    :param error: what the template raised
    :param known: the names that it may use
    """
    undefined = _UNDEFINED.search(str(error))
    if undefined is None:
        return ""
    if undefined["name"] in _OF_THE_LOGICAL_DATE:
        return (
            "; this DAG run has no logical date (it is null), and with it no data interval: use run_id or "
            "dag_run.run_after, or give the run a logical date"
        )
    return suggestion(undefined["name"], known, most=0)


def refuse_map_index(template: str | None, renderer: Callable[[str], object], known: Collection[str]) -> None:
    """Raise if the name of a mapped task's index cannot be rendered.

    Airflow renders it when the task is done, and fails it for this after its work, at each try.

    :param template: the task's ``map_index_template``, None without one
    :param renderer: renders a template as Airflow will
    :param known: names that it may use, for suggestions
    :raises PipelineConfigError: it cannot be rendered
    """
    if template is None:
        return
    try:
        renderer(template)
    except Exception as error:
        if may_pass(error):
            raise
        why = f"{explain_template_error(error)}{hint_at(error, known)}"
        message = f"the task's map_index_template {_shown(template)} cannot be rendered: {why}"
        raise PipelineConfigError([ConfigProblem(message)]) from None


def _problem(path: Path, error: Exception) -> ConfigProblem:
    message = f"cannot render a template: {explain_template_error(error)}{raw_hint(error)}"
    return ConfigProblem(message, None, ".".join(map(str, path)) or None)


def _problem_at(content: Any, path: Path, message: str) -> ConfigProblem:
    if len(path) > 2 and path[0] == "components" and isinstance(path[1], int):
        name = component_name(at(content, path[:2])) or f"#{path[1] + 1}"
        return ConfigProblem(message, name, ".".join(map(str, path[2:])))
    return ConfigProblem(message, None, ".".join(map(str, path)) or None)


def _is_the_word_none(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == "None"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and holds_template(value)


def _shown(text: str) -> str:
    """Return a template as written; of a long text only the lines with a template in them."""
    if len(text) > 200:
        text = " … ".join(line.strip() for line in text.splitlines() if holds_template(line))[:200]
    return repr(mask(text))


def may_pass(error: Exception) -> bool:
    """Return whether an error may be gone on another try: Airflow or the network was briefly unreachable."""
    if isinstance(error, (OSError, TimeoutError)):
        return True
    return type(error).__name__ == "AirflowRuntimeError" and "NOT_FOUND" not in str(error)
