"""Renders an operator's fields as Airflow does, and also the pipeline in a file and its SQL files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_provider.errors import NotRetriableError, PipelineConfigError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.pipeline.rendered import RenderedPipeline
    from airflow_provider.template_files import TemplatedComponent

_ANY_VALUE = ("op_args", "op_kwargs", "restart_from")
"""Fields in which a number stays a number."""


class TemplatedTask:
    """Mixin for operators: renders their fields, and the pipeline wherever it is."""

    pipeline: Any
    _runs_here = True
    _started_in: str | None = None

    overwrite_rtif_after_execution = True
    """Let Airflow store the rendered fields again at the end, when the result of a decorated function is known."""

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Context, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """Render the other fields as Airflow does, and the pipeline here: so Airflow also shows one from a file."""
        airflow: Any = super()
        others = [field for field in template_fields if field != "pipeline"]
        written = {field: getattr(parent, field, None) for field in others if field not in _ANY_VALUE}
        airflow._do_render_template_fields(parent, others, context, jinja_env, seen_oids)
        if parent is self and is_native(jinja_env):
            from airflow_provider.operators.pipeline.native_values import numbers_as_text

            text = self._as_text(context, jinja_env)
            for field, value in written.items():
                setattr(self, field, numbers_as_text(value, getattr(self, field, None), text))
        if "pipeline" in template_fields and self.pipeline:
            with contextlib.suppress(NotRetriableError):  # the attempt raises the same
                self.pipeline = self._rendered(context, jinja_env, seen_oids)

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render as Airflow does, but leave text without a template as text.

        With ``render_template_as_native_obj`` Airflow turns that into Python values, too: ``"1.10"`` would be 1.1.
        """
        airflow: Any = super()
        environment = jinja_env or self._environment()
        if isinstance(content, str) and is_native(environment):
            from airflow_provider.template_files import holds_marks

            if not holds_marks(content, environment):
                return content
        return airflow.render_template(content, context, environment, seen_oids)

    @property
    def started_in(self) -> str:
        """The working directory of the process when the DAG file was parsed; a component may change it later."""
        from airflow_provider.runner.config.absolute_paths import working_directory

        return self._started_in or str(working_directory())

    def _note_working_directory(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # it has been removed
            self._started_in = os.getcwd()

    def _environment(self) -> Any:
        operator: Any = self
        return operator.get_template_env()

    def _text_environment(self, environment: Any) -> Any:
        """Return a Jinja environment that renders to text, with the DAG's macros, filters and loader.

        :param environment: the one that renders the task's fields
        """
        operator: Any = self
        if not is_native(environment) or not operator.has_dag():
            return environment.overlay()
        return operator.dag.get_template_env(force_sandboxed=True)

    def _as_text(self, context: Context, environment: Any) -> Callable[[str], str]:
        text = self._text_environment(environment)
        return lambda template: str(text.from_string(template).render(context))

    def _rendered(self, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None) -> RenderedPipeline:
        """Read the pipeline and render it. Takes the arguments of Airflow's ``render_template``.

        :raises PipelineConfigError: the pipeline cannot be read, or a template cannot be rendered
        """
        from airflow_provider.operators.airflow_secrets import use_airflow_redactor
        from airflow_provider.operators.pipeline.native_values import text_where_meant
        from airflow_provider.operators.pipeline.rendered import RenderedPipeline
        from airflow_provider.operators.pipeline.source import named_components, read_source
        from airflow_provider.operators.pipeline.templates import render
        from airflow_provider.runner import PipelineConfig

        use_airflow_redactor()
        environment = jinja_env or self._environment()

        def rendered(value: Any) -> Any:
            return self.render_template(value, context, environment, seen_oids)

        given = self.pipeline.source if isinstance(self.pipeline, RenderedPipeline) else self.pipeline
        # A path may be a template, and all of it another task's result, which Airflow does not render either.
        source = given if isinstance(given, PipelineConfig) else render(given, None, rendered, context)
        if isinstance(source, Mapping):
            pipeline = RenderedPipeline(given, given if isinstance(given, Mapping) else source, source)
        else:
            written, origin = read_source(source, self._folders())
            pipeline = RenderedPipeline(given, written, render(written, origin, rendered, context), origin)
        if is_native(environment):
            content = text_where_meant(pipeline.written, pipeline.content, self._as_text(context, environment))
            pipeline = replace(pipeline, content=content)
        return self._with_files(pipeline, named_components(pipeline.content), context, environment)

    def _with_files(
        self, pipeline: RenderedPipeline, components: Sequence[TemplatedComponent], context: Context, environment: Any
    ) -> RenderedPipeline:
        """Add the rendered texts of the files that components name.

        :param pipeline: the pipeline, itself rendered
        :param components: the components that name files
        :param context: the names that templates may use
        :param environment: the one that renders the task's fields
        """
        from airflow_provider.operators.pipeline.templates import explain_template_error, hint_at, may_pass
        from airflow_provider.template_files import TemplateFiles

        beside = [Path(pipeline.origin).parent] if pipeline.origin else []
        files = TemplateFiles(
            self._text_environment(environment),
            cast("Mapping[str, Any]", context),
            [*beside, *self._folders(), *([] if beside else [Path(self.started_in)])],
            lambda error: f"{explain_template_error(error)}{hint_at(error, context)}",
            may_pass,
            optional=not self._runs_here,
        )
        try:
            found = files.render(components, pipeline.origin)
        except PipelineConfigError as error:
            return replace(pipeline, problems=(*pipeline.problems, *error.problems))
        texts = {**pipeline.texts, **found.texts}
        return replace(pipeline, texts=texts, templated=(*pipeline.templated, *found.templated))

    def _refuse_map_index(self, context: Context) -> None:
        """Raise PipelineConfigError if Airflow could not name a mapped task's index when the work is done."""
        from airflow_provider.operators.pipeline.templates import refuse_map_index

        environment = self._environment()
        template = cast("Mapping[str, Any]", context).get("map_index_template")
        refuse_map_index(template, lambda text: environment.from_string(text).render(context), context)

    def _folders(self) -> list[Path]:
        """Return where relative paths start, in Airflow's order: the DAG's folder, then its ``template_searchpath``."""
        from airflow_provider.runner.config.absolute_paths import absolute_path

        operator: Any = self
        dag = operator.dag if operator.has_dag() else None
        if dag is None or not dag.fileloc:
            return [Path(self.started_in)]
        search = dag.template_searchpath or ()
        return [
            absolute_path(folder, self.started_in)
            for folder in (dag.folder, *([search] if isinstance(search, str) else search))
        ]


def is_native(environment: Any) -> bool:
    """Return whether a Jinja environment renders to Python values (``render_template_as_native_obj``)."""
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(environment, NativeEnvironment)
