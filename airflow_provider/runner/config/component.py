"""Components: how the runner finds, builds and runs what an author wrote.

A component is a class with ``run()`` or a function ``fn(spark, **config)``. The runner builds a class with its
``from_config(config)`` if it has one, otherwise with keyword arguments. It passes the Spark session to
``set_spark_session(spark)`` if the class has that method, otherwise it sets the attribute ``spark``. If a class also
has ``open()`` and ``close()``, they run before and after ``run()``, whatever happens. Any of these functions may be
``async``; the runner awaits it in an event loop of its own.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from airflow_provider.errors import describe
from airflow_provider.runner.config.argument_types import arguments_for
from airflow_provider.runner.config.callables import has_own_session
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.component_object import ComponentObject
from airflow_provider.runner.config.dataflow import DataFlow
from airflow_provider.runner.config.import_watch import watching_import
from airflow_provider.runner.config.problems import suggestion, with_article
from airflow_provider.runner.config.returned_value import run_resource

Component = Callable[[], object]
"""What the runner calls: ``run`` of a built component, or a function with its arguments in place."""


@runtime_checkable
class ComponentResource(Protocol):
    """A component with something to open before it runs and to close afterwards."""

    def open(self) -> None:
        """Acquire what ``run()`` needs."""

    def close(self) -> None:
        """Release it, whether or not ``run()`` succeeded."""


def resolve_component(class_path: str, component_object: ComponentObject | None = None) -> Any:
    """Return the class or function that a class path names.

    :param class_path: dotted path, ``package.module.Name``
    :param component_object: the class or function itself, which need not be imported then
    :raises LookupError: it does not exist, or it is not a component; the message says which
    """
    if component_object is not None:
        _check_kind(class_path, component_object.target)
        return component_object.target
    module_name, _, attribute = class_path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in class_path.split(".")):
        raise LookupError(f"{class_path!r} is not a dotted path such as 'my_package.my_module.MyComponent'")
    module = _import(module_name)
    try:
        target = getattr(module, attribute)
    except AttributeError:
        public = [name for name in dir(module) if not name.startswith("_")]
        hint = suggestion(attribute, public, most=0) or "; name one of its classes or functions"
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
    """Return file and line in the module, or in a package around it, where the import failed."""
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
    context: Callable[[], ComponentContext] | None = None,
) -> Component:
    """Build a component and give it the session.

    :param base_dir: where relative paths in the config start
    :param texts: see :attr:`~airflow_provider.runner.config.dataflow.DataFlow.texts`
    :param context: returns what a :class:`DataFlow` gets to know of the pipeline around it
    :return: a callable without arguments that does the component's work once
    """
    if not inspect.isclass(target):
        return functools.partial(target, spark, **arguments_for(target, config))
    component = _built(target, config)
    if isinstance(component, DataFlow):
        component.base_dir = base_dir
        component.texts = texts or {}
        component.context = context() if context is not None else None
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
