"""The sections of a pipeline config that stand on their own: retries, circuit breaker, Spark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from airflow_provider.runner.config.scalars import SparkValue, TextAsWritten, is_shared_part

ResourceAmounts = dict[str, Annotated[int, Field(ge=1)]]
"""Name of a resource to a whole amount of it."""


class ConfigSection(TextAsWritten):
    """A part of the config: it refuses unknown fields, and nothing changes after validation.

    Keys that begin with ``x-`` hold shared parts and are dropped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_shared_parts(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and any(map(is_shared_part, data)):
            return {key: value for key, value in data.items() if not is_shared_part(key)}
        return data


class RetryConfig(ConfigSection):
    """A component's own retries, inside one attempt.

    :param max_attempts: number of tries, including the first one
    :param initial_delay_seconds: pause before the second try
    :param max_delay_seconds: longest pause
    :param backoff_multiplier: factor from one pause to the next
    :param retry_on_exceptions: names of exception classes (``OSError`` or ``my.module.Error``) that are worth another
        try; a subclass counts
    """

    max_attempts: int = Field(default=3, ge=1)
    initial_delay_seconds: float = Field(default=1.0, ge=0)
    max_delay_seconds: float = Field(default=60.0, ge=0)
    backoff_multiplier: float = Field(default=2.0, ge=1)
    retry_on_exceptions: list[str] = Field(default_factory=lambda: ["Exception"])


class CircuitBreakerConfig(ConfigSection):
    """When to leave a component that keeps failing alone for a while.

    :param failure_threshold: failed tries in a row that open the circuit
    :param success_threshold: successful tries in a row that close a half-open circuit
    :param timeout_seconds: how long an open circuit refuses tries
    :param half_open_max_calls: tries that a half-open circuit lets through
    """

    failure_threshold: int = Field(default=5, ge=1)
    success_threshold: int = Field(default=2, ge=1)
    timeout_seconds: float = Field(default=60.0, gt=0)
    half_open_max_calls: int = Field(default=1, ge=1)


class ResiliencePolicy(ConfigSection):
    """``retry`` and ``circuit_breaker`` bundled under one key.

    :param retry: the component's own retries inside one attempt
    :param circuit_breaker: when to stop trying a component that keeps failing
    """

    retry: RetryConfig | None = None
    circuit_breaker: CircuitBreakerConfig | None = None


class SparkSection(ConfigSection):
    """Spark settings of the pipeline. The operator's connection and ``spark_conf`` override them.

    :param app_name: application name
    :param master: ``local[*]``, ``spark://…``, ``yarn``, ``k8s://…``
    :param deploy_mode: ``client`` or ``cluster``
    :param driver_memory: such as ``2g``
    :param driver_cores: cores of the driver
    :param executor_memory: such as ``4g``
    :param executor_cores: cores per executor
    :param num_executors: number of executors, unless ``dynamic_allocation``
    :param dynamic_allocation: let Spark choose the number of executors
    :param spark_conf: any further Spark properties; they override the fields above
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
    spark_conf: dict[str, SparkValue] = Field(default_factory=dict)

    @classmethod
    def numbers_as_text(cls) -> frozenset[str]:
        """Return the properties, many of which are numbers."""
        return frozenset({"spark_conf"})

    def to_spark_conf(self) -> dict[str, str]:
        """Return the settings as Spark properties, without those that the author left out."""
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
