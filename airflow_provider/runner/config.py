"""The pipeline config: what the author wrote, validated.

A config is built in Python (:class:`PipelineConfig`) or loaded with :func:`load_pipeline_config`
from a dict or a YAML, JSON or HOCON file. Either way a wrong one raises
:class:`~airflow_provider.errors.PipelineConfigError`, which lists every problem at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.component import check_component
from airflow_provider.runner.config_file import read_config_file
from airflow_provider.runner.config_problems import explain, graph_problems, name_of, suggest, unhashable
from airflow_provider.runner.graph import execution_order
from airflow_provider.runner.session_state.handling import Policy

OnConfigChange = Literal["restart", "rerun_affected", "fail"]


class _Section(BaseModel):
    """A part of the config: unknown fields are refused, and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class RetryConfig(_Section):
    """A component's own retries, inside one attempt.

    :param max_attempts: tries in all, the first one included
    :param initial_delay_seconds: pause before the second try
    :param max_delay_seconds: longest pause
    :param backoff_multiplier: factor from one pause to the next
    :param retry_on_exceptions: names of exception classes (``OSError`` or ``my.module.Error``) that
        are worth another try; a subclass counts
    """

    max_attempts: int = Field(default=3, ge=1)
    initial_delay_seconds: float = Field(default=1.0, ge=0)
    max_delay_seconds: float = Field(default=60.0, ge=0)
    backoff_multiplier: float = Field(default=2.0, ge=1)
    retry_on_exceptions: list[str] = Field(default_factory=lambda: ["Exception"])


class CircuitBreakerConfig(_Section):
    """When a component that keeps failing is left alone for a while.

    :param failure_threshold: failed tries in a row that open the circuit
    :param success_threshold: successful tries in a row that close a half-open one
    :param timeout_seconds: how long an open circuit refuses tries
    :param half_open_max_calls: tries that are let through while it is half open
    """

    failure_threshold: int = Field(default=5, ge=1)
    success_threshold: int = Field(default=2, ge=1)
    timeout_seconds: float = Field(default=60.0, gt=0)
    half_open_max_calls: int = Field(default=1, ge=1)


class ResiliencePolicy(_Section):
    """``retry`` and ``circuit_breaker`` bundled under one key."""

    retry: RetryConfig | None = None
    circuit_breaker: CircuitBreakerConfig | None = None


class SparkSection(_Section):
    """Spark settings of the pipeline. The operator's connection and ``spark_conf`` win over them.

    :param app_name: application name
    :param master: ``local[*]``, ``spark://…``, ``yarn``, ``k8s://…``
    :param deploy_mode: ``client`` or ``cluster``
    :param driver_memory: e.g. ``2g``
    :param driver_cores: cores of the driver
    :param executor_memory: e.g. ``4g``
    :param executor_cores: cores per executor
    :param num_executors: number of executors, unless ``dynamic_allocation``
    :param dynamic_allocation: let Spark choose the number of executors
    :param spark_conf: any further Spark properties; they win over the fields above
    """

    app_name: str | None = None
    master: str | None = None
    deploy_mode: Literal["client", "cluster"] | None = None
    driver_memory: str | None = None
    driver_cores: int | None = Field(default=None, ge=1)
    executor_memory: str | None = None
    executor_cores: int | None = Field(default=None, ge=1)
    num_executors: int | None = Field(default=None, ge=1)
    dynamic_allocation: bool | None = None
    spark_conf: dict[str, str] = Field(default_factory=dict)

    @field_validator("spark_conf", mode="before")
    @classmethod
    def _spell_booleans_as_spark_does(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: str(item).lower() if isinstance(item, bool) else item for key, item in value.items()}

    def to_spark_conf(self) -> dict[str, str]:
        """Return the settings as Spark properties; what the author left out is left out."""
        named = {
            "spark.app.name": self.app_name,
            "spark.master": self.master,
            "spark.submit.deployMode": self.deploy_mode,
            "spark.driver.memory": self.driver_memory,
            "spark.driver.cores": self.driver_cores,
            "spark.executor.memory": self.executor_memory,
            "spark.executor.cores": self.executor_cores,
            "spark.executor.instances": None if self.dynamic_allocation else self.num_executors,
            "spark.dynamicAllocation.enabled": self.dynamic_allocation,
        }
        conf = {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in named.items()
            if value is not None
        }
        return conf | self.spark_conf


