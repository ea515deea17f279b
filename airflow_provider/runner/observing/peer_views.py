"""What hooks written for ``pyspark-pipeline-framework`` read: its config and result objects, made of ours.

Where that package is loaded these are objects of its own classes, so that ``isinstance`` and its enums hold. Otherwise
they are the classes below, with the same fields. That package is never imported here.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider.runner.config.graph import execution_order
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.observing.events import PipelineStarted
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus, PipelineResult
from airflow_provider.runner.planning.plan import Action

PACKAGE = "pyspark_pipeline_framework"


class Word(str):
    """Text that can be read like a member of an enum."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)

    @property
    def name(self) -> str:
        return self.upper()


@dataclass
class SparkView:
    """The ``spark`` section."""

    app_name: str
    master: str = "local[*]"
    deploy_mode: Any = Word("client")  # noqa: RUF009 - text does not change
    driver_memory: str = "2g"
    driver_cores: int = 1
    executor_memory: str = "4g"
    executor_cores: int = 2
    num_executors: int = 2
    dynamic_allocation: bool = False
    spark_conf: dict[str, str] = field(default_factory=dict)
    connect_string: str | None = None


@dataclass
class ComponentView:
    """A component's config."""

    name: str
    component_type: Any
    class_path: str
    config: dict[str, Any] = field(default_factory=dict)
    depends_on: list[str] = field(default_factory=list)
    retry: Any = None
    circuit_breaker: Any = None
    resilience: Any = None
    enabled: bool = True


@dataclass
class PipelineView:
    """A pipeline's config."""

    name: str
    version: str
    spark: Any
    components: list[Any]
    environment: Any = Word("dev")  # noqa: RUF009 - text does not change
    mode: Any = Word("batch")  # noqa: RUF009 - text does not change
    hooks: Any = None
    secrets: Any = None
    tags: dict[str, str] = field(default_factory=dict)

    def get_component(self, name: str) -> Any:
        """Return a component by its name, None if there is none."""
        return next((component for component in self.components if component.name == name), None)

    def get_execution_order(self) -> list[str]:
        """Return the names of the components in the order of execution."""
        return list(execution_order({component.name: component.depends_on for component in self.components}))


@dataclass
class ComponentResultView:
    """How a component that ran fared."""

    component_name: str
    success: bool
    duration_ms: int
    error: Any = None
    retries: int = 0


@dataclass
class PipelineResultView:
    """How a run went; without the components that did not run in it."""

    status: Any
    pipeline_name: str
    component_results: list[Any] = field(default_factory=list)
    total_duration_ms: int = 0

    @property
    def completed_components(self) -> list[str]:
        return [result.component_name for result in self.component_results if result.success]

    @property
    def failed_components(self) -> list[tuple[str, Any]]:
        return [(r.component_name, r.error) for r in self.component_results if r.error is not None]


class StartedOrConfig(PipelineStarted):
    """For a hook whose expected arguments are unknown: our event, which has the attributes of the config, too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(pipeline_view(self.config), name)


def pipeline_view(config: PipelineConfig) -> Any:
    """Return a pipeline as their hooks know it."""
    fields: dict[str, Any] = {
        "name": config.name,
        "version": config.version,
        "spark": _spark_view(config),
        "components": [component_view(component) for component in config.components],
        "environment": word("core.config.base", "Environment", config.environment or "dev"),
        "mode": word("core.config.base", "PipelineMode", "batch"),
        "tags": dict(config.tags),
    }
    return _made_of(config, _make("core.config.pipeline", "PipelineConfig", PipelineView, fields))


def component_view(component: ComponentConfig) -> Any:
    """Return a component as their hooks know it."""
    fields: dict[str, Any] = {
        "name": component.name,
        "component_type": word("core.config.base", "ComponentType", component.component_type),
        "class_path": component.class_path,
        "config": copy.deepcopy(component.config),
        "depends_on": list(component.depends_on),
        "retry": component.retry_policy,
        "circuit_breaker": component.breaker_policy,
        "enabled": component.enabled,
    }
    return _made_of(component, _make("core.config.component", "ComponentConfig", ComponentView, fields))


def _made_of(ours: object, view: Any) -> Any:
    view._made_of = ours
    return view


def origin_of(view: Any) -> Any:
    """Return our config of which a view was made; what is no view itself."""
    return getattr(view, "_made_of", view)


def result_view(result: PipelineResult) -> Any:
    """Return a result as their hooks know it."""
    ran = [r for r in result.component_results if _ran(r)]
    fields: dict[str, Any] = {
        "status": word("runner.result", "PipelineResultStatus", result.status, result.status),
        "pipeline_name": result.pipeline_name,
        "component_results": [
            _make(
                "runner.result",
                "ComponentResult",
                ComponentResultView,
                {
                    "component_name": r.component_name,
                    "success": r.success,
                    "duration_ms": r.duration_ms,
                    "error": r.error,
                    "retries": r.retries,
                },
            )
            for r in ran
        ],
        "total_duration_ms": result.total_duration_ms,
    }
    return _make("runner.result", "PipelineResult", PipelineResultView, fields)


def _ran(result: ComponentResult) -> bool:
    return result.status is not ComponentStatus.NOT_RUN and result.action is not Action.REUSE


def word(module: str, enum: str, value: str, otherwise: str | None = None) -> Any:
    """Return a member of one of their enums, if it is loaded and has it.

    :param module: where the enum is in that package
    :param enum: its name
    :param value: the member's value
    :param otherwise: what to return instead; default: text that reads like a member
    """
    members = _theirs(module, enum)
    try:
        if members is not None:
            return members(value)
    except ValueError:
        pass  # it knows fewer words
    return Word(value) if otherwise is None else otherwise


def _spark_view(config: PipelineConfig) -> Any:
    written = {key: value for key, value in config.spark.model_dump().items() if value is not None}
    if "deploy_mode" in written:
        written["deploy_mode"] = word("core.config.base", "SparkDeployMode", written["deploy_mode"])
    return _make("core.config.spark", "SparkConfig", SparkView, {"app_name": config.name, **written})


def _make(module: str, name: str, view: Callable[..., Any], fields: Mapping[str, Any]) -> Any:
    theirs = _theirs(module, name)
    if theirs is not None:
        try:
            return theirs(**fields)
        except (TypeError, ValueError):  # their checks are not ours
            return view(**fields)
    return view(**fields)


def _theirs(module: str, name: str) -> Any:
    return getattr(sys.modules.get(f"{PACKAGE}.{module}"), name, None)
