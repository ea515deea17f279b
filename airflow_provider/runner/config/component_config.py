"""The config of one component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.component import resolve_component
from airflow_provider.runner.config.component_object import ComponentObject, component_object_in
from airflow_provider.runner.config.component_problems import content_problems
from airflow_provider.runner.config.policies import (
    SessionStatePolicy,
)
from airflow_provider.runner.config.problems import (
    component_name,
    validation_problems,
)
from airflow_provider.runner.config.sections import (
    CircuitBreakerConfig,
    ConfigSection,
    ResiliencePolicy,
    ResourceAmounts,
    RetryConfig,
)
from airflow_provider.runner.config.self_reference import CONTAINS_ITSELF, find_self_reference


class ComponentConfig(ConfigSection):
    """One component of a pipeline.

    >>> load = ComponentConfig(name="load", class_path="shop.steps.Load", config={"path": "/in"})
    >>> ComponentConfig(name="clean", class_path="shop.steps.Clean", depends_on=[load.name]).depends_on
    ['load']

    :param name: unique in the pipeline; any characters
    :param class_path: dotted path of a class with ``run()`` or of a function ``fn(spark, **config)``; in Python also
        the class or function itself
    :param component_type: ``source``, ``transformation`` or ``sink``
    :param config: the component's own settings; plain data only, because they are fingerprinted
    :param depends_on: names of the components that must be complete before this one
    :param retry: the component's own retries inside one attempt
    :param circuit_breaker: when to stop trying a component that keeps failing
    :param resilience: ``retry`` and ``circuit_breaker`` under one key; cannot be combined with either
    :param enabled: False removes the component from the pipeline
    :param session_state: how its temp views survive; default: the pipeline's policy
    :param checkpoint_version: your own version of the component's results: another value counts as a changed config.
        Use it for changes that the code does not show
    :param always_run: run it in every attempt that runs anything, for components that set things up
    :param timeout_seconds: how long one try of it may take, in seconds; saving what it leaves does not count. When the
        time is up its Spark work is cancelled, and it fails with
        :class:`~airflow_provider.errors.ComponentTimeoutError`. Each try of its ``retry`` has that much time. Such a
        component runs in a thread of its own
    :param resources: how much it uses of each of the pipeline's ``max_resources`` while it runs, such as ``{jdbc: 1}``:
        components that use more than there is of one do not run side by side
    :param spark_pool: the pool of the FAIR scheduler in which its Spark jobs run, such as one of your
        ``fairscheduler.xml``; default: with parallel components a pool of its own
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
    session_state: SessionStatePolicy | None = None
    checkpoint_version: str | None = None
    always_run: bool = False
    timeout_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    resources: ResourceAmounts = Field(default_factory=dict)
    spark_pool: str | None = Field(default=None, min_length=1)

    _component_object: ComponentObject | None = PrivateAttr(default=None)
    _texts: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def left_as_written(cls) -> frozenset[str]:
        """Return the field that the component itself reads: the component knows where text is meant."""
        return frozenset({"config"})

    @property
    def component_object(self) -> ComponentObject | None:
        """The class or function itself, None if the config has only its path."""
        component_object = self._component_object
        return (
            component_object if component_object is not None and component_object.path == self.class_path else None
        )  # a copy may have another path

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of the files that ``config`` names, with their templates rendered, by the names in ``config``."""
        return self._texts

    def target(self) -> Any:
        """Return the component's class or function.

        :raises LookupError: it does not exist, or it is not a component; the message says which
        """
        return resolve_component(self.class_path, self.component_object)

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
        if circle := find_self_reference(data):
            raise PipelineConfigError([ConfigProblem(CONTAINS_ITSELF, component_name(data), circle)])
        problems: list[ConfigProblem] = []
        component = None
        try:
            component_object = component_object_in(data)
            component = handler({**data, "class_path": component_object.path} if component_object else data)
            component._component_object = component_object
        except LookupError as error:
            problems.append(ConfigProblem(str(error), component_name(data), "class_path"))
        except ValidationError as error:
            problems += validation_problems(error, cls, component_name(data), data)
        if isinstance(data, Mapping):
            problems += content_problems(data)
        if problems:
            raise PipelineConfigError(problems)
        return component
