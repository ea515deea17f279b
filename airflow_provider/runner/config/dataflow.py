"""The base class for components that use Spark."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel

from airflow_provider.runner.config.argument_types import arguments_for
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.scalars import plain_value

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class DataFlow(ABC):
    """Base class for components that use Spark.

    >>> class Clean(DataFlow):
    ...     def __init__(self, input_view: str, output_view: str) -> None:
    ...         super().__init__()
    ...         self.input_view, self.output_view = input_view, output_view
    ...
    ...     def run(self) -> None:
    ...         self.spark.table(self.input_view).dropna().createOrReplaceTempView(self.output_view)
    """

    config_model: type[BaseModel] | None = None
    """Optional pydantic model of the component's config. With it, a wrong config is reported before
    anything runs, and :meth:`from_config` passes the validated model to ``__init__``."""

    base_dir: Path = Path()
    """Where relative paths in the config start: the folder of the pipeline file. Set by the runner."""

    texts: Mapping[str, str] = MappingProxyType({})
    """Texts of files that the config names, with their templates rendered, by their names. Set by the runner."""
    context: ComponentContext | None = None
    """What is known of the pipeline around it. Set by the runner; None without one."""

    _spark: SparkSession | None = None

    @classmethod
    def template_files(cls, config: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the files whose templates are rendered before the component runs, as Airflow renders ``.sql`` files.

        :param config: the ``config`` mapping of the component, rendered and not yet validated
        :return: key of ``config`` to the name of a file. Its text is then in :attr:`texts` under that name
        """
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the component from its config.

        :param config: the ``config`` mapping of the component
        """
        build: Callable[..., Self] = cls
        if cls.config_model is not None:
            return build(validate_component_config(cls.config_model, config))
        return build(**arguments_for(cls, config))

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Report what is wrong with a config, as far as it shows without data and without Spark.

        The config check calls this for a config that ``config_model`` or the arguments of ``__init__`` accept; authors
        may override it. It must not raise. A class that does not derive from :class:`DataFlow` may have it, too.

        :param config: the ``config`` mapping of the component, with rendered templates where they are known already
        :param base_dir: where relative paths in the config start; None if that is not known yet, so that no file can be
            found
        :return: pairs of a field of the config (``sql_file``, ``options.header``) and what is wrong with it
        """
        return ()

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report what is allowed but probably not meant. The config check prints it as a warning, and the run logs it.

        :param config: the ``config`` mapping of the component
        :return: pairs of a field of the config and what to look at
        """
        return ()

    @classmethod  # noqa: B027 - few components have anything to repair
    def before_attempt(cls, config: Mapping[str, Any], spark: SparkSession, context: ComponentContext) -> None:
        """Repair what an earlier attempt of this component left half done, before any component of this attempt runs.

        By default it does nothing. An error here is logged, and the attempt goes on.

        :param config: the ``config`` mapping of the component
        """

    @property
    def name(self) -> str:
        """A name for log lines; the class name unless a subclass says otherwise."""
        return type(self).__name__

    @property
    def spark(self) -> SparkSession:
        """The Spark session of this run.

        :raises RuntimeError: before the runner has set it
        """
        if self._spark is None:
            raise RuntimeError(f"component {self.name!r} has no Spark session yet; the runner sets it before run()")
        return self._spark

    def set_spark_session(self, spark: SparkSession) -> None:
        """Take the session. The runner calls this before :meth:`run`."""
        self._spark = spark

    @property
    def logger(self) -> logging.Logger:
        """A logger named after the component's class."""
        return logging.getLogger(f"{type(self).__module__}.{type(self).__qualname__}")

    @abstractmethod
    def run(self) -> None:
        """Do the work. Returning means success, raising means failure."""


def validate_component_config(model: type[BaseModel], config: Mapping[str, Any]) -> BaseModel:
    """Validate a config with its component's model.

    :raises pydantic.ValidationError: it does not fit
    """
    takes_numbers_as_text = bool(model.model_config.get("coerce_numbers_to_str"))
    return model.model_validate(dict(config) if takes_numbers_as_text else plain_value(dict(config)))
