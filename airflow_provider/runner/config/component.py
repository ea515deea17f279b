"""Components: what an author may write, and how the runner finds, builds and runs one.

A component is a class with ``run()`` or a function ``fn(spark, **config)``. A class is built with its
``from_config(config)`` if it has one, otherwise with keyword arguments. It gets the Spark session through
``set_spark_session(spark)`` if it has that method, otherwise as attribute ``spark``. Classes that also have
``open()`` and ``close()`` are opened before ``run()`` and closed after it, whatever happens. Any of these functions may
be ``async``: it is awaited in an event loop of its own.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from pydantic import BaseModel

from airflow_provider.errors import describe
from airflow_provider.runner.config.argument_types import arguments_for
from airflow_provider.runner.config.callables import has_own_session
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.component_object import ComponentObject
from airflow_provider.runner.config.import_watch import watching_import
from airflow_provider.runner.config.problems import suggestion, with_article
from airflow_provider.runner.config.returned_value import run_resource
from airflow_provider.runner.config.scalars import plain_value

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Component = Callable[[], object]
"""What the runner calls: ``run`` of a built component, or a function with its arguments in place."""


@runtime_checkable
class ComponentResource(Protocol):
    """A component that holds something open while it runs."""

    def open(self) -> None:
        """Acquire what ``run()`` needs."""

    def close(self) -> None:
        """Release it; called whether or not ``run()`` succeeded."""


class DataFlow(ABC):
    """Base class for components that use Spark.

    .. code-block:: python

        class Clean(DataFlow):
            def __init__(self, input_view: str, output_view: str) -> None:
                super().__init__()
                self.input_view, self.output_view = input_view, output_view

            def run(self) -> None:
                self.spark.table(self.input_view).dropna().createOrReplaceTempView(self.output_view)
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
        """Look for what is wrong with a config and can be seen without data and without Spark.

        The config check calls it on a config that ``config_model`` or the arguments of ``__init__`` accept; an author
        overrides it. Nothing of it may raise. A class that does not derive from :class:`DataFlow` may have it, too.

        :param config: the ``config`` mapping of the component, its templates rendered if they are known already
        :param base_dir: where relative paths in the config start; None if that is not known yet, so that files cannot
            be looked for
        :return: pairs of a field of the config (``sql_file``, ``options.header``) and what is wrong with it
        """
        return ()

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Look for what is allowed and probably not meant. The check prints it as a warning, the run logs it.

        :param config: the ``config`` mapping of the component
        :return: pairs of a field of the config and what to look at
        """
        return ()

    @classmethod  # noqa: B027 - few components have anything to mend
    def before_attempt(cls, config: Mapping[str, Any], spark: SparkSession, context: ComponentContext) -> None:
        """Mend what an earlier attempt of this component left half done, before any component of this one runs.

        Nothing by default. An error here is logged, and the attempt goes on.

        :param config: the ``config`` mapping of the component
        :param spark: the session
        :param context: the pipeline around it
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
            raise RuntimeError(f"component {self.name!r} has no Spark session before the runner sets it")
        return self._spark

    def set_spark_session(self, spark: SparkSession) -> None:
        """Take the session. Called by the runner before :meth:`run`."""
        self._spark = spark

    @property
    def logger(self) -> logging.Logger:
        """A logger named after the component's class."""
        return logging.getLogger(f"{type(self).__module__}.{type(self).__qualname__}")

    @abstractmethod
    def run(self) -> None:
        """Do the work. Returning means success, raising means failure."""


def resolve_component(class_path: str, given: ComponentObject | None = None) -> Any:
    """Return the class or function that a class path names.

    :param class_path: dotted path, ``package.module.Name``
    :param given: what was given itself, so that it need not be imported
    :raises LookupError: there is no such thing, or it is not a component; the message says which
    """
    if given is not None:
        _check_kind(class_path, given.target)
        return given.target
    module_name, _, attribute = class_path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in class_path.split(".")):
        raise LookupError(f"{class_path!r} is not a dotted path such as 'my_package.my_module.MyComponent'")
    module = _import(module_name)
    try:
        target = getattr(module, attribute)
    except AttributeError:
        public = [name for name in dir(module) if not name.startswith("_")]
        hint = suggestion(attribute, public, most=0) or "; name a class or function that it has"
        raise LookupError(f"module {module_name!r} has no {attribute!r}{hint}") from None
    _check_kind(class_path, target)
    return target


