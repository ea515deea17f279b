"""The pipeline config: what the author wrote, validated.

A wrong one raises :class:`~airflow_provider.errors.PipelineConfigError`, which lists every problem at once, whether it
is built in Python or loaded from a dict or a file (``config_loader``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.absolute_paths import absolute_path, working_directory
from airflow_provider.runner.config.component import resolve_component
from airflow_provider.runner.config.component_config import ComponentConfig
from airflow_provider.runner.config.component_object import ambiguous_paths
from airflow_provider.runner.config.component_problems import graph_problems, resource_problems
from airflow_provider.runner.config.graph import execution_order
from airflow_provider.runner.config.policies import (
    OnClear,
    OnCodeChange,
    OnConfigChange,
    OnFailure,
    OnSourceChange,
    ParallelComponents,
    SessionStatePolicy,
)
from airflow_provider.runner.config.problems import (
    kind_in_words,
    validation_problems,
)
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.config.sections import (
    CircuitBreakerConfig,
    ConfigSection,
    ResiliencePolicy,
    ResourceAmounts,
    RetryConfig,
    SparkSection,
)
from airflow_provider.runner.config.self_reference import CONTAINS_ITSELF, find_self_reference

__all__ = [
    "CircuitBreakerConfig",
    "ComponentConfig",
    "PipelineConfig",
    "ResiliencePolicy",
    "RetryConfig",
    "SparkSection",
    "written_components",
]


class PipelineConfig(ConfigSection):
    """A pipeline: a named, ordered graph of components.

    >>> PipelineConfig(name="daily", components=[{"name": "load", "class_path": "shop.steps.Load"}]).name
    'daily'

    :param name: name of the pipeline; part of the checkpoint's identity
    :param components: at least one component; they run in this order where dependencies allow
    :param version: your version of the pipeline, shown in the log
    :param environment: ``dev``, ``staging``, ``prod`` or whatever you call it; shown in the log
    :param tags: free-form labels, shown in the log
    :param spark: Spark settings
    :param on_config_change: what to do when the config differs from the checkpoint's: ``restart`` everything,
        ``rerun_affected`` the changed components and their descendants, or ``fail``
    :param on_code_change: what to do when the code of a completed component has changed since it ran:
        ``rerun_affected`` it and its descendants, ``restart`` everything, ``reuse`` its result with a warning, or
        ``fail``
    :param on_source_change: what to do when someone else changed data that a completed component had read: ``auto``
        keeps the old data in a retry, never mixing old and new, and reads the new data after a person cleared the task;
        ``keep`` never reruns a component because of a source; ``rerun_affected`` always reruns the readers and their
        descendants; or ``fail``
    :param on_clear: what to do when a person clears the Airflow task before the pipeline is complete: ``auto`` follows
        the choice in the dialog of Airflow 3.4 and later ("Keep task state and resume"), and resumes where Airflow does
        not ask; ``resume`` from the checkpoint, unless Airflow discarded it with the task state; ``restart`` everything
    :param restart_from: components that run again with their descendants although they had completed: a name, a list of
        names, or a mapping, see :class:`~airflow_provider.runner.config.restart_from.RestartFrom`. A run carries out
        each value once
    :param session_state: how the temp views of components survive: ``auto`` replays components that are known to be
        harmless and saves the views of the others; ``save`` saves all; ``replay`` replays all, and you vouch that this
        does no harm; ``none`` keeps nothing
    :param harmless_modules: modules, or names in them, that you vouch for: they have no side effects. They add to the
        known ones, see :mod:`airflow_provider.runner.session_state.effects.known_modules`
    :param max_parallel_components: how many components may run side by side; ``auto`` as many as the graph is wide, at
        most 8. With 1 they run one after the other, in the order of the plan
    :param on_failure: what becomes of the components that run when another one fails: ``finish_running`` lets them run
        to their end, so that no work is lost, and starts nothing new; ``cancel_running`` cancels them; ``continue``
        also starts whatever does not depend on the failed one
    :param max_resources: how much of each resource the components that run side by side may use together, such as
        ``{jdbc: 2}``; the names are your own
    :param session_state_format: the Spark data source that views are saved with
    :param replay_below_cpu_seconds: ``auto`` simply replays a harmless component that took less processor time than
        this, Python's and the executors' together; it saves the views of more expensive ones when the attempt fails
    :raises PipelineConfigError: with every problem of the whole config
    """

    name: str = Field(min_length=1)
    components: list[ComponentConfig] = Field(min_length=1)
    version: str = "1"
    environment: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    spark: SparkSection = Field(default_factory=SparkSection)
    on_config_change: OnConfigChange = "restart"
    on_code_change: OnCodeChange = "rerun_affected"
    on_source_change: OnSourceChange = "auto"
    on_clear: OnClear = "auto"
    restart_from: RestartFrom | None = None
    session_state: SessionStatePolicy = "auto"
    harmless_modules: list[str] = Field(default_factory=list)
    max_parallel_components: ParallelComponents = 1
    on_failure: OnFailure = "finish_running"
    max_resources: ResourceAmounts = Field(default_factory=dict)
    session_state_format: str = Field(default="parquet", min_length=1)
    replay_below_cpu_seconds: float = Field(default=10.0, ge=0)

    _source: str | None = PrivateAttr(default=None)
    _built_in: Path = PrivateAttr(default_factory=working_directory)

    @property
    def source(self) -> str | None:
        """The absolute path of the file that the config came from, None if it was built in Python."""
        return self._source

    def came_from(self, path: str) -> None:
        """Note the absolute path of the file that the config came from."""
        self._source = path

    @property
    def base_dir(self) -> Path:
        """Where relative paths inside the config start: the folder of its file, else the working directory in which it
        was built."""
        return Path(self._source).parent if self._source else self._built_in

    def spark_properties(self) -> dict[str, str]:
        """Return what a new Spark starts with: the ``spark`` section, and cores that components share fairly."""
        fair = {"spark.scheduler.mode": "FAIR"} if self.max_parallel_components != 1 else {}
        return fair | self.spark.to_spark_conf()

    @cached_property
    def ordered(self) -> tuple[ComponentConfig, ...]:
        """The enabled components in the order of execution."""
        by_name = {component.name: component for component in self.components}
        order = execution_order(self.dependencies)
        return tuple(by_name[name] for name in order if by_name[name].enabled)

    def after(self, name: str) -> tuple[ComponentConfig, ...]:
        """Return the enabled components that come after another one in the order of execution.

        :param name: name of that one
        """
        names = [component.name for component in self.ordered]
        return self.ordered[names.index(name) + 1 :]

    @property
    def dependencies(self) -> dict[str, list[str]]:
        """Component to the names that it depends on, disabled ones included."""
        return {component.name: component.depends_on for component in self.components}

    def session_state_of(self, name: str) -> SessionStatePolicy:
        """Return a component's policy for session state: its own, or the pipeline's.

        :param name: name of the component
        """
        own = next((component.session_state for component in self.components if component.name == name), None)
        return own or self.session_state

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the config, and derive again what follows from its fields."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("ordered", None)
        return copy

    @property
    def texts(self) -> dict[str, Mapping[str, str]]:
        """The texts of files, by component: see :attr:`ComponentConfig.texts`."""
        return {component.name: component.texts for component in self.components if component.texts}

    def with_texts(self, texts: Mapping[str, Mapping[str, str]]) -> Self:
        """Return the same pipeline with the texts of the files that its components name: they are not read again.

        :param texts: by component, name of the file to its text, with its templates rendered
        """
        components = [component.model_copy() for component in self.components]
        for component in components:
            component._texts = {**component.texts, **texts.get(component.name, {})}
        return self.model_copy(update={"components": components})

    def starting_in(self, folder: str | os.PathLike[str]) -> Self:
        """Return the same pipeline with another folder in which relative paths start, unless it came from a file."""
        copy = self.model_copy()
        copy._built_in = absolute_path(folder)
        return copy

    def as_written(self) -> dict[str, Any]:
        """Return the fields that were set, to be rendered and validated again. Classes and functions stay objects."""
        fields = self.model_dump(exclude_unset=True)
        for component, written in zip(self.components, fields["components"], strict=True):
            written["class_path"] = component.component_object or component.class_path
        return fields

    @model_validator(mode="wrap")
    @classmethod
    def _report(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(data, cls):
            return data
        if circle := find_self_reference(data):
            raise PipelineConfigError([ConfigProblem(CONTAINS_ITSELF, None, circle)])
        pipeline = None
        own: list[ConfigProblem] = []
        problems: list[ConfigProblem] = []
        graph: list[ConfigProblem] = []
        if isinstance(data, Mapping) and "components" in data:
            graph = graph_problems(written_components(data), data.get("restart_from"))
            good, problems = _validated(data["components"])
            problems += resource_problems({c.name: c.resources for c in good}, data.get("max_resources"))
            problems += ambiguous_paths([(c.name, c.class_path, c.component_object) for c in good], resolve_component)
            data = {**data, "components": good}
        try:
            pipeline = handler(data)
        except ValidationError as error:
            own = validation_problems(error, cls, None, data)
            if problems:  # the missing components are a consequence of these problems
                own = [problem for problem in own if problem.field != "components"]
        if own or problems or graph:
            raise PipelineConfigError([*own, *problems, *graph])
        return pipeline


def _validated(raw: Any) -> tuple[list[ComponentConfig], list[ConfigProblem]]:
    """Return the valid components, and the problems of the others."""
    if not isinstance(raw, (list, tuple)):
        message = f"expected a list of components ('- name: …'), got {kind_in_words(raw)}"
        return [], [ConfigProblem(message, None, "components")]
    good: list[ComponentConfig] = []
    problems: list[ConfigProblem] = []
    for position, item in enumerate(raw, start=1):
        try:
            good.append(ComponentConfig.model_validate(item))
        except PipelineConfigError as error:
            problems += [ConfigProblem(p.message, p.component or f"#{position}", p.field) for p in error.problems]
    return good, problems


def written_components(pipeline: Any) -> Sequence[Any]:
    """Return the components as the author wrote them; empty if that is not a list."""
    raw = pipeline.get("components") if isinstance(pipeline, Mapping) else None
    return raw if isinstance(raw, (list, tuple)) else ()