class ComponentConfig(_Section):
    """One component of a pipeline.

    :param name: unique in the pipeline; any characters
    :param class_path: dotted path of a class with ``run()`` or of a function ``fn(spark, **config)``
    :param component_type: ``source``, ``transformation`` or ``sink``
    :param config: what the component is given; plain data only, because it is fingerprinted
    :param depends_on: names of the components that must be complete before this one
    :param retry: the component's own retries inside one attempt
    :param circuit_breaker: when to stop trying a component that keeps failing
    :param resilience: ``retry`` and ``circuit_breaker`` under one key; not together with either
    :param enabled: False leaves the component out
    :param session_state: what becomes of the temp views that it leaves; default: the pipeline's policy
    :param checkpoint_version: raise it when the code changed in a way that makes old results wrong
    :param always_run: run it in every attempt in which anything runs, for components that set things up
    :raises PipelineConfigError: with every problem of this component
    """

    name: str = Field(min_length=1)
    class_path: str = Field(min_length=1)
    component_type: Literal["source", "transformation", "sink"] = "transformation"
    config: dict[str, Any] = Field(default_factory=dict)
    depends_on: list[str] = Field(default_factory=list)
    retry: RetryConfig | None = None
    circuit_breaker: CircuitBreakerConfig | None = None
    resilience: ResiliencePolicy | None = None
    enabled: bool = True
    session_state: Policy | None = None
    checkpoint_version: str | None = None
    always_run: bool = False

    @property
    def retry_policy(self) -> RetryConfig | None:
        """The retries in force, wherever the author wrote them."""
        return self.resilience.retry if self.resilience else self.retry

    @property
    def breaker_policy(self) -> CircuitBreakerConfig | None:
        """The circuit breaker in force, wherever the author wrote it."""
        return self.resilience.circuit_breaker if self.resilience else self.circuit_breaker

    @model_validator(mode="wrap")
    @classmethod
    def _report(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(data, cls):
            return data
        problems: list[ConfigProblem] = []
        component = None
        try:
            component = handler(data)
        except ValidationError as error:
            problems += explain(error, cls, name_of(data))
        if isinstance(data, Mapping):
            if data.get("resilience") and (data.get("retry") or data.get("circuit_breaker")):
                message = "is set together with 'retry' or 'circuit_breaker'; keep one of the two spellings"
                problems.append(ConfigProblem(message, name_of(data), "resilience"))
            for path, value in unhashable(data.get("config")):
                message = (
                    f"holds a {type(value).__name__}, which cannot be fingerprinted; use plain data "
                    "(text, numbers, dates, lists, mappings)"
                )
                problems.append(ConfigProblem(message, name_of(data), f"config{path}"))
        if problems:
            raise PipelineConfigError(problems)
        return component


class PipelineConfig(_Section):
    """A pipeline: a named, ordered graph of components.

    :param name: name of the pipeline; part of the checkpoint's identity
    :param components: at least one component; the order is kept where dependencies allow
    :param version: the author's version of the pipeline, shown in the log
    :param environment: ``dev``, ``staging``, ``prod`` or whatever the author calls it; shown in the log
    :param tags: free-form labels, shown in the log
    :param spark: Spark settings
    :param on_config_change: when the config differs from the checkpoint's: ``restart`` everything,
        ``rerun_affected`` the changed components and their descendants, or ``fail``
    :param restart_from: a component that runs again with all its descendants, although it had completed
    :param session_state: what becomes of the temp views that components leave: ``auto`` replays what was cheap and
        harmless and saves the rest; ``save`` all; ``replay`` the components instead; ``none``
    :param session_state_format: Spark data source to save views with
    :param replay_below_seconds: up to how many seconds a run counts as cheap for ``auto``
    :raises PipelineConfigError: with every problem of the whole config
    """

    name: str = Field(min_length=1)
    components: list[ComponentConfig] = Field(min_length=1)
    version: str = "1"
    environment: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    spark: SparkSection = Field(default_factory=SparkSection)
    on_config_change: OnConfigChange = "restart"
    restart_from: str | None = None
    session_state: Policy = "auto"
    session_state_format: str = Field(default="parquet", min_length=1)
    replay_below_seconds: float = Field(default=10.0, ge=0)

    _source: str | None = PrivateAttr(default=None)

    @property
    def source(self) -> str | None:
        """The file that the config came from, None if it was built in Python."""
        return self._source

    @property
    def base_dir(self) -> Path:
        """Where relative paths inside the config start: the folder of its file, else the working directory."""
        return Path(self._source).parent if self._source else Path.cwd()

    @property
    def ordered(self) -> tuple[ComponentConfig, ...]:
        """The enabled components in the order of execution."""
        by_name = {component.name: component for component in self.components}
        order = execution_order({name: component.depends_on for name, component in by_name.items()})
        return tuple(by_name[name] for name in order if by_name[name].enabled)

    @model_validator(mode="wrap")
    @classmethod
    def _report(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(data, cls):
            return data
        problems: list[ConfigProblem] = []
        raw = data.get("components") if isinstance(data, Mapping) else None
        if isinstance(raw, (list, tuple)):
            good = []
            for position, item in enumerate(raw, start=1):
                try:
                    good.append(ComponentConfig.model_validate(item))
                except PipelineConfigError as error:
                    problems += [
                        ConfigProblem(p.message, p.component or f"#{position}", p.field) for p in error.problems
                    ]
                except ValidationError:
                    message = f"expected a mapping with name and class_path, got {type(item).__name__}"
                    problems.append(ConfigProblem(message, f"#{position}"))
            problems += graph_problems(raw)
            names = {name_of(item) for item in raw}
            wanted = data.get("restart_from")
            if isinstance(wanted, str) and wanted not in names:
                hint = suggest(wanted, (name for name in names if name is not None))
                problems.append(ConfigProblem(f"unknown component {wanted!r}{hint}", None, "restart_from"))
            data = {**data, "components": good}
        try:
            pipeline = handler(data)
        except ValidationError as error:
            own = explain(error, cls, None)
            # No component was good: each of them is reported above, the empty list is no problem of its own.
            problems = [p for p in own if not (raw and p.field == "components")] + problems
        if problems:
            raise PipelineConfigError(problems)
        return pipeline


def load_pipeline_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | PipelineConfig, *, origin: str | None = None
) -> PipelineConfig:
    """Load and fully check a pipeline config, including that every enabled component can be imported.

    :param source: path of a ``.yaml``, ``.yml``, ``.json``, ``.conf`` or ``.hocon`` file, a mapping with
        the fields of :class:`PipelineConfig`, or a :class:`PipelineConfig`, which is checked again
    :param origin: for a mapping that came from a file: the path of that file
    :return: the validated config
    :raises PipelineConfigError: with every problem that was found
    """
    if isinstance(source, (str, os.PathLike)):
        origin = os.fspath(source)
        source = read_config_file(origin)
    try:
        # model_validate also turns what is no mapping at all into a problem of the config.
        config = PipelineConfig.model_validate(source)
    except PipelineConfigError as error:
        usable = _usable_components(source)
        raise PipelineConfigError([*error.problems, *_import_problems(usable)], origin) from None
    if origin is not None:
        config._source = origin
    problems = _import_problems(config.components)
    if problems:
        raise PipelineConfigError(problems, config.source)
    return config


def _usable_components(source: Any) -> list[ComponentConfig]:
    raw = source.get("components") if isinstance(source, Mapping) else None
    usable = []
    for item in raw if isinstance(raw, (list, tuple)) else ():
        try:
            usable.append(ComponentConfig.model_validate(item))
        except (PipelineConfigError, ValidationError):
            continue  # already among the reported problems
    return usable


def _import_problems(components: list[ComponentConfig]) -> list[ConfigProblem]:
    return [
        ConfigProblem(message, component.name, field)
        for component in components
        if component.enabled
        for field, message in check_component(component.class_path, component.config)
    ]