def _import(module_name: str) -> ModuleType:
    try:
        with watching_import(module_name):
            return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise LookupError(
                f"there is no module {missing!r}; it must be importable where the pipeline runs"
            ) from None
        raise LookupError(
            f"importing {module_name!r} failed: {describe(error)}{_place_in(module_name, error)}; "
            f"try: python -c 'import {module_name}'"
        ) from error


def _place_in(module_name: str, error: BaseException) -> str:
    """Return file and line of the module, or of a package around it, where the import went wrong."""
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{module_name}.".startswith(f"{frame.f_globals.get('__name__')}.")
    ]
    return f" ({lines[-1][0]}, line {lines[-1][1]})" if lines else ""


def _check_kind(class_path: str, target: Any) -> None:
    if inspect.isclass(target):
        if not callable(getattr(target, "run", None)):
            raise LookupError(
                f"class {class_path!r} is not a component: it has no run() method; define one or name another class"
            )
        missing = sorted(getattr(target, "__abstractmethods__", ()))
        if missing:
            raise LookupError(
                f"class {class_path!r} is abstract: it does not define {', '.join(missing)}; "
                f"define {'it' if len(missing) == 1 else 'them'} or name a subclass"
            )
    elif not callable(target):
        raise LookupError(
            f"{class_path!r} is {with_article(type(target).__name__)}, not a component: "
            "it must be a class with run() or a function fn(spark, **config)"
        )


def has_own_from_config(target: type) -> bool:
    """Return whether the class has a ``from_config`` that is not :class:`DataFlow`'s."""
    found = getattr(target, "from_config", None)
    inherited = DataFlow.from_config.__func__  # type: ignore[attr-defined]
    return found is not None and getattr(found, "__func__", None) is not inherited


def build_component(
    target: Any,
    config: Mapping[str, Any],
    spark: Any,
    base_dir: Path,
    texts: Mapping[str, str] | None = None,
    context: ComponentContext | None = None,
) -> Component:
    """Build a component and hand it the session.

    :param target: the class or function
    :param config: its config
    :param spark: the Spark session
    :param base_dir: where relative paths in the config start
    :param texts: see :attr:`DataFlow.texts`
    :param context: the pipeline around it
    :return: a callable without arguments that does the component's work once
    """
    if not inspect.isclass(target):
        return functools.partial(target, spark, **arguments_for(target, config))
    component = _built(target, config)
    if isinstance(component, DataFlow):
        component.base_dir = base_dir
        component.texts = texts or {}
        component.context = context
    if callable(getattr(component, "set_spark_session", None)):
        component.set_spark_session(spark)
    elif not has_own_session(type(component)):
        component.spark = spark
    if isinstance(component, ComponentResource):
        return functools.partial(run_resource, component)
    return component.run  # type: ignore[no-any-return]


def _built(target: Any, config: Mapping[str, Any]) -> Any:
    from_config = getattr(target, "from_config", None)
    if not callable(from_config):
        return target(**arguments_for(target, config))
    component = from_config(arguments_for(None, config) if has_own_from_config(target) else dict(config))
    if not callable(getattr(component, "run", None)):
        kind = "nothing" if component is None else with_article(type(component).__name__)
        raise TypeError(f"{target.__name__}.from_config() returned {kind}, not a component: let it return cls(…)")
    return component


def validate_component_config(model: type[BaseModel], config: Mapping[str, Any]) -> BaseModel:
    """Validate a config with its component's model.

    :raises pydantic.ValidationError: it does not fit
    """
    takes_numbers_as_text = bool(model.model_config.get("coerce_numbers_to_str"))
    return model.model_validate(dict(config) if takes_numbers_as_text else plain_value(dict(config)))
