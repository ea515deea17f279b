"""Renders the template files that components name, ``.sql`` files above all, as Airflow renders its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.components.sql_syntax.sql_text import read_sql_file
from airflow_provider.errors import ConfigProblem, PipelineConfigError, SqlStatementError
from airflow_provider.runner.config.zipped_files import file_exists

if TYPE_CHECKING:
    from jinja2 import Environment

RAW = "if it is meant literally, put it between {% raw %} and {% endraw %}"
"""What to do with text that only looks like a template."""

ExplainTemplateError = Callable[[Exception], str]
"""Says why a template could not be rendered."""


@dataclass(frozen=True)
class TemplatedComponent:
    """A component and the template files that it names.

    :param component: its name, or ``#3`` for the third one if it has no usable name
    :param config: its config, with rendered templates
    """

    component: str
    target: Any
    config: Mapping[str, Any]

    def files(self) -> Mapping[str, str]:
        """Return the name of the file for each key of the config that names one."""
        declared = getattr(self.target, "template_files", None)
        return dict(declared(self.config)) if callable(declared) else {}


@dataclass(frozen=True)
class TemplateFiles:
    """Finds and renders template files.

    :param environment: Jinja's environment, which renders to text; its loader finds included files
    :param names: the names that templates may use
    :param folders: where relative paths start; the first folder that has the file wins
    :param explain: describes an error of a template
    :param may_pass: whether an error is not the author's, so that another try may help; such an error is raised
        unchanged
    :param optional: whether to skip a file that does not exist here, because it may exist where the components run
    """

    environment: Environment
    names: Mapping[str, Any]
    folders: Sequence[Path]
    explain: ExplainTemplateError
    may_pass: Callable[[Exception], bool] = field(default=lambda error: False)
    optional: bool = False

    def render(self, components: Iterable[TemplatedComponent], origin: str | None) -> RenderedFiles:
        """Return the rendered texts of the files that components name.

        :param components: the components, each with its config
        :param origin: the pipeline's file, for messages
        :raises PipelineConfigError: files cannot be found, read or rendered; names component and field of each
        """
        self._load_from_folders()
        texts: dict[str, dict[str, str]] = {}
        templated: list[tuple[str, str]] = []
        problems: list[ConfigProblem] = []
        for named in components:
            for key, name in named.files().items():
                at = named.component, f"config.{key}"
                path = find_template_file(name, self.folders)
                if path is None:
                    if not self.optional:
                        problems.append(ConfigProblem(file_not_found(name, self.folders), *at))
                    continue
                try:
                    source = read_sql_file(path)
                except SqlStatementError as error:
                    problems.append(ConfigProblem(str(error), *at))
                    continue
                if not holds_marks(source, self.environment):
                    texts.setdefault(named.component, {})[name] = source
                    continue
                templated.append((named.component, f"file {name}"))
                try:
                    text = self._rendered(path, source)
                except Exception as error:
                    if self.may_pass(error):
                        raise
                    problems.append(ConfigProblem(self._problem(error, path), *at))
                    continue
                texts.setdefault(named.component, {})[name] = text
        if problems:
            raise PipelineConfigError(problems, origin)
        return RenderedFiles(texts, tuple(templated))

    def _rendered(self, path: Path, source: str) -> str:
        environment = self.environment
        code = environment.compile(source, name=path.name, filename=str(path))
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return template.render(self.names)

    def _problem(self, error: Exception, path: Path) -> str:
        from jinja2 import TemplateNotFound

        why = f"{self.explain(error)}{raw_hint(error)}"
        if isinstance(error, TemplateNotFound):
            why = file_not_found(str(error.name), self.folders)
        return f"the template file {template_error_place(error, path)} cannot be rendered: {why}"

    def _load_from_folders(self) -> None:
        """Find included files beside the files, in a zip archive too, before the environment's own loader looks."""
        from jinja2 import ChoiceLoader, FunctionLoader

        def load(name: str) -> tuple[str, str, None] | None:
            path = find_template_file(name, self.folders)
            return (read_sql_file(path), str(path), None) if path is not None else None

        own = self.environment.loader
        self.environment.loader = ChoiceLoader([FunctionLoader(load), *([own] if own is not None else [])])


@dataclass(frozen=True)
class RenderedFiles:
    """The texts of files with rendered templates.

    :param texts: by component, name of the file to its text
    :param templated: component and file of each file that has a template; the file as the fingerprint names it
    """

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    templated: tuple[tuple[str, str], ...] = ()


def find_template_file(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the file of that name in the first folder that has it, None if none has.

    :param name: a path, absolute or relative to the folders
    """
    return next((path for folder in folders if file_exists(path := folder / name)), None)


def file_not_found(name: str, folders: Sequence[Path]) -> str:
    """Say that a file does not exist, and where the search went."""
    if os.path.isabs(name):
        return f"there is no file {name!r}"
    where = ", ".join(map(str, dict.fromkeys(folders)))
    return f"there is no file {name!r}; searched in {where}"


def holds_marks(text: str, environment: Environment) -> bool:
    """Return whether a text has anything that Jinja would render."""
    marks = (environment.variable_start_string, environment.block_start_string, environment.comment_start_string)
    lines = (environment.line_statement_prefix, environment.line_comment_prefix)
    return any(mark in text for mark in (*marks, *filter(None, lines)))


def template_error_place(error: Exception, path: Path) -> str:
    """Return file and line where a template failed, which may be in an included file."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename or path}, line {error.lineno},"
    place, trace = str(path), error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name in ("top-level template code", "template") or code.co_name.startswith("block '"):
            place = f"{code.co_filename}, line {trace.tb_lineno},"
        trace = trace.tb_next
    return place


def raw_hint(error: Exception) -> str:
    """Return the remedy if text that only looks like a template caused the error; empty if it is not a syntax error."""
    from jinja2 import TemplateSyntaxError

    return f"; {RAW}" if isinstance(error, TemplateSyntaxError) else ""
